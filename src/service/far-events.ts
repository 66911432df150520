/**
 * What happens at the other instances, for whoever listens here. Nobody sends anything while nobody listens: an instance
 * with a listener rings every few seconds, and the others send what happens at them for a little longer than that.
 */
import type { Redis } from 'ioredis'
import type { Clock, ServiceEvent } from '../call/ports.ts'
import type { Log } from '../log.ts'
import { listen, ring } from '../store/bell.ts'
import type { Store } from '../store/store.ts'
import type { Events } from './events.ts'

export interface FarEvents {
  /** Everything that happens, here and there. Gives the way to stop listening. */
  subscribe(listener: (event: ServiceEvent) => void): () => void
  stop(): void
}

const RING = 5_000
/** ms that a ring is good for. */
const GOOD_FOR = 12_000

export interface FarParts {
  store: Store
  events: Events
  instance: string
  clock: Clock
  log: Log
}

/** `bell` is a connection that listens. */
export async function shareEvents({ store, events, instance, clock, log }: FarParts, bell: Redis): Promise<FarEvents> {
  const listeners = new Set<(event: ServiceEvent) => void>()
  let wantedUntil = 0
  let timer: unknown = null

  const tell = (what: Parameters<typeof ring>[1]): void => {
    ring(store.db, what).catch((error: unknown) =>
      log.debug({ err: error }, 'an event did not reach the other instances'),
    )
  }
  const ask = (): void => {
    clock.clearTimeout(timer)
    if (listeners.size === 0) return
    tell({ bell: 'listening', instance })
    timer = clock.setTimeout(ask, RING)
  }
  const unlisten = await listen(bell, (heard) => {
    if (heard.bell === 'listening' && heard.instance !== instance) wantedUntil = clock.now() + GOOD_FOR
    if (heard.bell === 'event' && heard.instance !== instance) for (const listener of listeners) listener(heard.event)
  })
  const leave = events.subscribe((event) => {
    // A campaign's state and a trunk's are rung out to all in any case.
    if (event.type === 'campaign.state' || event.type === 'trunk.state') return
    if (clock.now() < wantedUntil) tell({ bell: 'event', instance, event })
  })
  return {
    subscribe(listener) {
      const own = events.subscribe(listener)
      listeners.add(listener)
      ask()
      return () => {
        own()
        listeners.delete(listener)
      }
    },
    stop() {
      unlisten()
      leave()
      clock.clearTimeout(timer)
    },
  }
}
