/** A connection to the Redis of the configuration, for a look at it: it fails at once instead of waiting for better days. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Redis, type RedisOptions } from 'ioredis'
import type { Config } from '../../config.ts'
import { reachable } from '../../embedded/short-folder.ts'
import { reason } from './finding.ts'

const quick: RedisOptions = {
  lazyConnect: true,
  connectTimeout: 3000,
  commandTimeout: 3000,
  maxRetriesPerRequest: 0,
  retryStrategy: () => null,
}

/** Null: an embedded one that is not running. A text: why it cannot be reached. */
export async function openLedger({ redis, data_dir }: Config): Promise<Redis | string | null> {
  const client = clientOf(redis, data_dir)
  if (client === null) return null
  client.on('error', () => {})
  try {
    await client.connect()
    await client.ping()
    return client
  } catch (error) {
    client.disconnect()
    return redis.kind === 'embedded' ? null : reason(error)
  }
}

function clientOf(redis: Config['redis'], data_dir: string): Redis | null {
  if (redis.kind === 'url') return new Redis(redis.url, quick)
  if (redis.kind === 'sentinels') {
    const { sentinels, name, username, password, db } = redis
    const login = { ...(username ? { username } : {}), ...(password ? { password } : {}) }
    return new Redis({ ...quick, sentinels, name, db, ...login, sentinelRetryStrategy: () => null })
  }
  const folder = join(data_dir, 'redis')
  if (!existsSync(join(folder, 'redis.sock'))) return null
  return new Redis(`${reachable(folder, 'redis.sock')}/redis.sock`, quick)
}
