/**
 * What will become of a campaign: when it ends, how many calls an hour it makes, and who can never be reached and why. The
 * ledger is read in small bites, and the rest happens in memory, in slices between the live work.
 *
 * A forecast takes the campaign as running from then on with its trunks for itself, and every rule as it stands; what the
 * people do is assumed (`forecast/line.ts`).
 */
import { ApelError } from '../errors.ts'
import type { Store } from '../store/store.ts'
import type { Surveyed } from '../store/survey.ts'
import type { Campaign } from './campaign.ts'
import { priorityOf } from './contact-desk.ts'
import { CALLBACKS, type Definitions } from './definitions.ts'
import { runCourse } from './forecast/course.ts'
import { ANSWERED, type Asked, type Assumptions, assume, drawnLine, type ForecastLine } from './forecast/line.ts'
import { Group, type Person } from './forecast/people.ts'
import { Slices } from './forecast/slices.ts'
import { judgeForGood, YEAR } from './judge.ts'
import { agreementOf } from './ledger.ts'
import type { DialPolicy, Plan } from './plan.ts'
import type { Planner } from './planner.ts'
import { deciding, hold, type Rule, type RuleVerdict, refuse } from './rules.ts'

export interface ForecastRequest extends Asked {
  /** ms; null: now. */
  from: number | null
  /** Instead of what is assumed, for a test. */
  line?: ForecastLine
}

/** Times in ms. */
export interface Forecast {
  campaign: string
  /** When it was made, and from when on it looks. */
  at: number
  from: number
  assumed: Assumptions
  /**
   * `done` before; then by what becomes of them: `reached`, `exhausted` (nobody answered as often as the rules try), `never`
   * called, `open` after a year. A contact that was reached and is tried again is counted once.
   */
  contacts: { total: number; done: number; reached: number; exhausted: number; never: number; open: number }
  /** Null when it has not ended after a year, or nothing is left to be called. */
  ends_at: number | null
  attempts: number
  dispositions: Record<string, number>
  /** By the last disposition. */
  exhausted: Record<string, number>
  /** Why some are never called, the most frequent reason first, with some of their keys. */
  never: { rule: Rule; reason: string; contacts: number; keys: string[] }[]
  /** Each hour with a call. */
  hours: { at: number; calls: number; answered: number }[]
}

export interface ForecastPorts {
  store: Store
  definitions: Definitions
  planner: Planner
  policy: DialPolicy
  now(): number
}

/** Keys that are named of those who are never called for one reason. */
const SAMPLE = 10
/** Ended attempts from which the length of a talk is learned, the last ones. */
const LEARNED = 500

export class Forecaster {
  private readonly ports: ForecastPorts
  private last: Promise<unknown> = Promise.resolve()
  constructor(ports: ForecastPorts) {
    this.ports = ports
  }

  /** One at a time: each holds its whole list in memory. Throws `not_found`, and `bad_request` for shares that cannot be. */
  async forecast(name: string, request: ForecastRequest): Promise<Forecast> {
    const made = this.last.then(() => this.make(name, request))
    this.last = made.catch(() => undefined)
    return await made
  }

  private async make(name: string, request: ForecastRequest): Promise<Forecast> {
    const { store, definitions, policy } = this.ports
    const campaign = await definitions.get(name)
    const view = campaign && (await store.campaigns.view(name))
    if (campaign === null || view === null || name === CALLBACKS)
      throw new ApelError('not_found', `There is no campaign ${name} to be forecast.`)
    const at = this.ports.now()
    const from = Math.max(at, request.from ?? at)
    const assumed = assume(request, { dispositions: view.dispositions, ...(await this.experience(name)) })
    const list = await this.read(campaign, from)
    const line = request.line ?? drawnLine(assumed, campaign.dial.ring, request.seed)
    const course = await runCourse([...list.groups.values()], list.live, {
      ...{ campaign, policy, line, from, until: from + YEAR },
    })
    const never = new Reasons(list.never)
    for (const { person, rule } of course.never) never.add({ rule, reason: NO_OPENING }, person.key)
    const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((all, one) => all + one, 0)
    return {
      ...{ campaign: name, at, from, assumed },
      contacts: {
        total: view.counts.contacts,
        done: list.done,
        reached: course.reached,
        exhausted: sum(course.exhausted),
        never: never.count,
        open: course.open,
      },
      ends_at: course.attempts > 0 || list.live.length > 0 ? course.ends_at : null,
      attempts: course.attempts,
      dispositions: course.dispositions,
      exhausted: course.exhausted,
      never: never.list(),
      hours: [...course.hours].sort(([a], [b]) => a - b).map(([at, tally]) => ({ at, ...tally })),
    }
  }

  /** Everybody on the list, as the dialer would plan to call them. */
  private async read(campaign: Campaign, from: number): Promise<List> {
    const { store, policy } = this.ports
    const list: List = { groups: new Map(), live: [], never: new Reasons(), done: 0 }
    const agreements = await store.survey.agreements(campaign.name, from)
    const byRow = new Map(agreements.map((one) => [one.callback.row, one]))
    const slices = new Slices()
    for await (const bucket of store.survey.contacts(campaign.name, from))
      for (const found of bucket) {
        if (slices.over) await slices.rest()
        const agreed = byRow.get(found.row)
        if (found.progress.state === 'done' && agreed === undefined) {
          list.done += 1
          continue
        }
        const plan = this.plan(campaign, found, agreed?.callback ?? null)
        if (plan === null) continue
        const refused = firstOf(plan, found.listed, policy)
        if (refused !== undefined && found.progress.state !== 'dialing') list.never.add(refused, plan.key)
        else this.lineUp(list, campaign, plan, found, agreed?.next_at ?? null, from)
      }
    for (const { callback, next_at } of agreements) {
      if (callback.row !== null) continue
      const plan = this.plan(campaign, null, callback)
      const listed = plan?.number ? (await store.dnc.covering(plan.number, campaign.name)) !== null : false
      if (plan === null) continue
      const refused = firstOf(plan, listed, policy)
      if (refused !== undefined) list.never.add(refused, callback.number)
      else this.lineUp(list, campaign, plan, null, next_at, from)
    }
    for (const group of list.groups.values()) group.sort()
    return list
  }

  private plan(campaign: Campaign, found: Surveyed | null, callback: Plan['callback']): Plan | null {
    const contact = found && { ...found.contact, progress: found.progress }
    const about = { row: found?.row ?? null, contact, packed: null, callback, previous: null, failover: null }
    return this.ports.planner.claimed(campaign, callback === null ? `r${found?.row ?? 0}` : `c${callback.id}`, about)
  }

  private lineUp(
    list: List,
    campaign: Campaign,
    plan: Plan,
    found: Surveyed | null,
    next_at: number | null,
    from: number,
  ): void {
    const name = `${plan.hours.zones.join(' ')} ${plan.trunks.map(({ name }) => name).join(' ')}`
    const group = list.groups.get(name) ?? new Group(plan.hours, plan.trunks)
    list.groups.set(name, group)
    const progress = found?.progress
    const person: Person = {
      row: plan.row,
      key: plan.key ?? plan.number,
      priority: priorityOf(campaign, plan.data),
      group,
      ...{ used: progress?.used ?? 0, total: progress?.total ?? plan.callback?.tries ?? 0 },
      ...{ day: progress?.day ?? '', today: progress?.today ?? 0, tries: some(progress?.tries) ?? NO_TRIES },
      due: progress?.state === 'waiting' ? progress.due : 0,
      times: some(found?.times) ?? NO_TIMES,
      alone: found?.alone ?? 0,
      agreement: plan.callback && agreementOf(plan.callback),
      wished: false,
      answered: false,
      last: null,
    }
    if (progress?.state === 'dialing') list.live.push({ person, trunk: plan.trunks[0]?.name ?? '' })
    else if (next_at !== null) group.wait(person, next_at)
    else if (progress !== undefined && progress.due > from) group.wait(person, progress.due)
    else if (progress?.state === 'waiting') group.wait(person, progress.due)
    else group.add(person)
  }

  /** How long people talked in the last calls, and how long they took to answer. */
  private async experience(name: string): Promise<{ talk: number | null; ring: number | null }> {
    const { attempts } = await this.ports.store.attempts.ended(name, null, LEARNED)
    const answered = attempts.flatMap(({ record: { dialed_at, answered_at, ended_at, disposition } }) =>
      dialed_at !== null && answered_at !== null && ended_at !== null && ANSWERED.includes(disposition ?? 'unknown')
        ? [{ ring: answered_at - dialed_at, talk: ended_at - answered_at }]
        : [],
    )
    const mean = (of: 'ring' | 'talk'): number | null =>
      answered.length === 0 ? null : answered.reduce((sum, call) => sum + call[of], 0) / answered.length
    return { talk: mean('talk'), ring: mean('ring') }
  }
}

/** Shared by all who have none: a list may hold a million people. */
const NO_TRIES: Record<string, number> = {}
const NO_TIMES: readonly number[] = []

function some<T extends object>(found: T | undefined): T | null {
  return found === undefined || Object.keys(found).length === 0 ? null : found
}

interface List {
  groups: Map<string, Group>
  live: { person: Person; trunk: string }[]
  never: Reasons
  done: number
}

const NO_OPENING = 'no time of the coming year is open there for it'

/** The rule that time does not lift, if there is one. */
function firstOf(plan: Plan, listed: boolean, policy: DialPolicy): RuleVerdict | undefined {
  const verdicts = judgeForGood(plan, policy)
  if (listed) verdicts.splice(2, 0, refuse('dnc'))
  if (plan.trunks.length === 0) verdicts.push(hold('trunk_state', null, 'there is no trunk of that name'))
  return deciding(verdicts)
}

/** Why somebody is never called, counted. */
class Reasons {
  private readonly found: Map<string, { rule: Rule; reason: string; contacts: number; keys: string[] }>
  constructor(before?: Reasons) {
    this.found = new Map(before?.found)
  }

  add({ rule, reason }: { rule: Rule; reason: string }, key: string | null): void {
    const one = this.found.get(`${rule} ${reason}`) ?? { rule, reason, contacts: 0, keys: [] }
    this.found.set(`${rule} ${reason}`, one)
    one.contacts += 1
    if (key !== null && one.keys.length < SAMPLE) one.keys.push(key)
  }

  get count(): number {
    return this.list().reduce((sum, { contacts }) => sum + contacts, 0)
  }

  list(): { rule: Rule; reason: string; contacts: number; keys: string[] }[] {
    return [...this.found.values()].sort((a, b) => b.contacts - a.contacts)
  }
}
