/**
 * The part of the gate that is not a rule: is the ledger ours and writable, is our lease fresh, is the clock sane? It is
 * asked of Redis every two seconds; an answer older than six, by a clock that nobody sets, counts as none, so that a process
 * that slept dials nothing until it has looked again. It fails closed.
 */
import type { Clock } from '../call/ports.ts'
import type { Log } from '../log.ts'
import type { Store } from '../store/store.ts'
import type { Lease } from './lease.ts'
import type { Nap } from './nap.ts'

export interface Heart {
  /** Null when new calls may be made as far as the service itself goes, else why not. */
  closed(): string | null
  /** Null when Redis can be written, else why not. */
  redis(): string | null
  /** Null when Redis holds the ledger that we know, else why not. */
  foreign(): string | null
  /** The service is stopping: closed from now on. */
  leave(): void
  /** Called when the ledger can be relied on again. */
  onRecovery(run: () => void): void
  /** Called once when our calls are another's by now. */
  onLost(run: (why: string) => void): void
  /** Called with every beat, for what is measured from time to time. */
  onBeat(run: () => Promise<void>): void
  start(): Promise<void>
  /** Settles when no beat is under way any more. */
  stop(): Promise<void>
}

const BEAT = 2_000
const STALE = 6_000
/** ms by which our clock may differ from Redis': with more nobody can tell which hour it is. */
const APART = 60_000
/** A clock that is behind the day on which this was written was never set. */
const SANE = Date.UTC(2025, 0, 1)

export interface HeartParts {
  store: Store
  lease: Lease
  /** See `OpenRedis`. */
  foreign(): Promise<string | null>
  nap: Nap
  clock: Clock
  log: Log
  /** ms that only grow. */
  monotonic?: () => number
}

export function makeHeart({ store, lease, foreign, nap, clock, log, ...given }: HeartParts): Heart {
  const monotonic = given.monotonic ?? (() => performance.now())
  let fault: string | null = 'the ledger has not answered yet'
  let at = Number.NEGATIVE_INFINITY
  let lost: string | null = null
  let another: string | null = null
  let timer: unknown = null
  let stopped = false
  let leaving = false
  const recovered: (() => void)[] = []
  const beats: (() => Promise<void>)[] = []
  const losers: ((why: string) => void)[] = []

  async function look(): Promise<string | null> {
    const away = await store.writable()
    if (away !== null) return away
    another = await foreign()
    // Last: a Redis that came back empty has no lease of ours, and so reserves nothing until we know it for what it is.
    lost = await lease.renew()
    if (lost === null) nap.over()
    return lost
  }

  let beating: Promise<void> = Promise.resolve()
  const beat = (): Promise<void> => {
    beating = once()
    return beating
  }

  async function once(): Promise<void> {
    const before = fault ?? another
    const asked = monotonic()
    fault = await look().catch((error: unknown) => (error instanceof Error ? error.message : String(error)))
    // The lease counts from when Redis was asked, not from when we heard of it.
    at = asked
    const now = fault ?? another
    if (now !== before) {
      if (now === null) log.info('the ledger is there, and can be written')
      else log.error({ reason: now }, 'the ledger cannot be relied on: nothing is dialled')
    }
    if (now === null && before !== null) for (const run of recovered) run()
    if (fault === null)
      for (const run of beats) await run().catch((error: unknown) => log.debug({ err: error }, 'a measurement failed'))
    if (lost !== null) for (const run of losers.splice(0)) run(lost)
    if (!stopped) timer = clock.setTimeout(() => void beat(), BEAT)
  }

  const redis = (): string | null => fault ?? (monotonic() - at > STALE ? 'the ledger has not answered for 6 s' : null)

  return {
    closed() {
      if (leaving) return 'the service is stopping'
      if (another !== null) return another
      if (clock.now() < SANE) return 'the clock of this machine is not set'
      if (nap.doubt() !== null) return 'this process has slept, and does not know yet what it has missed'
      if (Math.abs(store.db.skew) > APART)
        return 'the clock of this machine and that of Redis are more than a minute apart'
      return redis()
    },
    redis,
    foreign: () => another,
    leave() {
      leaving = true
    },
    onRecovery: (run) => void recovered.push(run),
    onLost: (run) => void losers.push(run),
    onBeat: (run) => void beats.push(run),
    start: () => beat(),
    stop() {
      stopped = true
      clock.clearTimeout(timer)
      return beating
    },
  }
}
