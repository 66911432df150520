/**
 * The part of the gate that is not a rule: is the ledger ours and writable, is the clock sane, are we stopping? It is
 * asked of Redis every two seconds; an answer older than six counts as none, so that a process that slept dials nothing
 * until it has looked again. It fails closed.
 */
import type { Clock } from '../call/ports.ts'
import type { Log } from '../log.ts'
import type { Store } from '../store/store.ts'

export interface Heart {
  /** Null when the ledger can be relied on now, else why not. */
  closed(): string | null
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

export function makeHeart(store: Store, foreign: string | null, clock: Clock, log: Log): Heart {
  let fault: string | null = 'the ledger has not answered yet'
  let at = 0
  let timer: unknown = null
  let stopped = false
  const recovered: (() => void)[] = []
  const beats: (() => Promise<void>)[] = []

  async function beat(): Promise<void> {
    const before = fault
    fault = await store.writable().catch((error: unknown) => (error instanceof Error ? error.message : String(error)))
    at = clock.now()
    if (fault !== before) {
      if (fault === null) log.info('the ledger can be written')
      else log.error({ reason: fault }, 'the ledger cannot be written: nothing is dialled')
    }
    if (fault === null && before !== null) for (const run of recovered) run()
    if (fault === null)
      for (const run of beats) await run().catch((error: unknown) => log.debug({ err: error }, 'a measurement failed'))
    if (!stopped) timer = clock.setTimeout(() => void beat(), BEAT)
  }

  return {
    closed() {
      if (foreign !== null) return foreign
      const now = clock.now()
      if (now < SANE) return 'the clock of this machine is not set'
      if (fault !== null) return fault
      return now - at > STALE ? 'the ledger has not answered for 6 s' : null
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
