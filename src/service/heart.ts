/**
 * The part of the gate that is not a rule: is the ledger ours and writable, is our lease fresh, is the clock sane? It is
 * asked of Redis every two seconds; an answer older than six counts as none, so that a process that slept dials nothing
 * until it has looked again. It fails closed.
 */
import type { Clock } from '../call/ports.ts'
import type { Log } from '../log.ts'
import type { Store } from '../store/store.ts'
import type { Lease } from './lease.ts'

export interface Heart {
  /** Null when new calls may be made as far as the service itself goes, else why not. */
  closed(): string | null
  /** Null when Redis can be written, else why not. */
  redis(): string | null
  /** The service is stopping: closed from now on. */
  leave(): void
  /** Called when the ledger can be relied on again. */
  onRecovery(run: () => void): void
  /** Called with every beat, for what is measured from time to time. */
  onBeat(run: () => Promise<void>): void
  start(): Promise<void>
  stop(): void
}

const BEAT = 2_000
const STALE = 6_000
/** A clock that is behind the day on which this was written was never set. */
const SANE = Date.UTC(2025, 0, 1)

export function makeHeart(store: Store, lease: Lease, foreign: string | null, clock: Clock, log: Log): Heart {
  let fault: string | null = 'the ledger has not answered yet'
  let at = 0
  let timer: unknown = null
  let stopped = false
  let leaving = false
  const recovered: (() => void)[] = []
  const beats: (() => Promise<void>)[] = []

  const look = async (): Promise<string | null> => (await store.writable()) ?? (await lease.renew())

  async function beat(): Promise<void> {
    const before = fault
    const asked = clock.now()
    fault = await look().catch((error: unknown) => (error instanceof Error ? error.message : String(error)))
    // The lease counts from when Redis was asked, not from when we heard of it.
    at = asked
    if (fault !== before) {
      if (fault === null) log.info('the ledger can be written')
      else log.error({ reason: fault }, 'the ledger cannot be written: nothing is dialled')
    }
    if (fault === null && before !== null) for (const run of recovered) run()
    if (fault === null)
      for (const run of beats) await run().catch((error: unknown) => log.debug({ err: error }, 'a measurement failed'))
    if (!stopped) timer = clock.setTimeout(() => void beat(), BEAT)
  }

  const redis = (): string | null => fault ?? (clock.now() - at > STALE ? 'the ledger has not answered for 6 s' : null)

  return {
    closed() {
      if (leaving) return 'the service is stopping'
      if (foreign !== null) return foreign
      if (clock.now() < SANE) return 'the clock of this machine is not set'
      return redis()
    },
    redis,
    leave() {
      leaving = true
    },
    onRecovery: (run) => void recovered.push(run),
    onBeat: (run) => void beats.push(run),
    start: beat,
    stop() {
      stopped = true
      clock.clearTimeout(timer)
    },
  }
}
