/**
 * Everybody on a list, as a forecast lines them up: by the zones that they live in, since a zone sleeps as one, and in
 * each by the order in which the dialer takes them. Callbacks that are due come first, then those whose time has come, then
 * the list by priority and in the order of the file.
 */
import type { Disposition } from '../../call/record.ts'
import { nextOpening } from '../../flow/calendar.ts'
import { judgeMoment, YEAR } from '../judge.ts'
import type { Trunk } from '../plan.ts'
import type { Agreement, Hours, Past } from '../retry.ts'
import type { Rule } from '../rules.ts'
import { Heap } from './heap.ts'

export interface Person extends Past {
  /** Null: a callback of no contact. */
  row: number | null
  key: string | null
  priority: number
  group: Group
  total: number
  due: number
  /** Attempts that count against the caps by number, newest first, ms. */
  times: readonly number[]
  /** Left alone until then, ms. */
  alone: number
  agreement: Agreement | null
  /** Has agreed on a callback. */
  wished: boolean
  answered: boolean
  last: Disposition | null
}

const MINUTE = 60_000

export class Group {
  readonly hours: Hours
  readonly trunks: Trunk[]
  /** In the order of dialling; `next` is the first that was not taken. */
  private readonly fresh: Person[] = []
  private next = 0
  private readonly waiting = new Heap<Person>()
  private readonly callbacks = new Heap<Person>()
  private known = { minute: -1, opens: null as number | null, rule: null as Rule | null }

  constructor(hours: Hours, trunks: Trunk[]) {
    this.hours = hours
    this.trunks = trunks
  }

  add(person: Person): void {
    this.fresh.push(person)
  }

  /** Everybody has been added. */
  sort(): void {
    this.fresh.sort((a, b) => b.priority - a.priority || (a.row ?? 0) - (b.row ?? 0))
  }

  /** It has its turn again at that time, ms. */
  wait(person: Person, at: number): void {
    if (person.agreement === null) this.waiting.push(at, person)
    else this.callbacks.push(at, person)
  }

  /** As a wait, with the time moved to an opening; false when there is none. */
  hold(person: Person, until: number): boolean {
    const at = nextOpening(until, this.hours.zones, this.hours.windows, this.hours.holidays, YEAR)
    if (at !== null) this.wait(person, at)
    return at !== null
  }

  /** Null while it is open, else when it opens, ms (infinite: never). A verdict is good for its minute. */
  opens(now: number): number | null {
    const minute = Math.floor(now / MINUTE)
    if (this.known.minute !== minute) {
      const held = judgeMoment({ kind: 'first', callback: null, hours: this.hours }, now).find(
        ({ verdict }) => verdict !== 'pass',
      )
      const opens = held === undefined ? null : (held.until ?? Number.POSITIVE_INFINITY)
      this.known = { minute, opens, rule: held?.rule ?? null }
    }
    return this.known.opens
  }

  /** Which rule of the calendar holds it, as `opens` found. */
  get heldBy(): Rule | null {
    return this.known.rule
  }

  /** What its first one is: a callback before all, then whose time has come, then the list. Null: nobody now. */
  rank(now: number): { kind: 'callback' | 'due' | 'list'; by: number; row: number } | null {
    if (this.callbacks.first <= now) return { kind: 'callback', by: this.callbacks.first, row: 0 }
    if (this.waiting.first <= now) return { kind: 'due', by: this.waiting.first, row: 0 }
    const person = this.fresh[this.next]
    return person === undefined ? null : { kind: 'list', by: -person.priority, row: person.row ?? 0 }
  }

  take(kind: 'callback' | 'due' | 'list'): Person {
    const person =
      kind === 'callback' ? this.callbacks.pop() : kind === 'due' ? this.waiting.pop() : this.fresh[this.next++]
    if (!person) throw new Error('nobody is there to be taken')
    return person
  }

  /** When somebody may have a turn again, ms; infinite: nobody ever. Only for a time at which nobody has one. */
  wakes(now: number): number {
    const someone = Math.min(this.callbacks.first, this.waiting.first, this.next < this.fresh.length ? now : Infinity)
    if (someone === Infinity) return Infinity
    return Math.max(this.opens(now) ?? now, someone)
  }

  /** Everybody who is still to be called. */
  *left(): Generator<Person> {
    while (this.next < this.fresh.length) yield this.take('list')
    while (this.waiting.size > 0) yield this.take('due')
    while (this.callbacks.size > 0) yield this.take('callback')
  }
}
