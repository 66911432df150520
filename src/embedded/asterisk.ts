/**
 * An embedded Asterisk: a real one, in a run folder of its own below the data folder, with SIP and ARI on the ports of
 * its node. It is a process of its own and outlives a killed service, together with the calls on it; the next start
 * finds it, and reloads or restarts it only when its configuration is another one now.
 */
import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, readSync, rmSync, statSync } from 'node:fs'
import { createServer, isIP } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { ApelError } from '../errors.ts'
import {
  type AsteriskFolders,
  type AsteriskShape,
  configurationFiles,
  makeFolders,
  markApplied,
  reloadCommands,
  writeConfiguration,
} from './asterisk-config.ts'
import type { Peer } from './peers.ts'
import { alone, isAlive, type ProcessRef, readRef, startDetached, stopProcess, writeWhole } from './process.ts'
import { forget, plain, reachable } from './short-folder.ts'
import { projectRoot, type Say, type Tools } from './tools.ts'

const run = promisify(execFile)

/** ms. */
const PORT_PATIENCE = 3_000

export interface AsteriskOptions {
  dataDir: string
  /** The node's name in `apel.yaml`; names the run folder and appears in errors. */
  name: string
  sipPort: number
  /** Address of SIP and RTP, 127.0.0.1 when left out; 0.0.0.0 for a carrier on the internet. ARI stays on loopback. */
  bind?: string
  /** Our address as the far side sees it, when NAT lies between. */
  externalAddress?: string | null
  httpPort: number
  rtp: { from: number; to: number }
  peers: Record<string, string | Peer>
  ariUser: string
  ariPassword: string
  tools: Tools
  say: Say
}

export interface EmbeddedAsterisk {
  /** Base address of its web server, `http://127.0.0.1:PORT`; ARI is below `/ari`. */
  url: string
  username: string
  password: string
  /** A folder that the service writes sounds to and Asterisk plays them from, as `sound:FOLDER/NAME` without extension. */
  soundsDir: string
  pid: number
  version: string
  /** It ran already, with its calls. */
  found: boolean
  /** What changed in its configuration meanwhile: nothing, or it was reloaded (calls stay) or restarted (calls are lost). */
  applied: 'unchanged' | 'reloaded' | 'restarted' | 'started'
  /** One command of Asterisk's own command line, its answer without the last line end. */
  cli(command: string): Promise<string>
  /** Ends Asterisk and every call on it. */
  stop(): Promise<void>
}

/** Starts the node's Asterisk, or finds the one that is running and brings it up to date. */
export async function startAsterisk(options: AsteriskOptions): Promise<EmbeddedAsterisk> {
  const { dataDir, name, tools, say } = options
  const shape: AsteriskShape = { ...options, bind: options.bind ?? '127.0.0.1' }
  checkShape(name, shape)
  const folder = join(dataDir, 'asterisk', name)
  makeFolders(folder)
  mkdirSync(join(dataDir, 'sounds'), { recursive: true, mode: 0o755 })
  return await alone(folder, async () => {
    const node = new Node(folder, tools, name)
    const found = await node.find()
    const version = tools.fact('asterisk', 'version')
    const changed = writeConfiguration(folder, configurationFiles(shape, node.folders, version))
    let applied: EmbeddedAsterisk['applied'] = 'started'
    if (found) {
      const commands = reloadCommands(changed)
      if (commands) {
        for (const command of commands) await node.cli(command)
        applied = changed.length > 0 ? 'reloaded' : 'unchanged'
        say(
          `Asterisk ${name}: found running (process ${found.pid})${changed.length > 0 ? `, reloaded ${changed.join(', ')}` : ''}`,
        )
      } else {
        say(`Asterisk ${name}: found running (process ${found.pid}), but ${changed.join(', ')} changed: restarting it`)
        await node.stop(found)
        applied = 'restarted'
      }
    }
    let ref = found
    if (!ref || applied === 'restarted') {
      await portsFree(name, shape)
      const begun = performance.now()
      ref = await node.start()
      say(
        `Asterisk ${version} ${name}: started in ${Math.round(performance.now() - begun)} ms, SIP ${shape.bind}:${shape.sipPort}, ARI 127.0.0.1:${shape.httpPort}`,
      )
    }
    markApplied(folder)
    const running = ref
    return {
      url: `http://127.0.0.1:${shape.httpPort}`,
      username: shape.ariUser,
      password: shape.ariPassword,
      soundsDir: plain(join(dataDir, 'sounds')),
      pid: running.pid,
      version,
      found: found !== null,
      applied,
      cli: (command) => node.cli(command),
      stop: () => node.stop(running),
    }
  })
}

function checkShape(
  name: string,
  { sipPort, httpPort, rtp, bind, ariUser, ariPassword, externalAddress }: AsteriskShape,
): void {
  const fault = (what: string) => new ApelError('embedded_config', `Embedded Asterisk ${name}: ${what}`, { node: name })
  if (!/^[A-Za-z0-9_-]{1,40}$/.test(name))
    throw fault('a node is named with letters, digits, _ and -, 40 at most; its run folder is.')
  for (const [key, port] of Object.entries({
    sip_port: sipPort,
    http_port: httpPort,
    'rtp (from)': rtp.from,
    'rtp (to)': rtp.to,
  })) {
    if (!Number.isInteger(port) || port < 1 || port > 65535) throw fault(`${key} is ${port}, which is not a port.`)
  }
  if (rtp.to - rtp.from < 3) throw fault(`rtp: ${rtp.from}-${rtp.to} has no room; a call takes two ports.`)
  if (!isIP(bind)) throw fault(`bind ${JSON.stringify(bind)} is not an address, such as 127.0.0.1 or 0.0.0.0.`)
  if (externalAddress && !/^[A-Za-z0-9.:-]+$/.test(externalAddress))
    throw fault('the external address is not an address.')
  if (!/^[A-Za-z][A-Za-z0-9_-]*$/.test(ariUser) || ariUser === 'general')
    throw fault('the ARI user is named with letters, digits, _ and -.')
  if (!/^[\x21-\x7e]+$/.test(ariPassword)) throw fault('the ARI password must be of printable letters without blanks.')
}

/** One run folder and whatever Asterisk lives in it. */
class Node {
  readonly folders: AsteriskFolders
  private readonly ledger: string
  private readonly folder: string
  private readonly tools: Tools
  private readonly name: string

  constructor(folder: string, tools: Tools, name: string) {
    this.folder = folder
    this.tools = tools
    this.name = name
    this.ledger = join(folder, 'process.json')
    this.folders = {
      run: plain(folder),
      short: reachable(folder, 'run/asterisk.ctl'),
      dialplans: plain(join(projectRoot(), 'dialplans')),
      modules: tools.fact('asterisk', 'modules'),
      data: tools.fact('asterisk', 'data'),
    }
  }

  async find(): Promise<ProcessRef | null> {
    const ref = readRef(this.ledger)
    if (!ref || !isAlive(ref)) return null
    // One that hangs, or was killed halfway up, is of no use: it is ended, and a new one started.
    const answers = await this.cli('core waitfullybooted', 10_000).catch(() => null)
    if (answers !== null) return ref
    await this.stop(ref)
    return null
  }

  async start(): Promise<ProcessRef> {
    const output = join(this.folder, 'log', 'output')
    const log = join(this.folder, 'log', 'messages')
    const from = sizeOf(log)
    // A stop before took the link to the run folder away.
    reachable(this.folder, 'run/asterisk.ctl')
    rmSync(join(this.folder, 'run', 'asterisk.ctl'), { force: true })
    const ref = await startDetached(
      this.tools.path('asterisk'),
      ['-C', join(this.folders.run, 'etc/asterisk.conf'), '-f'],
      output,
    )
    writeWhole(this.ledger, JSON.stringify(ref))
    const end = performance.now() + 60_000
    for (;;) {
      const answer = await this.cli('core waitfullybooted').catch(() => '')
      if (/fully booted/i.test(answer)) break
      const alive = isAlive(ref)
      if (!alive || performance.now() > end) {
        if (alive) await this.stop(ref)
        throw this.startFault(alive ? 'did not come up within 60 s' : 'ended while starting', log, from, output)
      }
      await sleep(50)
    }
    // A module that could not load, a port that could not be bound: Asterisk is up all the same, and deaf.
    const deaf =
      (!/apel-transport/.test(await this.cli('pjsip show transports')) && 'SIP') ||
      (!/res_ari_channels/.test(await this.cli('module show like res_ari_channels')) && 'ARI') ||
      (!/127\.0\.0\.1:\d/.test(await this.cli('http show status')) && 'its web server')
    if (deaf) {
      await this.stop(ref)
      throw this.startFault(`came up without ${deaf}`, log, from, output)
    }
    return ref
  }

  private startFault(what: string, log: string, from: number, output: string): ApelError {
    const errors = textFrom(log, from)
      .split('\n')
      .filter((line) => / ERROR\[/.test(line))
    const last = errors.at(-1) ?? textFrom(output, 0).trim().split('\n').at(-1) ?? ''
    return new ApelError(
      'embedded_start',
      `The embedded Asterisk ${this.name} ${what}. ${last ? `It said: ${last}. ` : ''}Its log is ${log}.`,
      { node: this.name },
      true,
    )
  }

  async cli(command: string, patience = 20_000): Promise<string> {
    // The link to the short folder may have been cleaned away since.
    reachable(this.folder, 'run/asterisk.ctl')
    const { stdout } = await run(
      this.tools.path('asterisk'),
      ['-C', join(this.folders.run, 'etc/asterisk.conf'), '-rx', command],
      {
        timeout: patience,
        // The remote console of an Asterisk that hangs does not heed SIGTERM.
        killSignal: 'SIGKILL',
        maxBuffer: 64 << 20,
        cwd: '/',
      },
    )
    return stdout.replace(/\n$/, '')
  }

  async stop(ref: ProcessRef): Promise<void> {
    if (!isAlive(ref)) return
    const asked = await this.cli('core stop now', 5000).then(
      () => true,
      () => !isAlive(ref),
    )
    await stopProcess(ref, asked ? 10_000 : 3000, asked)
    rmSync(this.ledger, { force: true })
    forget(this.folder)
  }
}

/**
 * Rejects with a sentence when a port of the node is in use by somebody else. A process that was just killed is gone
 * before the last of its threads has given its sockets back, so a taken port is looked at again for a while.
 */
async function portsFree(name: string, shape: AsteriskShape): Promise<void> {
  const until = performance.now() + PORT_PATIENCE
  for (;;) {
    try {
      return await portsFreeNow(name, shape)
    } catch (error) {
      const taken = error instanceof ApelError && error.code === 'port_taken'
      if (!taken || performance.now() > until) throw error
      await sleep(100)
    }
  }
}

async function portsFreeNow(name: string, { bind, sipPort, httpPort }: AsteriskShape): Promise<void> {
  const taken = (port: number, kind: string, key: string) =>
    new ApelError(
      'port_taken',
      `Port ${port} (${kind}) of this host is taken by another program, and the embedded Asterisk ${name} is to use it. Set embedded.${key} of the node ${name} in apel.yaml to a free port, or end the other program (ss -lnp shows it).`,
      { node: name, port, key },
      true,
    )
  await new Promise<void>((resolve, reject) => {
    const socket = createSocket(isIP(bind) === 6 ? 'udp6' : 'udp4')
    socket.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        cause.code === 'EADDRINUSE' || cause.code === 'EACCES'
          ? taken(sipPort, `UDP, ${bind}`, 'sip_port')
          : cannotBind(name, bind, cause),
      )
    })
    socket.bind({ port: sipPort, address: bind, exclusive: true }, () => socket.close(() => resolve()))
  })
  await new Promise<void>((resolve, reject) => {
    const server = createServer()
    server.once('error', () => reject(taken(httpPort, 'TCP, 127.0.0.1', 'http_port')))
    server.listen({ port: httpPort, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve()))
  })
}

function cannotBind(name: string, bind: string, cause: Error): ApelError {
  return new ApelError(
    'embedded_config',
    `Embedded Asterisk ${name}: ${bind} is not an address of this host (${cause.message}). Set embedded.bind to one, or leave it out.`,
    { node: name, bind },
  )
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size
  } catch {
    return 0
  }
}

function textFrom(path: string, offset: number): string {
  try {
    if (offset === 0) return readFileSync(path, 'utf8')
    const file = openSync(path, 'r')
    try {
      const length = Math.max(0, fstatSync(file).size - offset)
      const bytes = Buffer.alloc(Math.min(length, 1 << 20))
      readSync(file, bytes, 0, bytes.length, offset)
      return bytes.toString('utf8')
    } finally {
      closeSync(file)
    }
  } catch {
    return ''
  }
}
