/**
 * Retention by age, carried out in the background: what is older than the configuration keeps goes in steps so small that
 * nobody waits for one, with a rest between them. Journals go by themselves, their time is set when they begin.
 */
import type { Clock } from '../call/ports.ts'
import type { Log } from '../log.ts'
import { A_STEP, type Retention } from '../store/retention.ts'

/** ms. */
export interface Ages {
  records: number
  vars: number
}

/** What caps, and the pauses after an opt-out, count in; younger records are never forgotten. */
export const YOUNGEST = 8 * 86_400_000
const HOUR = 3_600_000
const FIRST = 60_000
/** ms between two steps. */
const REST = 50

export interface Sweeper {
  /** One sweep, now. Rejects when the ledger is away: what is left goes the next time. */
  sweep(): Promise<{ records: number; vars: number; callbacks: number }>
  stop(): void
}

/** Sweeps a minute after the start, and then every hour. */
export function keepRetention(retention: Retention, ages: Ages, clock: Clock, log: Log): Sweeper {
  let stopped = false
  let timer: unknown = null
  const rest = (): Promise<void> => new Promise((resolve) => clock.setTimeout(resolve, REST))

  async function whole(step: () => Promise<number>): Promise<number> {
    let sum = 0
    while (!stopped) {
      const gone = await step()
      sum += gone
      if (gone < A_STEP) break
      await rest()
    }
    return sum
  }

  async function callbacks(before: number): Promise<number> {
    let [skip, sum] = [0, 0]
    while (!stopped) {
      const { seen, gone } = await retention.callbacks(before, skip)
      sum += gone
      skip += seen - gone
      if (seen < A_STEP) break
      await rest()
    }
    return sum
  }

  async function sweep(): Promise<{ records: number; vars: number; callbacks: number }> {
    const before = clock.now() - Math.max(ages.records, YOUNGEST)
    const found = {
      records: await whole(() => retention.records(before)),
      callbacks: await callbacks(before),
      vars: await whole(() => retention.vars(clock.now() - ages.vars)),
    }
    if (found.records + found.callbacks > 0) log.info(found, 'old records were forgotten')
    return found
  }

  function later(ms: number): void {
    timer = clock.setTimeout(() => {
      void sweep()
        .catch((error: Error) => log.warn({ error: error.message }, 'old records cannot be forgotten now'))
        .then(() => {
          if (!stopped) later(HOUR)
        })
    }, ms)
  }
  later(FIRST)
  return {
    sweep,
    stop() {
      stopped = true
      clock.clearTimeout(timer)
    },
  }
}
