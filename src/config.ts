/**
 * The one place where the service learns how it was set up. `apel.yaml` (or nothing) and the environment go in; out comes
 * either one frozen `Config` with every default filled in and every path absolute, or the list of all faults with their
 * places. Nobody else reads the environment or the file, so a setting has one spelling and one meaning.
 *
 * Names follow the file. Durations are milliseconds, paths are absolute, numbers are E.164, windows are parsed.
 */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { buildConfig } from './config/build.ts'
import { crossChecks } from './config/checks.ts'
import { readDocument } from './config/document.ts'
import { shapeProblems } from './config/shape.ts'
import type { Problem } from './errors.ts'
import type { Windows } from './flow/io.ts'

export type Environment = Record<string, string | undefined>

export interface TrunkConfig {
  name: string
  /** Dial string with `{number}` in it, e.g. `PJSIP/{number}@carrier`. */
  endpoint: string
  number_format: 'e164' | 'digits' | 'national' | 'idd'
  /** Most calls at once. */
  channels: number
  /** Most calls begun in any rolling second; may be a fraction (0.5: one in two seconds). */
  cps: number
  /** E.164; the only caller ids that may be shown. */
  caller_ids: string[]
}

export interface PeerConfig {
  name: string
  /** `sip:HOST[:PORT]`, perhaps with parameters. */
  uri: string
  username: string | null
  password: string | null
  register: boolean
  from_domain: string | null
  codecs: string[]
  /** Addresses or networks that its calls may come from; empty: the host of `uri`. */
  allow_from: string[]
  /** Seconds between two OPTIONS that ask whether it lives; null: none. */
  qualify: number | null
}

export interface EmbeddedNode {
  sip_port: number
  http_port: number
  rtp: { from: number; to: number }
  /** Address of SIP and RTP: loopback while every peer is on this host, else all. ARI stays on loopback. */
  bind: string
  /** Our address as the far side sees it, when NAT lies between. */
  external_address: string | null
  peers: PeerConfig[]
}

export interface NodeConfig {
  name: string
  /** Set when the service runs this Asterisk itself; then `url`, `username` and `password` are null. */
  embedded: EmbeddedNode | null
  url: string | null
  username: string | null
  password: string | null
  transport: 'auto' | 'ari-client' | 'websocket'
  /** A folder that both see, or fetched by Asterisk over HTTP (`base`: where the API gives them out, `…/sounds`). */
  sounds: { kind: 'shared'; folder: string } | { kind: 'http'; base: string } | null
  trunks: TrunkConfig[]
  /** Dial string for an extension or a queue of the PBX, with `{number}` in it. */
  extensions: string | null
}

export type RedisConfig = (
  | { kind: 'embedded' }
  | { kind: 'url'; url: string }
  | {
      kind: 'sentinels'
      sentinels: { host: string; port: number }[]
      name: string
      username: string | null
      password: string | null
      db: number
    }
) & {
  /** Start although Redis has no AOF or may evict keys. */
  allow_unsafe: boolean
}

export interface InboundConfig {
  flow: string
  campaign: string | null
}

export type Scope = 'read' | 'dial' | 'campaign' | 'admin'

/** What a webhook may ask for. */
export type EventName = 'call.started' | 'call.ended' | 'callback.scheduled' | 'campaign.state' | 'trunk.state'

export interface Config {
  /** The file that was read; null without one. */
  file: string | null
  instance: string
  data_dir: string
  /** Where the set-up keeps Asterisk, Redis, SIPp and speech. */
  cache_dir: string
  /** The folder with `flows/`, `library/`, `campaigns/`, `tests/` and `sounds/` in it. */
  flows: string
  redis: RedisConfig
  asterisk: NodeConfig[]
  policy: {
    /** ISO 3166, two capitals. */
    default_country: string
    timezone: string
    /** `+` and digits: a prefix; digits alone: one extension. */
    allow: string[]
    windows: Windows
    per_number: { per_day: number | null; per_week: number | null }
  }
  /** By the number called: E.164, an extension, or `default`. */
  inbound: Record<string, InboundConfig>
  agents: Record<string, { name: string; endpoint: string }[]>
  speech: { engine: 'espeak-ng' } | { engine: 'command'; command: string[] }
  http: { allow_hosts: string[] }
  api: { host: string; port: number; tokens: { name: string; token: string; scopes: Scope[] }[] }
  recordings: { enabled: boolean; keep: number }
  retention: { records: number; journals: number; vars: number }
  webhooks: { url: string; secret: string; events: EventName[] }[]
  log: { level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent' }
  /** How long calls may go on after SIGTERM before they are ended, ms. */
  drain_timeout: number
}

/**
 * Reads, checks and freezes the configuration. `path` null: the defaults, with relative paths taken from the working
 * folder. Warnings come with the config as `warnings`; any error means no config at all.
 */
export function loadConfig(
  path: string | null,
  env: Environment,
): { config: Config; warnings: Problem[] } | { problems: Problem[] } {
  let text = ''
  if (path !== null) {
    try {
      text = readFileSync(path, 'utf8')
    } catch (cause) {
      const message = `The configuration cannot be read: ${(cause as Error).message}. Name an existing file with -c, or run \`apel init\` to write one.`
      return { problems: [{ file: path, line: 1, column: 1, severity: 'error', code: 'unreadable', message }] }
    }
  }
  return parseConfig(text, path, env)
}

/** As `loadConfig`, on text that is already there. */
export function parseConfig(
  text: string,
  path: string | null,
  env: Environment,
): { config: Config; warnings: Problem[] } | { problems: Problem[] } {
  const document = readDocument(text, path ?? 'apel.yaml', env)
  const unfilled = new Set(
    document.problems.filter((p) => p.code === 'environment').map((p) => `${p.line}:${p.column}`),
  )
  if (document.fatal) return { problems: document.problems }
  const problems = [...document.problems, ...shapeProblems(document), ...crossChecks(document)]
    // What follows from a value that the environment could not fill in is noise.
    .filter((found) => found.code === 'environment' || !unfilled.has(`${found.line}:${found.column}`))
    .sort((a, b) => a.line - b.line || a.column - b.column)
  if (problems.some((problem) => problem.severity === 'error')) return { problems }
  const folder = path === null ? process.cwd() : dirname(resolve(path))
  return { config: freeze(buildConfig(document.value, path, folder, env)), warnings: problems }
}

function freeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) freeze(inner)
  }
  return value
}
