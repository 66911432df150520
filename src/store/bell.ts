/**
 * The bell: what changed, told to every instance, so that nobody has to look again and again. A ring may be lost (a
 * reconnect), so whoever listens also has a time at which it looks by itself.
 */
import type { Redis } from 'ioredis'
import type { ServiceEvent } from '../call/ports.ts'
import { ApelError } from '../errors.ts'
import { asFault, type Db } from './db.ts'
import { keys } from './keys.ts'

export type Ring =
  /** A call has ended while somebody waits for room: its trunk and campaign have some. Empty texts: none. */
  | { bell: 'freed'; campaign: string; trunk: string }
  /** There is something new to dial. */
  | { bell: 'work'; campaign: string }
  | { bell: 'state'; campaign: string; state: string }
  | { bell: 'definition'; campaign: string }
  /** Calls of a campaign are to be ended: those that ring, and those that talk as well with `talking`. */
  | { bell: 'cut'; campaign: string; talking: boolean }
  /** The breaker of a trunk: `paused` until that time (ms) for failures of one kind, `probing`, or `up` again. */
  | { bell: 'trunk'; trunk: string; state: 'paused' | 'probing' | 'up'; until: number; kind: string }
  /** Stopped or resumed everywhere. */
  | { bell: 'control' }
  /** This instance has given its calls away. */
  | { bell: 'left'; instance: string }
  /** Somebody listens to events at this instance. */
  | { bell: 'listening'; instance: string }
  /** What has happened at an instance, while somebody elsewhere listens. */
  | { bell: 'event'; instance: string; event: ServiceEvent }
  /** Something is asked of a call, of whoever holds it; the answer bears the same token. */
  | { bell: 'ask'; token: string; id: string; what: Asking }
  | { bell: 'answer'; token: string; done: boolean }

/** `task`: one was finished, its result is in the ledger. */
export type Asking = { do: 'hangup' } | { do: 'raise'; situation: string } | { do: 'task' }

/** Who listens on a connection: each ring is read once. */
const listening = new WeakMap<Redis, Set<(ring: Ring) => void>>()

/** Listens on a connection that may have other listeners; gives the way to stop. The listener must not throw. */
export async function listen(redis: Redis, listener: (ring: Ring) => void): Promise<() => void> {
  const known = listening.get(redis)
  const all = known ?? new Set()
  if (known === undefined) {
    listening.set(redis, all)
    redis.on('message', (channel: string, text: string) => {
      if (channel !== keys.bell) return
      const ring = JSON.parse(text) as Ring
      for (const each of all) each(ring)
    })
  }
  all.add(listener)
  await subscribe(redis, keys.bell)
  return () => void all.delete(listener)
}

/** ms; a connection that listens would wait for ever for a server that is away. */
const SUBSCRIBED_WITHIN = 5_000

/** Hears what is rung there, and goes on to after a reconnect. Rejects with `unavailable` when nobody says so in time. */
export async function subscribe(redis: Redis, channel: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const why = new ApelError('unavailable', 'Redis cannot do this now: it does not answer.', {}, true)
    timer = setTimeout(() => reject(why), SUBSCRIBED_WITHIN)
  })
  try {
    await Promise.race([redis.subscribe(channel), late])
  } catch (error) {
    throw asFault(error)
  } finally {
    clearTimeout(timer)
  }
}

/** Rings for every instance, this one included. */
export async function ring(db: Db, ring: Ring): Promise<void> {
  await db.call((redis) => redis.publish(keys.bell, JSON.stringify(ring)))
}
