/** The room that there is for one more call: channels and rates of the trunks, and the campaign's own. */
import type { Rate } from '../../store/attempts.ts'
import type { Campaign } from '../campaign.ts'
import { waitOf } from '../limits.ts'
import type { Trunk } from '../plan.ts'
import { rateOf } from '../rate.ts'

/** Of the campaign itself; no trunk has an empty name. */
const CAMPAIGN = ''

export class Room {
  private readonly concurrency: number
  private readonly carried = new Map<string, number>()
  private readonly rates = new Map<string, { rate: Rate; log: number[] }>()
  private all = 0

  constructor({ concurrency, cps }: Campaign['dial'], trunks: readonly Trunk[]) {
    this.concurrency = concurrency ?? Number.POSITIVE_INFINITY
    if (cps !== null) this.rates.set(CAMPAIGN, { rate: rateOf(cps), log: [] })
    for (const { name, cps } of trunks) this.rates.set(name, { rate: rateOf(cps), log: [] })
  }

  /** The trunk that has room, as the reserve script finds it, or the ms until there may be one (infinite: when a call ends). */
  find(trunks: readonly Trunk[], now: number): Trunk | number {
    if (this.all >= this.concurrency) return Number.POSITIVE_INFINITY
    const campaign = this.wait(CAMPAIGN, now)
    let least = Number.POSITIVE_INFINITY
    for (const trunk of trunks) {
      if ((this.carried.get(trunk.name) ?? 0) >= trunk.channels) continue
      const wait = this.wait(trunk.name, now)
      if (wait === 0) return campaign > 0 ? campaign : trunk
      least = Math.min(least, wait)
    }
    return Math.max(least, campaign)
  }

  /** A call begins on that trunk; one that was on already when all began is not in the log of its rate. */
  take(trunk: string): void {
    this.all += 1
    this.carried.set(trunk, (this.carried.get(trunk) ?? 0) + 1)
  }

  give(trunk: string): void {
    this.all -= 1
    this.carried.set(trunk, (this.carried.get(trunk) ?? 1) - 1)
  }

  log(trunk: string, now: number): void {
    for (const name of [CAMPAIGN, trunk]) {
      const known = this.rates.get(name)
      if (known === undefined) continue
      known.log.unshift(now)
      if (known.log.length > known.rate.n) known.log.pop()
    }
  }

  private wait(name: string, now: number): number {
    const known = this.rates.get(name)
    return known === undefined ? 0 : waitOf(known.log, known.rate, now)
  }
}
