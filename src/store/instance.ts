/**
 * What Redis knows of an instance itself. The epoch grows at each start, so that the name of its ARI application,
 * `apel-INSTANCE-EPOCH`, is never registered twice: a second registration would silently take over the first one's calls.
 */
import type { Db } from './db.ts'
import { keys } from './keys.ts'

/** The next epoch of this instance, counted from 1. */
export async function nextEpoch(db: Db, instance: string): Promise<number> {
  return await db.call((redis) => redis.incr(keys.epoch(instance)))
}
