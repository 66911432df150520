/** A checked file to the `Config` that the rest of the service reads: defaults filled in, paths absolute, maps to lists. */
import { homedir, hostname } from 'node:os'
import { join, resolve } from 'node:path'
import type { Config, Environment, NodeConfig, RedisConfig, TrunkConfig } from '../config.ts'
import { normaliseInbound } from '../dialer/numbers.ts'
import { type ConfigInput, configSchema } from './schema.ts'
import { hostPort, isLoopback } from './values.ts'

/** `value` must have passed the schema. `folder` is what relative paths are relative to. */
export function buildConfig(value: unknown, file: string | null, folder: string, env: Environment): Config {
  const input = configSchema.parse(value ?? {})
  const { policy, recordings, retention, webhooks, log, drain_timeout, agents, http } = input
  return {
    file: file === null ? null : resolve(file),
    instance: input.instance ?? ownName(),
    data_dir: resolve(folder, input.data_dir),
    cache_dir: join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'apel'),
    flows: resolve(folder, input.flows),
    redis: redisOf(input.redis),
    asterisk: input.asterisk.map((node) => nodeOf(node, folder, input.api)),
    policy,
    inbound: Object.fromEntries(
      Object.entries(input.inbound).map(([key, { flow, campaign = null }]) => [
        normaliseInbound(key, policy) || key,
        { flow, campaign },
      ]),
    ),
    agents,
    speech: input.speech.command ? { engine: 'command', command: input.speech.command } : { engine: 'espeak-ng' },
    http,
    api: input.api,
    recordings,
    retention,
    webhooks,
    log,
    drain_timeout,
  }
}

/** The host's name, in the letters that an ARI application's name may have. */
function ownName(): string {
  return (
    hostname()
      .replace(/[^A-Za-z0-9_.-]/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 64) || 'apel'
  )
}

function redisOf(input: ConfigInput['redis']): RedisConfig {
  const { allow_unsafe } = input
  if (input.url !== undefined) return { kind: 'url', url: input.url, allow_unsafe }
  if (input.sentinels === undefined) return { kind: 'embedded', allow_unsafe }
  const sentinels = input.sentinels.map((text) => {
    const [, host = '', port = ''] = hostPort.exec(text) ?? []
    return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
  })
  const { name = '', username = null, password = null, db } = input
  return { kind: 'sentinels', sentinels, name, username, password, db, allow_unsafe }
}

function nodeOf(input: ConfigInput['asterisk'][number], folder: string, api: ConfigInput['api']): NodeConfig {
  const peers = Object.entries(input.embedded?.peers ?? {}).map(([name, peer]) => ({
    ...peer,
    name,
    username: peer.username ?? null,
    password: peer.password ?? null,
    from_domain: peer.from_domain ?? null,
    qualify: peer.qualify ?? null,
  }))
  const near = peers.every((peer) => isLoopback(hostOf(peer.uri)))
  // A file that names its own peers and no trunk has no way out; only the default peer brings the default trunk.
  const trunks = input.trunks ?? (peers.some((peer) => peer.name === 'carrier') ? [defaultTrunk] : [])
  return {
    name: input.name,
    embedded: input.embedded
      ? {
          ...input.embedded,
          peers,
          bind: input.embedded.bind ?? (near ? '127.0.0.1' : '0.0.0.0'),
          external_address: input.embedded.external_address ?? null,
        }
      : null,
    url: input.url?.replace(/\/+$/, '') ?? null,
    username: input.username ?? null,
    password: input.password ?? null,
    transport: input.transport,
    sounds: soundsOf(input.sounds, folder, api),
    trunks: trunks.map(
      (trunk): TrunkConfig => ({ ...trunk, endpoint: trunk.endpoint ?? `PJSIP/{number}@${trunk.name}` }),
    ),
    extensions: input.extensions ?? null,
  }
}

/** `sip:user@host:port;transport=udp` to the host. */
const hostOf = (uri: string): string => /^sips?:(?:[^@]*@)?(\[[^\]]*\]|[^:;]+)/.exec(uri)?.[1] ?? ''

const defaultTrunk = {
  name: 'carrier',
  endpoint: 'PJSIP/{number}@carrier',
  number_format: 'e164' as const,
  channels: 30,
  cps: 10,
  caller_ids: [],
}

function soundsOf(
  input: ConfigInput['asterisk'][number]['sounds'],
  folder: string,
  api: ConfigInput['api'],
): NodeConfig['sounds'] {
  if (input === undefined) return null
  if (input.shared !== undefined) return { kind: 'shared', folder: resolve(folder, input.shared) }
  return { kind: 'http', base: `${(input.http ?? `http://${api.host}:${api.port}`).replace(/\/+$/, '')}/sounds` }
}
