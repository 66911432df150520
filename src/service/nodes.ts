/**
 * The Asterisk nodes of the configuration: the embedded ones started, each with its telephony and the way in which it
 * finds its sounds.
 */
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { holesOf, mendedIn } from '../ari/holes.ts'
import { makeTelephony, type NodeTelephony } from '../ari/telephony.ts'
import type { Clock } from '../call/ports.ts'
import type { Config, NodeConfig } from '../config.ts'
import { startAsterisk } from '../embedded/asterisk.ts'
import type { Say, Tools } from '../embedded/tools.ts'
import type { Log } from '../log.ts'
import type { NodeSounds } from '../media/voice.ts'
import type { Releasers } from '../shutdown.ts'
import { keepRunning } from './keep-running.ts'
import type { Nap } from './nap.ts'

export interface ServiceNode {
  name: string
  config: NodeConfig
  telephony: NodeTelephony
  sounds: NodeSounds
  /**
   * Another link for the application of a process that is gone, not started yet. `startedAt`: when that one had seen the
   * node started. It is closed with the service, or before.
   */
  left(app: string, startedAt: string | undefined): NodeTelephony
}

export interface NodeParts {
  config: Config
  tools: Tools | null
  /** The name of our ARI application. */
  app: string
  /** Runs what is done to a node while no other instance does the same. */
  exclusively<T>(node: string, run: () => Promise<T>): Promise<T>
  /** The folder in which the studio keeps its sounds. */
  folder: string
  /** Told how long each request to a node was answered after, seconds. */
  answeredAfter(seconds: number): void
  doubt: Nap['doubt']
  clock: Clock
  log: Log
  say: Say
  releasers: Releasers
  /** Whether an embedded server that was `found` running, or was not, is left alone at the end. */
  leaves(found: boolean): boolean
}

/** Starts every node. Links are tried for ever afterwards; a node that is down only closes its own gate. */
export async function startNodes(parts: NodeParts): Promise<ServiceNode[]> {
  const nodes: ServiceNode[] = []
  for (const config of parts.config.asterisk) nodes.push(await startNode(config, parts))
  return nodes
}

async function startNode(config: NodeConfig, parts: NodeParts): Promise<ServiceNode> {
  const { app, clock, log, releasers } = parts
  const at = config.embedded ? await startEmbedded(config, parts) : given(config)
  const options = {
    ...{ node: config.name, ...at, transport: config.transport, log, clock, technologies: technologiesOf(config) },
    exclusively: <T>(run: () => Promise<T>) => parts.exclusively(config.name, run),
    answeredAfter: parts.answeredAfter,
    doubt: parts.doubt,
  }
  const telephony = makeTelephony({ ...options, app })
  releasers.add(`the link to ${config.name}`, () => telephony.close())
  telephony.onChange(({ ready, reason }) => {
    if (ready) {
      log.info({ node: config.name, version: telephony.version(), transport: telephony.transport() }, 'link up')
      tellHoles(config.name, telephony.version() ?? '', log)
    } else log.warn({ node: config.name, reason }, 'link down')
  })
  const left = (of: string, startedAt: string | undefined): NodeTelephony => {
    const other = makeTelephony({ ...options, app: of, left: true, ...(startedAt ? { startedAt } : {}) })
    releasers.add(`the link to ${config.name} as ${of}`, () => other.close())
    return other
  }
  return { name: config.name, config, telephony, sounds: soundsOf(config, parts.folder), left }
}

function tellHoles(node: string, version: string, log: Log): void {
  const holes = holesOf(version)
  if (holes.length === 0) return
  const advisories = holes.map(({ advisory, what }) => `${advisory}: ${what}`)
  log.warn({ node, version, advisories, mended: mendedIn(version) }, 'this version of Asterisk has known holes')
}

function given({ url, username, password }: NodeConfig): { url: string; username: string; password: string } {
  return { url: url ?? '', username: username ?? '', password: password ?? '' }
}

async function startEmbedded(
  node: NodeConfig,
  { config, tools, say, releasers, clock, log, leaves }: NodeParts,
): Promise<{ url: string; username: string; password: string }> {
  const { sip_port, http_port, rtp, peers, bind, external_address } = node.embedded!
  const options = {
    dataDir: config.data_dir,
    name: node.name,
    sipPort: sip_port,
    bind,
    externalAddress: external_address,
    httpPort: http_port,
    rtp,
    peers: Object.fromEntries(peers.map(({ name, ...peer }) => [name, peer])),
    ariUser: 'apel',
    ariPassword: await ownPassword(config.data_dir, node.name),
    tools: tools!,
    say,
  }
  const asterisk = await startAsterisk(options)
  const kept = keepRunning(`Asterisk ${node.name}`, asterisk, () => startAsterisk(options), clock, log)
  releasers.add(`the embedded Asterisk ${node.name}`, () => (leaves(asterisk.found) ? kept.leave() : kept.stop()))
  return { url: asterisk.url, username: asterisk.username, password: asterisk.password }
}

/** Drawn once and kept, so that the next start can speak to an Asterisk that outlived this one. */
async function ownPassword(dataDir: string, node: string): Promise<string> {
  const file = join(dataDir, `${node}.ari-password`)
  const kept = await readFile(file, 'utf8').catch(() => '')
  if (kept.trim() !== '') return kept.trim()
  const drawn = randomBytes(24).toString('base64url')
  await writeFile(file, `${drawn}\n`, { mode: 0o600 })
  return drawn
}

/** `PJSIP/{number}@carrier` dials through PJSIP: an endpoint of each technology must be there before the gate opens. */
function technologiesOf({ trunks, extensions }: NodeConfig): string[] {
  const dialled = [...trunks.map((trunk) => trunk.endpoint), ...(extensions ? [extensions] : [])]
  const names = new Set(dialled.map((endpoint) => endpoint.split('/')[0]!))
  return names.size > 0 ? [...names] : ['PJSIP']
}

function soundsOf({ sounds }: NodeConfig, folder: string): NodeSounds {
  if (sounds === null) return { folder }
  return sounds.kind === 'shared' ? { folder: sounds.folder } : { base: sounds.base }
}
