/**
 * The one gate that every outgoing call passes, and the one explanation of why it does not.
 *
 * Rules that depend on the plan and the calendar alone are judged here; rules that anybody's hand can change are judged
 * by the reserve script in the same step that writes the attempt down. Both are put in one order, and the first that
 * does not pass decides: `refuse` is for good, `hold` lifts with time, `busy` within moments. Whatever cannot be
 * answered is a no.
 */
import type { CallRecord } from '../call/record.ts'
import { nextOpening } from '../flow/calendar.ts'
import { blankRecord, fieldsOf } from '../store/attempt-record.ts'
import type { Assumed, ReserveInput } from '../store/attempts.ts'
import { marksOf, type Owner } from '../store/instance.ts'
import type { Store } from '../store/store.ts'
import { newId } from './ids.ts'
import { judgeForGood, judgeMoment, YEAR } from './judge.ts'
import { LocalDays } from './local-days.ts'
import { remember } from './memory.ts'
import { callerId, type DialPolicy, hasZones, type Placement, type Plan, placementOf } from './plan.ts'
import { rateOf } from './rate.ts'
import { deciding, hold, NOT_ITS_TURN, pass, REASONS, RULES, type Rule, type RuleVerdict } from './rules.ts'

export type Verdict =
  /** `room` in ms: the next one need not ask before; -1: before a channel is given back. */
  | { verdict: 'reserved'; placement: Placement; room: number }
  | { verdict: 'hold' | 'refuse'; rule: Rule; until: number | null; reason: string }
  /** `wait` in ms; -1: until a channel is given back. */
  | { verdict: 'busy'; rule: Rule; wait: number }
  /** Somebody else has it, or it is done. */
  | { verdict: 'gone' }
  /** What the plan was made of has changed: it is to be made anew. */
  | { verdict: 'stale' }

/** What the gate would say, and when it would say yes. */
export interface Foresight {
  /** A reservation would succeed now. */
  now: boolean
  /** The first time at which one would, as long as nobody changes anything, ms; null when there is none, or nobody knows. */
  next_at: number | null
  held_by: Rule | null
  rules: RuleVerdict[]
}

export interface GatePorts {
  store: Store
  policy: DialPolicy
  owner: Owner
  now(): number
  /** Null when this node may be dialled on, else why not. */
  closed(node: string): string | null
}

const MINUTE = 60_000
/** Rules that lift one after another, until one gives up to see the end of it. */
const MOST_STEPS = 400
/** A reservation that Redis performs later than this after our verdict does nothing. */
const GOOD_FOR = 1500
export class Gate {
  private readonly ports: GatePorts
  private readonly days = new LocalDays()
  private readonly lost = new Set<string>()
  constructor(ports: GatePorts) {
    this.ports = ports
  }

  /** Writes the attempt down if every rule passes. Throws `unavailable` when Redis cannot answer in time. */
  async reserve(plan: Plan): Promise<Verdict> {
    const now = this.ports.now()
    const own = this.judge(plan, now)
    const failed = own.find(({ verdict }) => verdict !== 'pass')
    if (failed !== undefined) {
      const first = deciding(await this.explain(plan, now)) ?? failed
      return { ...first, verdict: first.verdict as 'hold' | 'refuse', until: this.opening(plan, first.until ?? 0) }
    }
    const record = blankRecord({
      id: plan.id ?? newId(now),
      campaign: plan.campaign?.name ?? null,
      contact: plan.key,
      number: plan.number ?? '',
      kind: plan.kind,
      flow: plan.flow,
      queued_at: now,
      failover_of: plan.failover?.of ?? null,
    })
    const input = this.input(plan, record, now)
    const asked = performance.now()
    const answer = await this.asked(input)
    // The way to Redis and back counts as waiting: the next question takes as long.
    const left = (wait: number): number => (wait < 0 ? wait : Math.max(0, wait - (performance.now() - asked)))
    switch (answer.verdict) {
      case 'reserved': {
        const { trunk, attempt, kind, room } = answer
        const chosen = input.trunks.find(({ name }) => name === trunk)
        Object.assign(record, {
          trunk,
          attempt,
          kind,
          node: chosen?.node ?? null,
          caller_id: chosen?.caller_id ?? null,
        })
        this.keepInMind(plan, record, answer.contact ?? null)
        return { verdict: 'reserved', placement: placementOf(plan, record), room: left(room) }
      }
      case 'gone':
      case 'stale':
        return answer
      case 'busy':
        return { verdict: 'busy', rule: answer.rule as Rule, wait: left(answer.wait) }
      default: {
        const rule = answer.rule as Rule
        return { verdict: answer.verdict, rule, until: this.opening(plan, answer.until), reason: REASONS[rule] }
      }
    }
  }

  /**
   * Every rule with its verdict at that time, in order; nothing is written. `until` is when this rule alone lifts.
   * `assumed` attempts are taken as made, for whoever looks ahead.
   */
  async explain(plan: Plan, now = this.ports.now(), assumed: Assumed | null = null): Promise<RuleVerdict[]> {
    const own = this.judge(plan, now)
    const record = blankRecord({ id: 'explain', number: plan.number ?? plan.raw, kind: plan.kind })
    const input = this.input(plan, record, now)
    const asked = await this.ports.store.attempts.explain({ ...input, assumed })
    const others = asked.map(([rule, verdict, until, why]): RuleVerdict => {
      const name = rule as Rule
      // Without a trunk to ask for there is no busy one: another rule says why.
      if (verdict === 'pass' || (name === 'trunk_busy' && input.trunks.length === 0)) return pass(name)
      return {
        rule: name,
        verdict: verdict === 'refuse' ? 'refuse' : 'hold',
        reason: NOT_ITS_TURN[why ?? ''] ?? REASONS[name],
        until: until > 0 ? until : null,
      }
    })
    const failing = own.filter(({ verdict }) => verdict !== 'pass')
    const failed = new Set(failing.map(({ rule }) => rule))
    const told = [...failing, ...others.filter(({ rule }) => !failed.has(rule))]
    const known = new Set(told.map(({ rule }) => rule))
    told.push(...own.filter(({ rule }) => !known.has(rule)))
    return told.sort((a, b) => RULES.indexOf(a.rule) - RULES.indexOf(b.rule))
  }

  /**
   * Whether a call would be reserved now, and when it would be: each rule that holds does so at least until its own time,
   * so going from one to the next finds the first moment at which none does.
   */
  async foresee(plan: Plan): Promise<Foresight> {
    let at = this.ports.now()
    const rules = await this.explain(plan, at)
    const first = deciding(rules)
    for (let looked = rules, steps = 0; steps < MOST_STEPS; steps++) {
      const failing = looked.filter(({ verdict }) => verdict !== 'pass')
      if (failing.length === 0) return { now: first === undefined, next_at: at, held_by: first?.rule ?? null, rules }
      if (failing.some(({ verdict, until }) => verdict === 'refuse' || until === null)) break
      // Times of Redis have fractions; a millisecond is our grain.
      at = Math.max(at + 1, ...failing.map(({ until }) => Math.ceil(until ?? 0)))
      looked = await this.explain(plan, at)
    }
    return { now: false, next_at: null, held_by: first?.rule ?? null, rules }
  }

  /** A reservation whose answer was lost is looked up once Redis is back, and taken back: nobody dialled it. */
  private async asked(input: ReserveInput): ReturnType<Store['attempts']['reserve']> {
    // It may be asked for again before it was looked up: what is reserved from here on is dialled.
    const before = this.lost.delete(input.id)
    try {
      const answer = await this.ports.store.attempts.reserve(input)
      if (before && answer.verdict === 'gone') this.lost.add(input.id)
      return answer
    } catch (error) {
      this.lost.add(input.id)
      throw error
    }
  }

  /** Takes back what was reserved while the answer was lost. Called when Redis answers again; safe to call at any time. */
  async takeBackLost(): Promise<void> {
    for (const id of [...this.lost]) {
      this.lost.delete(id)
      await this.ports.store.attempts.unreserve(id, this.ports.owner.app).catch((error: unknown) => {
        this.lost.add(id)
        throw error
      })
    }
  }

  private keepInMind(plan: Plan, record: CallRecord, contact: string | null): void {
    const { row, packed, callback } = plan
    const agreed = callback && {
      due_at: callback.due_at,
      expires_at: callback.expires_at,
      moved: callback.moved ? ('1' as const) : ('0' as const),
      retries: callback.retries,
    }
    remember(record, {
      attempt: {
        record: { ...record, vars: {}, recordings: [] },
        ...{ state: 'reserved', instance: this.ports.owner.instance, owner: this.ports.owner.app },
        ...{ app: this.ports.owner.app, row, callback: callback?.id ?? null, home: null },
        tried: plan.failover?.tried ?? [],
      },
      callback,
      basis: { contact, packed, callback: agreed },
    })
  }

  /** When both the rule and the calendar allow it. */
  private opening(plan: Plan, until: number): number | null {
    if (until <= 0) return null
    return nextOpening(until, plan.hours.zones, plan.hours.windows, plan.hours.holidays, YEAR) ?? until
  }

  /** The rules of plan, calendar and nodes. */
  private judge(plan: Plan, now: number): RuleVerdict[] {
    const shut = plan.trunks.map((trunk) => this.ports.closed(trunk.node))
    return [
      ...judgeForGood(plan, this.ports.policy),
      ...judgeMoment(plan, now),
      ...(plan.trunks.length === 0 ? [hold('trunk_state', null, 'there is no trunk of that name')] : []),
      shut.length > 0 && shut.every((reason) => reason !== null)
        ? hold('gate_closed', null, shut.find((reason) => reason !== null) ?? undefined)
        : pass('gate_closed'),
    ]
  }

  private input(plan: Plan, record: CallRecord, now: number): ReserveInput {
    const { store, policy, owner } = this.ports
    const zone = plan.hours.zones[0]
    const known = zone !== undefined && hasZones(plan.hours)
    const day = known ? this.days.of(zone, now) : { date: '', start: now, end: now }
    const { per_day, per_week } = policy.per_number
    const number = record.number
    const minuteEnd = (Math.floor(now / MINUTE) + 1) * MINUTE
    return {
      id: record.id,
      now,
      deadline: Math.min(now + GOOD_FOR, minuteEnd) + store.db.skew,
      kind: plan.kind,
      campaign: plan.campaign?.name ?? null,
      row: plan.row,
      callback: plan.callback?.id ?? null,
      basis: {
        revision: plan.campaign?.revision ?? null,
        packed: plan.packed,
        due_at: plan.callback?.due_at ?? null,
      },
      number,
      trunks: plan.trunks
        .filter((trunk) => this.ports.closed(trunk.node) === null)
        .map((trunk) => ({
          name: trunk.name,
          node: trunk.node,
          channels: trunk.channels,
          rate: rateOf(trunk.cps),
          caller_id: callerId(trunk, number),
        })),
      concurrency: plan.campaign?.dial.concurrency ?? null,
      rate: plan.campaign?.dial.cps ? rateOf(plan.campaign.dial.cps) : null,
      caps: plan.kind === 'leg' ? null : { day: per_day, week: per_week, day_start: day.start, day_end: day.end },
      budget: plan.campaign && {
        max: plan.campaign.attempts.max,
        per_day: plan.campaign.attempts.per_day,
        day: day.date,
        day_end: day.end,
      },
      fields: fieldsOf(record),
      marks: {
        ...marksOf(owner),
        number,
        ...(plan.campaign ? { campaign: plan.campaign.name } : {}),
        ...(plan.row === null ? {} : { row: String(plan.row) }),
        ...(plan.callback ? { callback: plan.callback.id } : {}),
        ...(plan.failover ? { tried: plan.failover.tried.join(',') } : {}),
      },
      clock: now + store.db.skew,
      assumed: null,
      failover: plan.failover?.of ?? null,
      explain: false,
      holder: owner.holder,
    }
  }
}
