/**
 * The service's Redis: the embedded one or the one of the configuration, checked before anything relies on it, with a
 * connection for each purpose.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import type { Clock } from '../call/ports.ts'
import type { Config } from '../config.ts'
import { startRedis } from '../embedded/redis.ts'
import type { Say, Tools } from '../embedded/tools.ts'
import { ApelError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Releasers } from '../shutdown.ts'
import { checkServer, connect, type Purpose, type RedisPlace } from '../store/connect.ts'
import { ledgerId, openLedger } from '../store/generation.ts'
import { openStore, type Store } from '../store/store.ts'
import { keepRunning } from './keep-running.ts'

export interface OpenRedis {
  store: Store
  place: RedisPlace
  /** Why this is not the ledger that the data folder knew (F12); null when it is. Nothing is dialled otherwise. */
  foreign(): Promise<string | null>
  /** Another connection, closed with the service. */
  another(purpose: Purpose): Promise<Redis>
}

export interface RedisParts {
  clock: Clock
  log: Log
  say: Say
  releasers: Releasers
  /** Whether an embedded server that was `found` running, or was not, is left alone at the end. */
  leaves(found: boolean): boolean
}

/** Where the configuration says that Redis is; starts the embedded one. */
async function placeOf(config: Config, tools: Tools | null, parts: RedisParts): Promise<RedisPlace> {
  const { redis } = config
  const { say, releasers, clock, log } = parts
  switch (redis.kind) {
    case 'embedded': {
      const start = () => startRedis({ dataDir: config.data_dir, tools: tools!, say })
      const server = await start()
      const kept = keepRunning('Redis', server, start, clock, log)
      releasers.add('the embedded Redis', () => (parts.leaves(server.found) ? kept.leave() : kept.stop()))
      return { kind: 'socket', path: server.socket }
    }
    case 'url':
      return { kind: 'url', url: redis.url }
    case 'sentinels':
      return redis
    default: {
      const never: never = redis
      return never
    }
  }
}

/**
 * Opens the ledger. Rejects with `unavailable` when it cannot be reached, and with `unsafe_redis` when the server may forget what was written
 * (F14), unless the configuration allows it.
 */
export async function openRedis(config: Config, tools: Tools | null, parts: RedisParts): Promise<OpenRedis> {
  const { log, releasers, clock } = parts
  const place = await placeOf(config, tools, parts)
  const open = async (purpose: Purpose): Promise<Redis> => {
    const redis = await connect(place, purpose)
    releasers.add(`the Redis connection for ${purpose}`, () => redis.disconnect())
    return redis
  }
  // All who listen do so on one: each would be woken by every ring.
  let bell: Promise<Redis> | null = null
  const another = (purpose: Purpose): Promise<Redis> => {
    if (purpose !== 'bell') return open(purpose)
    bell ??= open(purpose)
    return bell
  }
  const ledger = await open('ledger')
  for (const fault of await checkServer(ledger)) {
    if (config.redis.allow_unsafe) log.warn({ code: fault.code }, fault.message)
    else throw new ApelError('unsafe_redis', fault.message, { code: fault.code })
  }
  const store = openStore(ledger, clock.now)
  const known = await knowLedger(store, config.data_dir)
  const foreign = async (): Promise<string | null> =>
    (await ledgerId(store.db)) === known ? null : other(config.data_dir)
  if ((await foreign()) !== null) log.error({ code: 'foreign_ledger' }, other(config.data_dir))
  return { store, place, foreign, another }
}

function other(dataDir: string): string {
  return `Redis does not hold the ledger that ${dataDir} knows: it is empty or another one. Nothing is dialled, since who was called already is forgotten. Bring the right Redis back, or accept this one with \`apel doctor --accept-empty-ledger\`.`
}

/** The id of the ledger that the data folder knows, or of the first one that it sees. */
async function knowLedger(store: Store, dataDir: string): Promise<string> {
  const file = join(dataDir, 'ledger-id')
  const known = await readFile(file, 'utf8').then(
    (text) => text.trim(),
    () => null,
  )
  const ledger = await openLedger(store.db, known)
  if (ledger.state === 'foreign') return known ?? ''
  if (known !== ledger.id) {
    await writeFile(file, `${ledger.id}\n`, { mode: 0o600 })
  }
  return ledger.id
}
