/**
 * Carries items of the queue from "it may be your turn" to the dial.
 *
 * A job takes its items in hand, lets the texts of each call be made, lets each wait its turn at the gate, and ends when all
 * have been placed; what happens on the line is no longer the queue's business. A job that is lost does no harm: its
 * item comes back when the lease ends, and the reserve script lets nobody dial twice. So BullMQ never runs one again.
 */
import type { Clock } from '../call/ports.ts'
import { ApelError, maskNumber } from '../errors.ts'
import type { CallContext } from '../flow/io.ts'
import type { Log } from '../log.ts'
import { blankRecord } from '../store/attempt-record.ts'
import type { Claim, Item } from '../store/line-up.ts'
import type { Store } from '../store/store.ts'
import type { Campaign } from './campaign.ts'
import type { Definitions } from './definitions.ts'
import type { Gate, Verdict } from './gate.ts'
import type { Ledger } from './ledger.ts'
import { contextOf, type Placement, type Plan } from './plan.ts'
import type { Planner } from './planner.ts'
import type { DialJob } from './queue.ts'
import { type Place, SENT_AWAY, type Try, type Turns } from './turns.ts'

export interface WorkerPorts {
  store: Store
  definitions: Definitions
  planner: Planner
  gate: Gate
  turns: Turns
  ledger: Ledger
  clock: Clock
  log: Log
  /** Makes what can be made before the dial (texts to sounds). A rejection holds the contact back. */
  prepare(plan: Plan, context: CallContext): Promise<void>
  /** Dials. Resolves when the call has been asked for; its end comes through the ledger. */
  place(placement: Placement): Promise<void>
}

/** Ranks in the row of a campaign. */
const CALLBACK = 0
const OTHERS = 1
/** How long a job waits for its turn before the item goes back in line, ms. */
const PATIENCE = 5000
const PREPARE_DEADLINE = 10_000
/** In hand: texts, turn, and something to spare. */
const IN_HAND = PREPARE_DEADLINE + PATIENCE + 5000
/** What holds without saying until when is looked at again after this long, ms. */
const HOLD = 60_000
/** The same while a trunk is asked whether it works again. */
const PROBED = 3000

export class DialWorker {
  private readonly ports: WorkerPorts
  /** What was in hand when Redis went away, by campaign. */
  private readonly dropped = new Map<string, Set<Item>>()
  /** When the calls of a campaign were last ended from outside, ms. */
  private readonly cuts = new Map<string, number>()
  constructor(ports: WorkerPorts) {
    this.ports = ports
  }

  /** `ended` is called as each item ends. Never rejects: what went wrong is logged, and the item is in line again or its record is written. */
  async work({ campaign: name, items }: DialJob, ended: () => void): Promise<void> {
    const { turns, clock, store, definitions } = this.ports
    // All have their places before anything is waited for, so that they come in their order.
    const places = items.map(({ item, order }) => turns.join(name, item.startsWith('c') ? CALLBACK : OTHERS, order))
    const taken = (async () => {
      const campaign = await definitions.get(name)
      const claims = campaign === null ? [] : await store.lineUp.claim(name, items, clock.now(), IN_HAND)
      return { campaign, claims }
    })()
    const carried = items.map(async ({ item }, n) => {
      try {
        const { campaign, claims } = await taken
        const claim = claims[n] ?? null
        if (campaign !== null && claim !== null) await this.carry(campaign, item, claim, places[n]!)
      } catch (error) {
        this.failed(name, item, error)
      } finally {
        places[n]!.giveUp()
        ended()
      }
    })
    await Promise.all(carried)
  }

  private failed(name: string, item: Item, error: unknown): void {
    const { log } = this.ports
    const again = error instanceof ApelError && error.again
    if (again) this.dropped.set(name, (this.dropped.get(name) ?? new Set()).add(item))
    log[again ? 'warn' : 'error'](
      { campaign: name, item, error: (error as Error).message },
      'a contact could not be dialled',
    )
  }

  /** The calls of this campaign were ended a moment ago; one that is between its reservation and the line is not yet a call. */
  cut(name: string): void {
    this.cuts.set(name, this.ports.clock.now())
  }

  /** Redis answers again: what was dropped need not wait for the end of its lease. */
  async recover(): Promise<void> {
    for (const [name, items] of this.dropped) {
      await this.ports.store.lineUp.back(name, [...items], this.ports.clock.now())
      this.dropped.delete(name)
    }
  }

  private async carry(campaign: Campaign, item: Item, claim: Claim, place: Place): Promise<void> {
    const { store, planner, clock } = this.ports
    const { name } = campaign
    const plan = planner.claimed(campaign, item, claim)
    if (plan === null) return
    if (plan.callback !== null && plan.callback.expires_at <= clock.now()) {
      await this.ports.ledger.expire(campaign, plan.callback)
      return
    }
    if (!(await this.prepared(name, item, plan))) return
    const verdict = await place.take(PATIENCE, () => this.try(plan))
    if (verdict === SENT_AWAY) await store.lineUp.back(name, [item], clock.now())
    else await this.act(campaign, item, plan, verdict)
  }

  private async try(plan: Plan): Promise<Try<Verdict>> {
    const verdict = await this.ports.gate.reserve(plan)
    if (verdict.verdict === 'busy') return { wait: verdict.wait }
    return { done: verdict, ...(verdict.verdict === 'reserved' ? { wait: verdict.room } : {}) }
  }

  private async prepared(name: string, item: Item, plan: Plan): Promise<boolean> {
    const { clock, log, store } = this.ports
    const record = blankRecord({ number: plan.number ?? '', kind: plan.kind, attempt: (plan.progress?.total ?? 0) + 1 })
    let timer: unknown = null
    const deadline = new Promise<void>((resolve) => {
      timer = clock.setTimeout(resolve, PREPARE_DEADLINE)
    })
    try {
      await Promise.race([this.ports.prepare(plan, contextOf(plan, record)), deadline])
      return true
    } catch (error) {
      log.warn(
        { campaign: name, flow: plan.flow, error: (error as Error).message },
        'the call cannot be prepared; held for a minute',
      )
      await store.lineUp.hold(name, item, 'gate_closed', clock.now() + HOLD)
      return false
    } finally {
      clock.clearTimeout(timer)
    }
  }

  private async act(campaign: Campaign, item: Item, plan: Plan, verdict: Verdict): Promise<void> {
    const { store, clock, ledger, log } = this.ports
    switch (verdict.verdict) {
      case 'reserved':
        return await this.place(verdict.placement)
      case 'refuse':
        // It ran out while the texts were made.
        if (verdict.rule === 'budget' && plan.callback !== null) return await ledger.expire(campaign, plan.callback)
        log.info(
          { campaign: campaign.name, number: maskNumber(plan.number ?? plan.raw), rule: verdict.rule },
          'a contact will not be called',
        )
        return await ledger.refuse(plan, verdict.rule)
      case 'hold':
        // Nothing is wrong with the contact: it only lost its turn, and the feeder knows when to go on.
        if (['campaign_state', 'paused', 'gate_closed'].includes(verdict.rule))
          return await store.lineUp.back(campaign.name, [item], clock.now())
        return await store.lineUp.hold(
          campaign.name,
          item,
          verdict.rule,
          verdict.until ?? clock.now() + (verdict.rule === 'trunk_state' ? PROBED : HOLD),
        )
      case 'stale':
        this.ports.definitions.forget(campaign.name)
        return await store.lineUp.back(campaign.name, [item], clock.now())
      case 'gone':
      case 'busy':
        return
      default: {
        const never: never = verdict
        return never
      }
    }
  }

  private async place(placement: Placement): Promise<void> {
    const { campaign, queued_at } = placement.record
    if ((this.cuts.get(campaign ?? '') ?? 0) > (queued_at ?? 0)) {
      const ended_at = this.ports.clock.now()
      await this.ports.ledger.finish({ ...placement.record, ended_at, disposition: 'cancelled', hangup_by: 'operator' })
      return
    }
    try {
      await this.ports.place(placement)
    } catch (error) {
      await this.ports.ledger.unplaced(placement.record, error as Error)
    }
  }
}
