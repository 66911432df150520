/**
 * A campaign on a virtual clock: who is next, may it be called, is there room, what comes of it, and what becomes of the
 * contact then. The rules are the dialer's own functions (`judge.ts`, `limits.ts`, `retry.ts`, `rate.ts`); only the line is
 * assumed. The clock jumps from one moment at which something can happen to the next.
 */
import { nextOpening } from '../../flow/calendar.ts'
import type { Campaign } from '../campaign.ts'
import { YEAR } from '../judge.ts'
import { budgetUntil, capUntil } from '../limits.ts'
import { LocalDays } from '../local-days.ts'
import type { DialPolicy } from '../plan.ts'
import { afterCall, afterCallback, missed, type NextAgreement } from '../retry.ts'
import type { Rule } from '../rules.ts'
import { Heap } from './heap.ts'
import { ANSWERED, type ForecastLine, type Outcome } from './line.ts'
import type { Group, Person } from './people.ts'
import { Room } from './room.ts'
import { Slices } from './slices.ts'

export interface CoursePorts {
  campaign: Campaign
  policy: Pick<DialPolicy, 'per_number'>
  line: ForecastLine
  /** It begins so, ms. */
  from: number
  /** Nothing is looked at beyond, ms. */
  until: number
}

export interface Course {
  /** When the last call ended, ms; null: it had not come to its end by `until`. */
  ends_at: number | null
  attempts: number
  dispositions: Record<string, number>
  /** By the beginning of each hour (UTC, ms) in which a call was made. */
  hours: Map<number, { calls: number; answered: number }>
  /** Answered at least once. */
  reached: number
  /** Never answered, and no rule tries again; by the last disposition. */
  exhausted: Record<string, number>
  /** Never called, by the rule that does not lift. */
  never: { person: Person; rule: Rule }[]
  /** Still to be called at the end of what was looked at. */
  open: number
}

interface Call {
  person: Person
  trunk: string
  outcome: Outcome
}

const HOUR = 3_600_000
/** How long after a call its callback is assumed to be agreed for, ms. */
const CALLED_BACK = 2 * HOUR

/** Runs it to its end. `live`: calls that are on already, each with the trunk that carries it. */
export async function runCourse(
  groups: readonly Group[],
  live: readonly { person: Person; trunk: string }[],
  ports: CoursePorts,
): Promise<Course> {
  const course = new Running(groups, ports)
  for (const { person, trunk } of live) course.place(person, trunk)
  const slices = new Slices()
  for (let i = 0; course.step(); i++) if (i % 32 === 0 && slices.over) await slices.rest()
  return course.over()
}

class Running {
  private readonly groups: readonly Group[]
  private readonly ports: CoursePorts
  private readonly calls = new Heap<Call>()
  private readonly room: Room
  private readonly days = new LocalDays()
  private readonly capped: boolean
  private now: number
  private last: number
  private readonly result: Course = {
    ends_at: null,
    attempts: 0,
    dispositions: {},
    hours: new Map(),
    reached: 0,
    exhausted: {},
    never: [],
    open: 0,
  }

  constructor(groups: readonly Group[], ports: CoursePorts) {
    this.groups = groups
    this.ports = ports
    this.now = ports.from
    this.last = ports.from
    const { per_day, per_week } = ports.policy.per_number
    this.capped = per_day !== null || per_week !== null
    this.room = new Room(
      ports.campaign.dial,
      groups.flatMap(({ trunks }) => trunks),
    )
  }

  /** The next thing that happens; false when there is none, or it would be too late. */
  step(): boolean {
    if (this.now > this.ports.until) return false
    if (this.calls.first <= this.now) {
      this.end(this.calls.pop())
      return true
    }
    const found = this.first()
    if (found === null)
      return this.sleep(Math.min(this.calls.first, ...this.groups.map((group) => group.wakes(this.now))))
    const trunk = this.room.find(found.group.trunks, this.now)
    if (typeof trunk === 'number') return this.sleep(Math.min(this.now + trunk, this.calls.first))
    const person = found.group.take(found.kind)
    if (this.may(person)) this.dial(person, trunk.name)
    return true
  }

  over(): Course {
    for (const group of this.groups)
      for (const person of group.left()) {
        const closed = group.opens(this.now) === Number.POSITIVE_INFINITY
        if (closed && !person.answered) this.result.never.push({ person, rule: group.heldBy ?? 'window' })
        else this.result.open += 1
      }
    this.result.open += this.calls.size
    if (this.result.open === 0) this.result.ends_at = this.last
    return this.result
  }

  private sleep(until: number): boolean {
    if (until === Number.POSITIVE_INFINITY) return false
    this.now = Math.max(this.now, Math.ceil(until))
    return true
  }

  /** Whose turn it is in all zones that are awake. */
  private first(): { group: Group; kind: 'callback' | 'due' | 'list' } | null {
    const order = { callback: 0, due: 1, list: 2 }
    let best: { group: Group; rank: NonNullable<ReturnType<Group['rank']>> } | null = null
    for (const group of this.groups) {
      if (group.opens(this.now) !== null) continue
      const rank = group.rank(this.now)
      if (rank === null) continue
      const before =
        best === null
          ? -1
          : order[rank.kind] - order[best.rank.kind] || rank.by - best.rank.by || rank.row - best.rank.row
      if (before < 0) best = { group, rank }
    }
    return best && { group: best.group, kind: best.rank.kind }
  }

  /** The rules of its number, its budget and its agreement; one that does not pass puts it where it belongs. */
  private may(person: Person): boolean {
    const { campaign, policy } = this.ports
    const { group, agreement } = person
    if (agreement !== null && agreement.expires_at <= this.now) {
      this.settle(person, missed(campaign, agreement, this.now, group.hours), null)
      return false
    }
    const day = this.days.of(group.hours.zones[0] ?? 'UTC', this.now)
    const { per_day, per_week } = policy.per_number
    const caps = { day: per_day, week: per_week, day_start: day.start, day_end: day.end }
    const cap = Math.max(capUntil(person.times, caps, this.now) ?? 0, person.alone > this.now ? person.alone : 0)
    const budget =
      agreement !== null
        ? null
        : budgetUntil(person, { ...campaign.attempts, day: day.date, day_end: day.end }, this.now)
    if (budget === 'refuse') {
      this.done(person)
      return false
    }
    const until = Math.max(cap, budget ?? 0)
    if (until === 0) return true
    if (!group.hold(person, until)) this.result.never.push({ person, rule: 'window' })
    return false
  }

  /** A call is on; one that was on before is not counted again. */
  place(person: Person, trunk: string): Outcome {
    const outcome = this.ports.line(person.row, person.total, this.now)
    this.room.take(trunk)
    this.calls.push(Math.ceil(this.now + outcome.ring + (outcome.talk ?? 0)), { person, trunk, outcome })
    person.due = 0
    return outcome
  }

  private dial(person: Person, trunk: string): void {
    this.room.log(trunk, this.now)
    this.count(person)
    const { talk } = this.place(person, trunk)
    const hour = Math.floor(this.now / HOUR) * HOUR
    const tally = this.result.hours.get(hour) ?? { calls: 0, answered: 0 }
    this.result.hours.set(hour, tally)
    tally.calls += 1
    if (talk !== null) tally.answered += 1
    this.result.attempts += 1
  }

  private count(person: Person): void {
    person.total += 1
    if (this.capped) person.times = [this.now, ...person.times]
    if (person.agreement !== null) return
    const { date } = this.days.of(person.group.hours.zones[0] ?? 'UTC', this.now)
    person.used += 1
    if (person.day !== date) Object.assign(person, { day: date, today: 0 })
    person.today += 1
  }

  private end(call: Call | null): void {
    if (call === null) return
    const { campaign } = this.ports
    const { person, trunk, outcome } = call
    const { disposition } = outcome
    this.last = this.now
    this.room.give(trunk)
    this.result.dispositions[disposition] = (this.result.dispositions[disposition] ?? 0) + 1
    person.last = disposition
    const answered = ANSWERED.includes(disposition)
    if (answered && !person.answered) {
      person.answered = true
      this.result.reached += 1
    }
    if (disposition === 'abandoned') person.alone = this.now + 72 * HOUR
    const ended = { disposition, dialed: true, answered, interrupted: false }
    const { hours } = person.group
    const agreement = person.agreement && afterCallback(campaign, ended, person.agreement, this.now, hours)
    // Who is called back as agreed and puts it off again is taken as done: chance would go on for ever.
    if (disposition === 'callback' && !person.wished) {
      person.wished = true
      const due_at = nextOpening(this.now + CALLED_BACK, hours.zones, hours.windows, hours.holidays, YEAR)
      if (due_at !== null) {
        person.agreement = { due_at, expires_at: due_at + campaign.callbacks.expires, moved: false, tries: {} }
        person.group.wait(person, due_at)
        return
      }
    }
    this.settle(person, agreement, ended)
  }

  /** What becomes of it; `ended` null: its agreement ran out before it was dialled. */
  private settle(person: Person, agreement: NextAgreement | null, ended: Parameters<typeof afterCall>[1] | null): void {
    if (agreement?.state === 'open') {
      person.agreement = agreement
      person.group.wait(person, agreement.next_at)
      return
    }
    person.agreement = null
    const next =
      ended !== null && person.row !== null
        ? afterCall(this.ports.campaign, ended, agreement, person, this.now, person.group.hours)
        : {
            state: person.row !== null && agreement?.state === 'retry' ? ('p' as const) : ('x' as const),
            due: 0,
            tries: {},
          }
    person.tries = next.tries
    person.due = next.due
    if (next.state === 'x') this.done(person)
    // Who is to be called at once stands before the list, in the order of the file.
    else person.group.wait(person, next.state === 'p' ? (person.row ?? 0) : next.due)
  }

  private done(person: Person): void {
    if (person.answered) return
    const why = person.last ?? 'expired'
    this.result.exhausted[why] = (this.result.exhausted[why] ?? 0) + 1
  }
}
