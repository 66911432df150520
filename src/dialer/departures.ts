/**
 * The last pace before the wire. The reserve script keeps a trunk's `cps` over all instances, but the way from there to
 * the INVITE takes some calls longer than others, so that one reserved late may catch up with the one before it. Here an
 * instance lets the calls of a trunk depart at the same rate again, right before the INVITE is asked for.
 */
import type { Clock } from '../call/ports.ts'
import { rateOf } from './rate.ts'

interface Pace {
  /** When the last `n` departed, oldest first, ms. */
  times: number[]
  /** The departure before; they are let go one after another. */
  last: Promise<void>
}

export class Departures {
  private readonly clock: Clock
  private readonly paces = new Map<string, Pace>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Settles when the next call of this trunk may depart: at most `cps` in any window of `rateOf`, in the order asked. */
  turn(trunk: string, cps: number): Promise<void> {
    const pace = this.paces.get(trunk) ?? { times: [], last: Promise.resolve() }
    this.paces.set(trunk, pace)
    pace.last = pace.last.then(() => this.depart(pace, cps))
    return pace.last
  }

  private async depart(pace: Pace, cps: number): Promise<void> {
    const { n, window, gap } = rateOf(cps)
    for (;;) {
      const now = this.clock.now()
      const oldest = pace.times.length < n ? Number.NEGATIVE_INFINITY : (pace.times[0] ?? Number.NEGATIVE_INFINITY)
      const before = pace.times.at(-1) ?? Number.NEGATIVE_INFINITY
      // A clock that was set back must not hold the trunk for an hour.
      const wait = Math.min(window, Math.max(oldest + window, before + gap) - now)
      if (wait <= 0) {
        pace.times.push(now)
        if (pace.times.length > n) pace.times.shift()
        return
      }
      await new Promise<void>((resolve) => this.clock.setTimeout(resolve, Math.ceil(wait)))
    }
  }
}
