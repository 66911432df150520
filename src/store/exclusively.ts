/**
 * A lock in Redis for work of some milliseconds that two instances would undo for each other. It is no promise: whoever
 * cannot get it in time does the work all the same, since not doing it would be worse.
 */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../call/ports.ts'
import { type Db, script } from './db.ts'
import { keys } from './keys.ts'

/** ms that the lock outlives its holder, that it is waited for, and between two looks. */
const HELD = 5_000
const PATIENCE = 3_000
const LOOK = 50

const releaseScript = script(
  'unlock',
  `if redis.call('GET', ARGV[1]) == ARGV[2] then redis.call('DEL', ARGV[1]) end
return 1`,
)

/** Runs `run` while no other instance does so under this name. */
export async function exclusively<T>(db: Db, name: string, clock: Clock, run: () => Promise<T>): Promise<T> {
  const key = keys.lock(name)
  const token = randomUUID()
  const mine = await taken(db, key, token, clock).catch(() => false)
  try {
    return await run()
  } finally {
    if (mine) await db.eval(releaseScript, [key, token]).catch(() => undefined)
  }
}

async function taken(db: Db, key: string, token: string, clock: Clock): Promise<boolean> {
  for (const end = clock.now() + PATIENCE; clock.now() < end; ) {
    if ((await db.call((redis) => redis.set(key, token, 'PX', HELD, 'NX'))) === 'OK') return true
    await new Promise<void>((resolve) => clock.setTimeout(resolve, LOOK))
  }
  return false
}
