/**
 * What Redis knows of an instance itself. The epoch grows at each start, so that the name of its ARI application,
 * `apel-INSTANCE-EPOCH`, is never registered twice: a second registration would silently take over the first one's calls.
 * The lease says that a process runs under this name now; it must be renewed to go on.
 */
import type { Db } from './db.ts'
import { script } from './db.ts'
import { keys } from './keys.ts'

/** ms; renewed every 2 s. */
export const LEASE = 6_000

/** Sets the lease if it is free or as expected; gives what stands there otherwise, with what is left of it. */
const takeScript = script(
  'lease',
  `local input = cjson.decode(ARGV[1])
local held = redis.call('GET', input.key)
if held and held ~= input.expected then
  return cjson.encode({ held = held, left = redis.call('PTTL', input.key) })
end
redis.call('SET', input.key, input.holder, 'PX', input.ms)
return cjson.encode({ held = '', left = 0 })`,
)

const dropScript = script(
  'lease-drop',
  `local input = cjson.decode(ARGV[1])
if redis.call('GET', input.key) == input.holder then redis.call('DEL', input.key) end
return 'null'`,
)

/** The next epoch of this instance, counted from 1. */
export async function nextEpoch(db: Db, instance: string): Promise<number> {
  return await db.call((redis) => redis.incr(keys.epoch(instance)))
}

/** Takes or renews the lease for `holder`, where it is free or held by `expected`; null when it is ours now. */
export async function takeLease(
  db: Db,
  instance: string,
  holder: string,
  expected: string,
): Promise<{ held: string; left: number } | null> {
  const input = { key: keys.lease(instance), holder, expected, ms: LEASE }
  const answer = await db.run<{ held: string; left: number }>(takeScript, input)
  return answer.held === '' ? null : answer
}

/** Gives the lease back, if it is ours. */
export async function dropLease(db: Db, instance: string, holder: string): Promise<void> {
  await db.run(dropScript, { key: keys.lease(instance), holder })
}
