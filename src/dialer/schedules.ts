/**
 * Starts campaigns by their schedules.
 *
 * The ledger keeps of each schedule only how far its runs have been seen to; the next one follows from that. Every
 * instance looks, and the script that moves that time on and starts the campaign lets one of them do it, so a run is made
 * once however many there are, and one that fell into an outage is found after it. A run found later than a minute was
 * missed: `run_once` makes one for all of them, `skip` waits for the next. A start is what `start` by hand is: a campaign
 * that runs goes on, one that somebody paused stays paused, one that is stopping starts when it has stopped.
 */
import type { Clock } from '../call/ports.ts'
import type { Log } from '../log.ts'
import type { Scheduled } from '../store/campaigns.ts'
import type { Store } from '../store/store.ts'
import { nextRun } from './cron.ts'

/** Even when nothing rings: a ring may get lost, and a clock may jump. */
const LOOK_AGAIN = 10_000
const AGAIN = 1000
/** ms after which a run counts as missed. */
const LATE = 60_000
/** A clock that was ahead by more than this, and has been set right, must not hold a schedule until it gets there. */
const AHEAD = 2 * 3_600_000

export class Schedules {
  private readonly store: Store
  private readonly clock: Clock
  private readonly log: Log
  private timer: unknown = null
  private looking = false
  private again = false
  private stopped = false

  constructor(store: Store, clock: Clock, log: Log) {
    this.store = store
    this.clock = clock
    this.log = log
  }

  /** Looks now. */
  wake(): void {
    if (this.looking) this.again = true
    else void this.look()
  }

  stop(): void {
    this.stopped = true
    this.clock.clearTimeout(this.timer)
  }

  private async look(): Promise<void> {
    if (this.stopped) return
    this.looking = true
    this.again = false
    this.clock.clearTimeout(this.timer)
    let wait = AGAIN
    try {
      const scheduled = await this.store.campaigns.scheduled()
      const next = await Promise.all(scheduled.map((one) => this.see(one)))
      wait = Math.min(LOOK_AGAIN, ...next.map((at) => Math.max(1, at - this.clock.now())))
    } catch (error) {
      this.log.warn({ error: (error as Error).message }, 'the schedules cannot be read; trying again')
    }
    this.looking = false
    if (!this.stopped) this.timer = this.clock.setTimeout(() => this.wake(), this.again ? 0 : wait)
  }

  /** Gives the time at which this one is to be looked at again, ms. */
  private async see(one: Scheduled): Promise<number> {
    const { name, schedule, seen } = one
    const now = this.clock.now()
    if (seen > now + AHEAD) {
      await this.store.campaigns.run(one, { now, due: null, start: false })
      return now
    }
    const first = nextRun(schedule.cron, schedule.zone, seen)
    if (first === null) return Number.POSITIVE_INFINITY
    if (first > now) return first
    const due = lastRun(schedule.cron, schedule.zone, first, now)
    const start = schedule.missed === 'run_once' || now - due <= LATE
    const came = await this.store.campaigns.run(one, { now, due, start })
    if (came === 'stopping') return now + AGAIN
    if (came !== 'other') this.log.info({ campaign: name, due: new Date(due).toISOString(), came }, 'a schedule ran')
    return now
  }
}

/** The last run within the minute before `now`, else the first one that was missed. */
function lastRun(cron: string, zone: string, first: number, now: number): number {
  let last = first
  const near = nextRun(cron, zone, Math.max(first, now - LATE) - 1)
  for (let at = near; at !== null && at <= now; at = nextRun(cron, zone, at)) last = at
  return last
}
