/**
 * The ways in which a service ends. A drain takes no new work and lets the calls end until the deadline; those that are on then
 * go on at another instance, where there is one that can have them, and are ended as `cancelled` where there is none. A service whose calls are another's by now lets go of them without a word, closes, and starts over
 * under a new epoch.
 */

import type { Clock } from '../call/ports.ts'
import type { Registry } from '../call/registry.ts'
import { within } from '../call/within.ts'
import type { Log } from '../log.ts'
import type { Releasers } from '../shutdown.ts'
import type { Nap } from './nap.ts'

export interface EndingParts {
  registry: Registry
  nap: Nap
  /** No new work, in or out; settles when nothing new can come. */
  stopWork(): Promise<unknown>
  releasers: Releasers
  /** The nodes whose calls a living instance would go on with. */
  heirs(): Promise<Set<string>>
  /** Our lease is given back, and the others are told that our calls are theirs. */
  bequeath(): Promise<void>
  /** ms. */
  drainTimeout: number
  clock: Clock
  log: Log
}

export interface Ending {
  /** Settles when everything is closed; `again`: to be started anew. */
  closed: Promise<'over' | 'again'>
  drain(): Promise<void>
  hurry(): Promise<void>
  startOver(why: string): void
  /** Embedded servers are to be left alone: another process of our name may be using them. */
  lost(): boolean
}

/** ms that the dialer and the nodes get to stop taking new work. */
const STOPPING = 3_000
/** ms that ended calls get to write their records. */
const LAST_WORDS = 10_000

export function makeEnding(parts: EndingParts): Ending {
  const { registry, nap, stopWork, releasers, drainTimeout, clock, log } = parts
  let ending: Promise<void> | null = null
  let lost = false
  let settle: (how: 'over' | 'again') => void = () => {}
  const closed = new Promise<'over' | 'again'>((resolve) => {
    settle = resolve
  })
  const hangUpAll = (): void => registry.hangupAll({ by: 'operator', disposition: 'cancelled' })

  async function handOver(): Promise<void> {
    const heirs = await parts.heirs().catch(() => new Set<string>())
    const given = registry.list().filter(({ record }) => record.node !== null && heirs.has(record.node))
    if (given.length === 0) return
    log.info({ calls: given.length }, 'calls go on at another instance')
    for (const call of given) call.abandon()
    await parts.bequeath().catch((error: unknown) => log.warn({ err: error }, 'they are taken over a little later'))
  }

  /** In the time that Redis may take, and no more. */
  async function finishOff(): Promise<void> {
    await within(clock, STOPPING, handOver(), undefined)
    if (registry.size > 0) log.warn({ calls: registry.size }, 'calls did not end in time and are ended now')
    hangUpAll()
  }

  async function end(): Promise<void> {
    // With Redis or a node away this may never be answered; what is on must not wait for it.
    await within(clock, STOPPING, stopWork(), undefined)
    if (!lost && !(await registry.drained(clock, drainTimeout))) {
      await finishOff()
      await registry.drained(clock, LAST_WORDS)
    }
    for (const fault of await releasers.closeAll()) log.warn({ err: fault }, 'a part did not close')
    settle(lost ? 'again' : 'over')
  }

  const drain = (): Promise<void> => {
    ending ??= end()
    return ending
  }
  return {
    closed,
    drain,
    hurry() {
      const done = drain()
      void finishOff()
      return done
    },
    startOver(why) {
      if (lost) return
      log.error(
        { why, calls: registry.size },
        'our calls are held by another process now; they are let go, and we start over',
      )
      // One that was draining anyway is over.
      lost = ending === null
      nap.forGood()
      registry.abandon()
      void drain()
    },
    lost: () => lost,
  }
}
