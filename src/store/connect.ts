/**
 * Connections to Redis that tell the truth quickly.
 *
 * The ledger decides whether a telephone may ring, so a Redis that is away must be an error within the second, never a
 * command that waits and is performed a minute later. Hence no offline queue, no re-sending after a reconnect and a
 * deadline on every command; what a slow server may still perform late carries its own deadline inside the script.
 * BullMQ's worker is the exception: its blocking reads wait by design.
 */
import { Redis, type RedisOptions } from 'ioredis'
import { ApelError } from '../errors.ts'

/** Where Redis is: an address, the path of a unix socket, or sentinels that know. */
export type RedisPlace =
  | { kind: 'url'; url: string }
  | { kind: 'socket'; path: string }
  | {
      kind: 'sentinels'
      sentinels: { host: string; port: number }[]
      name: string
      username?: string | null
      password?: string | null
      db?: number
    }

/** `ledger`: everything that must fail fast. `queue`: BullMQ's blocking reads. `bell`: publish and subscribe. */
export type Purpose = 'ledger' | 'queue' | 'bell'

const COMMAND_DEADLINE = 1500

function optionsFor(purpose: Purpose): RedisOptions {
  const reconnect: RedisOptions = {
    lazyConnect: true,
    connectTimeout: 2000,
    retryStrategy: (times) => Math.min(50 * times, 1000),
    // A master that a fail-over has made a replica: the sentinels know the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  }
  switch (purpose) {
    case 'ledger':
      return {
        ...reconnect,
        commandTimeout: COMMAND_DEADLINE,
        enableOfflineQueue: false,
        maxRetriesPerRequest: 0,
        autoResendUnfulfilledCommands: false,
      }
    case 'queue':
      // A command that was under way when the connection broke is sent again: without that nobody would ever settle it.
      return { ...reconnect, maxRetriesPerRequest: null }
    case 'bell':
      return { ...reconnect, autoResubscribe: true, maxRetriesPerRequest: null }
    default: {
      const never: never = purpose
      return never
    }
  }
}

/** ms in which a connection is there, or is given up: sentinels would be asked for ever. */
const CONNECT_WITHIN = 5_000

/**
 * A connection, ready for use. Rejects with `unavailable` when Redis does not answer, and with `redis_refused` when it, or
 * whatever is there, answers otherwise than it must: waiting does not mend that. An `error` listener is there already:
 * ioredis reports each failed reconnect, and the next command tells it anyway.
 */
export async function connect(place: RedisPlace, purpose: Purpose): Promise<Redis> {
  const redis = open(place, optionsFor(purpose))
  let said = null as Error | null
  redis.on('error', (error: Error) => {
    said = error
  })
  const late = setTimeout(() => redis.disconnect(), CONNECT_WITHIN)
  const cause = await redis.connect().then(
    () => null,
    (error: Error) => error,
  )
  clearTimeout(late)
  const refusal = said !== null && isRefusal(said)
  // ioredis goes on without the database that it was refused.
  if (cause === null && !refusal) return redis
  redis.disconnect()
  const why = (said ?? cause)?.message
  throw refusal
    ? new ApelError('redis_refused', `Redis at ${describe(place)} cannot be used as configured: ${why}`)
    : new ApelError('unavailable', `Redis cannot be reached at ${describe(place)}: ${why}`, {}, true)
}

/** A server that starts, or is no master now; one with too many clients. */
const PASSING = /^(LOADING|MASTERDOWN|READONLY|BUSY|TRYAGAIN|CLUSTERDOWN|ERR max number of clients)/
/** Something that does not speak Redis' protocol; a certificate; what sentinels were refused. */
const FOREIGN = /RESP type|Protocol error|certificate|Last error: (NOAUTH|WRONGPASS)/

function isRefusal({ name, message }: Error): boolean {
  return FOREIGN.test(message) || (name === 'ReplyError' && !PASSING.test(message))
}

function open(place: RedisPlace, options: RedisOptions): Redis {
  switch (place.kind) {
    case 'url':
      return new Redis(place.url, options)
    case 'socket':
      return new Redis({ ...options, path: place.path })
    case 'sentinels':
      return new Redis({
        ...options,
        sentinels: place.sentinels,
        name: place.name,
        db: place.db ?? 0,
        ...(place.username ? { username: place.username } : {}),
        ...(place.password ? { password: place.password } : {}),
      })
    default: {
      const never: never = place
      return never
    }
  }
}

/** The place without its password, for messages. */
export function describe(place: RedisPlace): string {
  if (place.kind === 'socket') return place.path
  if (place.kind === 'sentinels')
    return `${place.name} by ${place.sentinels.map((s) => `${s.host}:${s.port}`).join(', ')}`
  return place.url.replace(/\/\/[^@/]*@/, '//')
}

export interface ServerFault {
  code: 'no_aof' | 'may_evict' | 'too_old'
  message: string
}

/**
 * What about this server would break the ledger's promises: no append-only file (a restart forgets who was dialled),
 * a policy that evicts keys (a full server forgets who must not be), a version without what the scripts use. A server
 * that hides its configuration (`CONFIG` renamed, as hosted ones do) is taken at its `INFO`.
 */
export async function checkServer(redis: Redis): Promise<ServerFault[]> {
  const info = await redis.info()
  const field = (name: string) => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? null
  const faults: ServerFault[] = []
  const version = field('redis_version') ?? '0'
  if (Number(version.split('.')[0]) < 6)
    faults.push({ code: 'too_old', message: `Redis ${version} is too old: use 6.2 or later.` })
  if (field('aof_enabled') !== '1')
    faults.push({
      code: 'no_aof',
      message: 'Redis keeps no append-only file, so a restart would forget calls: set `appendonly yes`.',
    })
  const policy = field('maxmemory_policy')
  if (policy !== null && policy !== 'noeviction')
    faults.push({
      code: 'may_evict',
      message: `Redis may evict keys (maxmemory-policy ${policy}): set \`maxmemory-policy noeviction\`.`,
    })
  return faults
}
