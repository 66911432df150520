/**
 * Keeps the queue's small window filled, and does nothing in between.
 *
 * One pass over a campaign takes who is next, parks those who sleep in closed zones (so that they cost nothing more
 * until it opens there), and queues the rest. A pass is made when the bell says that there is work, when half of the
 * window has been used up, and at the next time at which something falls due.
 */
import type { Clock } from '../call/ports.ts'
import { isOpen, nextOpening } from '../flow/calendar.ts'
import type { Log } from '../log.ts'
import type { Item, Lane, Picked } from '../store/line-up.ts'
import type { Store } from '../store/store.ts'
import type { Campaign } from './campaign.ts'
import { priorityOf } from './contact-desk.ts'
import type { Definitions } from './definitions.ts'
import { type DialPolicy, type DialSettings, hasZones, hoursFor, type Trunk } from './plan.ts'
import type { Planner } from './planner.ts'
import type { Ordered } from './queue.ts'
import type { Hours } from './retry.ts'

export interface FeederPorts {
  store: Store
  definitions: Definitions
  planner: Planner
  settings: DialSettings
  clock: Clock
  log: Log
  /** Null when this node may be dialled on. */
  closed(node: string): string | null
  /** Ends callbacks that have run out. */
  expire(campaign: Campaign, ids: string[]): Promise<void>
  enqueue(campaign: string, items: Ordered[]): Promise<void>
}

interface Feeding {
  passing: boolean
  again: boolean
  timer: unknown
  /** When the timer goes off, ms. */
  at: number
  /** Items that ended since the last pass. */
  used: number
  ahead: number
}

/** How long an item may wait in the queue before it is taken for lost, ms. */
export const LEASE = 10_000
/** Even when nothing rings: look again, since a ring may get lost. */
const LOOK_AGAIN = 15_000
const WINDOW_FULL = 1000
const GATE_CLOSED = 2000
/** Rows looked at a pass while everybody sleeps, and the pause between such passes: a million take some minutes. */
const SLEEPERS = 250
const SLEEPERS_PAUSE = 25
const YEAR = 366 * 86_400_000

export class Feeder {
  private readonly ports: FeederPorts
  private readonly feedings = new Map<string, Feeding>()
  private stopped = false

  constructor(ports: FeederPorts) {
    this.ports = ports
  }

  /** Looks at the campaign now. */
  wake(name: string): void {
    const feeding = this.feeding(name)
    if (feeding.passing) feeding.again = true
    else void this.pass(name, feeding)
  }

  async wakeAll(): Promise<void> {
    for (const name of await this.ports.store.campaigns.names()) this.wake(name)
  }

  /** Something of the campaign falls due at that time. */
  dueAt(name: string, at: number): void {
    this.schedule(name, this.feeding(name), at)
  }

  /** An item has been carried to its end. */
  used(name: string): void {
    const feeding = this.feeding(name)
    feeding.used++
    if (feeding.used * 2 >= feeding.ahead) this.wake(name)
  }

  /** No pass any more; resolves when the one under way is over. */
  stop(): void {
    this.stopped = true
    for (const feeding of this.feedings.values()) this.ports.clock.clearTimeout(feeding.timer)
    this.feedings.clear()
  }

  private feeding(name: string): Feeding {
    let feeding = this.feedings.get(name)
    if (feeding === undefined) {
      feeding = { passing: false, again: false, timer: null, at: Number.POSITIVE_INFINITY, used: 0, ahead: 2 }
      this.feedings.set(name, feeding)
    }
    return feeding
  }

  private schedule(name: string, feeding: Feeding, at: number): void {
    if (this.stopped || at >= feeding.at) return
    this.ports.clock.clearTimeout(feeding.timer)
    feeding.at = at
    const wait = Math.min(Math.max(0, at - this.ports.clock.now()), LOOK_AGAIN)
    feeding.timer = this.ports.clock.setTimeout(() => this.wake(name), wait)
  }

  private async pass(name: string, feeding: Feeding): Promise<void> {
    if (this.stopped) return
    feeding.passing = true
    feeding.again = false
    feeding.used = 0
    this.ports.clock.clearTimeout(feeding.timer)
    feeding.at = Number.POSITIVE_INFINITY
    let next: number | null = null
    try {
      next = await this.look(name, feeding)
    } catch (error) {
      this.ports.log.warn(
        { campaign: name, error: (error as Error).message },
        'the line-up cannot be read; trying again',
      )
      next = this.ports.clock.now() + 1000
    }
    feeding.passing = false
    if (feeding.again) this.schedule(name, feeding, this.ports.clock.now())
    else if (next !== null) this.schedule(name, feeding, next)
  }

  /** One pass; gives the time of the next one, null when only a ring can bring news. */
  private async look(name: string, feeding: Feeding): Promise<number | null> {
    const { store, definitions, settings, clock } = this.ports
    const campaign = await definitions.get(name)
    if (campaign === null) return null
    const now = clock.now()
    const open = trunksOf(campaign, settings).filter(({ node }) => this.ports.closed(node) === null)
    if (open.length === 0) return now + GATE_CLOSED
    const trunks = open.map(({ name }) => name)
    const lanes = await store.lineUp.lanes(name)
    const asleep = lanes.filter(
      (lane) => lane.zones !== null && !isOpenIn(hoursFor(campaign, lane.zones, settings.policy), now),
    )
    const usable = inOrder(lanes.filter((lane) => !asleep.includes(lane)))
    const ahead = aheadOf(campaign, settings)
    const allSlept = feeding.ahead === SLEEPERS
    const pick = await store.lineUp.next(name, now, allSlept ? SLEEPERS : ahead, LEASE, usable, trunks)
    feeding.ahead = ahead
    if (!pick.running) return null
    if (pick.stale.length > 0) {
      await this.ports.expire(campaign, pick.stale)
      return clock.now()
    }

    const { ready, sleepers } = this.sort(campaign, pick.picked, now)
    for (const { lane, rule, rows } of sleepers) await store.lineUp.park(name, lane, rule, rows)
    if (ready.length > 0)
      await this.ports.enqueue(
        name,
        ready.map((item, i) => ({ item, order: now * 1000 + i })),
      )

    const slept = pick.picked.length - ready.length
    if (slept > 0 && ready.length === 0) {
      // While others are in hand nobody waits for this; taking hundreds would put them before retries that fall due.
      if (pick.picked.length >= ahead) feeding.ahead = SLEEPERS
      return now + SLEEPERS_PAUSE
    }
    if (slept > 0) return now
    const openings = [...asleep, ...sleepers.map(({ lane }) => lane)].map((lane) =>
      openingOf(campaign, lane, settings.policy, now),
    )
    const times = [...openings, pick.next_due, now + (pick.picked.length > 0 ? WINDOW_FULL : LOOK_AGAIN)]
    return Math.max(now + 1, Math.min(...times.filter((time) => time !== null)))
  }

  /** Those that may be called now by the calendar, and the others by the lane that they wait in. */
  private sort(
    campaign: Campaign,
    picked: Picked[],
    now: number,
  ): { ready: Item[]; sleepers: { lane: Lane; rule: string; rows: number[] }[] } {
    const ready: Item[] = []
    const sleepers = new Map<string, { lane: Lane; rule: string; rows: number[] }>()
    for (const one of picked) {
      const hours = 'contact' in one ? this.ports.planner.hours(campaign, one.contact) : null
      if (!('contact' in one) || hours === null || !hasZones(hours) || isOpenIn(hours, now)) {
        ready.push(one.item)
        continue
      }
      const priority = priorityOf(campaign, one.contact.data)
      const id = `${priority}~${hours.zones.join(' ')}`
      const rule = isOpen(now, hours.zones, hours.windows, []) ? 'holiday' : 'window'
      const group = sleepers.get(id) ?? { lane: { id, priority, zones: hours.zones }, rule, rows: [] }
      group.rows.push(one.row)
      sleepers.set(id, group)
    }
    return { ready, sleepers: [...sleepers.values()] }
  }
}

function isOpenIn({ zones, windows, holidays }: Hours, now: number): boolean {
  return isOpen(now, zones, windows, holidays)
}

function openingOf(campaign: Campaign, lane: Lane, policy: DialPolicy, now: number): number | null {
  const { zones, windows, holidays } = hoursFor(campaign, lane.zones ?? [], policy)
  return nextOpening(now, zones, windows, holidays, YEAR)
}

/** Higher priority first; at the same one those who waited for their zone before the file goes on. */
function inOrder(lanes: Lane[]): string[] {
  const parkedFirst = (lane: Lane) => (lane.zones === null ? 1 : 0)
  return lanes.sort((a, b) => b.priority - a.priority || parkedFirst(a) - parkedFirst(b)).map(({ id }) => id)
}

function trunksOf(campaign: Campaign, settings: DialSettings): Trunk[] {
  const names = campaign.dial.trunks
  return names === null ? settings.trunks : settings.trunks.filter(({ name }) => names.includes(name))
}

/** A second's worth of calls: enough that no token goes to waste, little to call back when somebody presses stop. */
function aheadOf(campaign: Campaign, settings: DialSettings): number {
  const offered = trunksOf(campaign, settings).reduce((sum, trunk) => sum + trunk.cps, 0)
  const cps = Math.min(campaign.dial.cps ?? offered, offered)
  return Math.min(50, Math.max(2, Math.ceil(Math.min(cps, campaign.dial.concurrency ?? cps))))
}
