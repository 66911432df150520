/**
 * The embedded Redis: one server for one data folder, reached through a socket in it and through nothing else, so that
 * services beside each other never meet and no port is open. It keeps an append-only file and evicts nothing: both are
 * what the ledger's promises rest on. It is a process of its own and outlives a killed service; the next start finds it.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApelError } from '../errors.ts'
import {
  alone,
  isAlive,
  type ProcessRef,
  processRef,
  readRef,
  startDetached,
  stopProcess,
  writeWhole,
} from './process.ts'
import { forget, reachable } from './short-folder.ts'
import type { Say, Tools } from './tools.ts'

export interface EmbeddedRedis {
  /** Path of the unix socket. */
  socket: string
  /** What ioredis takes as its address: the socket's path itself (ioredis knows no scheme for sockets). */
  url: string
  pid: number
  /** It ran already, left by an earlier service. */
  found: boolean
  /** Ends the server; everything written is on the disk afterwards. */
  stop(): Promise<void>
}

export interface RedisOptions {
  dataDir: string
  tools: Tools
  say: Say
}

/** A large append-only file is read back before the first answer: a million contacts take some seconds. */
const START_PATIENCE = 120_000

/** Starts the Redis of this data folder, or finds the one that is running there. */
export async function startRedis({ dataDir, tools, say }: RedisOptions): Promise<EmbeddedRedis> {
  const folder = join(dataDir, 'redis')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return await alone(folder, async () => {
    const socket = `${reachable(folder, 'redis.sock')}/redis.sock`
    const ledger = join(folder, 'process.json')
    // One that is stopped or swamped does not answer, and still owns its files: a second one beside it would ruin them.
    const known = readRef(ledger)
    const running = (await runningServer(socket)) ?? (known && isAlive(known) ? known : null)
    if (running) {
      say(`Redis: found running (process ${running.pid}), ${folder}`)
      await ready(socket, running, folder)
      return handle(folder, socket, running, true)
    }
    const begun = performance.now()
    rmSync(socket, { force: true })
    writeWhole(join(folder, 'redis.conf'), configuration(folder, socket))
    const output = join(folder, 'redis.log')
    const ref = await startDetached(tools.path('redis-server'), [join(folder, 'redis.conf')], output)
    writeWhole(ledger, JSON.stringify(ref))
    await ready(socket, ref, folder)
    say(`Redis ${tools.fact('redis', 'version')}: started in ${Math.round(performance.now() - begun)} ms, ${folder}`)
    return handle(folder, socket, ref, false)
  })
}

function configuration(folder: string, socket: string): string {
  return `# Written by apel at each start; changes are lost.
# No port at all: the socket is the only door, and only this user may open it.
port 0
unixsocket ${quoted(socket)}
unixsocketperm 600
daemonize no
dir ${quoted(folder)}
# Every write is in the append-only file within a second. Snapshots would write the same again.
appendonly yes
appendfsync everysec
save ""
# A crash may cut the last line of the file; the rest is good.
aof-load-truncated yes
# A full Redis refuses writes, and the gate closes. Evicting would forget who must not be called.
maxmemory-policy noeviction
tcp-backlog 128
databases 16
`
}

function quoted(path: string): string {
  return `"${path.replace(/[\\"]/g, '\\$&')}"`
}

function handle(folder: string, socket: string, ref: ProcessRef, found: boolean): EmbeddedRedis {
  return {
    socket,
    url: socket,
    pid: ref.pid,
    found,
    async stop() {
      if (!isAlive(ref)) return
      // NOSAVE means no snapshot; the append-only file is flushed and closed all the same.
      const asked = await ask(socket, 'SHUTDOWN NOSAVE').then(
        () => true,
        () => false,
      )
      await stopProcess(ref, 15_000, asked)
      forget(folder)
    },
  }
}

/** The server behind the socket, when one answers there. */
async function runningServer(socket: string): Promise<ProcessRef | null> {
  const info = await ask(socket, 'INFO server').catch(() => '')
  const pid = /process_id:(\d+)/.exec(info)?.[1]
  return pid === undefined ? null : processRef(Number(pid))
}

async function ready(socket: string, ref: ProcessRef, folder: string): Promise<void> {
  const end = performance.now() + START_PATIENCE
  for (;;) {
    if (!isAlive(ref)) {
      throw new ApelError(
        'embedded_start',
        `Redis did not start: ${lastLine(join(folder, 'redis.log'))} The whole log is ${join(folder, 'redis.log')}.`,
        { folder },
      )
    }
    const answer = await ask(socket, 'PING').catch(() => '')
    if (answer.startsWith('+PONG')) return
    if (performance.now() > end) {
      throw new ApelError(
        'embedded_start',
        `Redis (process ${ref.pid}) did not answer within ${START_PATIENCE / 1000} s. Its log is ${join(folder, 'redis.log')}.`,
        { folder },
        true,
      )
    }
    await sleep(25)
  }
}

function lastLine(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim().split('\n').at(-1) ?? ''
  } catch {
    return ''
  }
}

/** One command over a connection of its own; an empty answer when the server closes without one (as SHUTDOWN does). */
async function ask(socket: string, command: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    const link = connect(socket)
    let answer = ''
    link.setTimeout(2000, () => link.destroy(new Error('no answer')))
    link.once('connect', () => link.write(`${command}\r\nQUIT\r\n`))
    link.on('data', (bytes) => {
      answer += bytes.toString()
    })
    link.once('error', reject)
    link.once('close', () => resolve(answer))
  })
}
