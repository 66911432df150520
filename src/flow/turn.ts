/**
 * One turn of a conversation: an event has come in, the state is being changed into the next one, effects pile up.
 *
 * A turn owns its copy of the state (`state.ts`): the state's fields, its question and its timers are assigned freely,
 * whatever else is inside it (variables, counters) is replaced and not changed.
 *
 * Nothing here recurses from one step into the next: a verb says where to go (`turn.next`) and returns, and the loop
 * in `step.ts` goes there, so a long chain of silent steps needs no stack.
 */

import type { Effect, Spoken } from './io.ts'
import type { Assignment, Program, Step, Text, ValueType } from './program.ts'
import { type Pace, render, type Sentence, sentence } from './render.ts'
import { scopeOf } from './scope.ts'
import type { KeyUse, Slot, State, Then } from './state.ts'
import type { Entry } from './verb.ts'

export interface Turn {
  /** The flow that the call began with: its limits hold. */
  readonly root: Program
  /** The flow that runs: that one, or one that was called. */
  program: Program
  readonly at: number
  s: State
  out: Effect[]
  /** Why the first thing that could not be done could not, for authors; it may hold what the other side has typed. */
  fault: string | null
  next: { step: string; event: string; entry: Entry } | null
}

/** A technical fault: a lost service, a bad reply, an expression without a value. It leads to `on_error`. */
export class Fault extends Error {
  override readonly name = 'Fault'
}

const MAX_TEXT = 8192
const MAX_JSON = 65_536

export function currentStep(turn: Turn): Step | null {
  return turn.s.step === null ? null : (turn.program.steps.get(turn.s.step) ?? null)
}

/** The pace of what is said now: a step's own goes before the call's. */
export function paceOf(turn: Turn): Pace {
  return currentStep(turn)?.pace ?? turn.s.pace
}

/** A wait for the other side, stretched for a slow speaker. */
export function stretched(turn: Turn, ms: number): number {
  return paceOf(turn) === 'slow' ? Math.round(ms * 1.5) : ms
}

export function speech(turn: Turn, text: Text | null, overlay?: Record<string, unknown>): Spoken[] {
  return text === null ? [] : render(turn.program, turn.s, text, paceOf(turn), overlay)
}

/** A sentence of the language with holes in it. */
export function sentenceOf(turn: Turn, make: Sentence): Spoken {
  return sentence(turn.program, turn.s, paceOf(turn), make)
}

/** Plays, and goes on with `then` when it has ended. What played before is stopped. */
export function say(turn: Turn, parts: Spoken[], then: Then, keys: KeyUse): void {
  hush(turn)
  const id = parts.length === 0 ? '' : nextId(turn, 'p')
  turn.s.saying = { id, keys, then }
  if (parts.length > 0) turn.out.push({ type: 'play', id, parts })
}

/** Stops what is being played and forgets what would have come after it. */
export function hush(turn: Turn): void {
  const { saying } = turn.s
  if (saying === null) return
  if (saying.id !== '') turn.out.push({ type: 'stop', id: saying.id })
  turn.s.saying = null
}

export function nextId(turn: Turn, prefix: string): string {
  turn.s.seq++
  return `${prefix}${turn.s.seq}`
}

export function arm(turn: Turn, slot: Slot, ms: number): void {
  disarm(turn, slot)
  const id = nextId(turn, 't')
  turn.s.timers[slot] = id
  turn.out.push({ type: 'timer', id, ms: Math.max(0, Math.round(ms)) })
}

export function disarm(turn: Turn, slot: Slot): void {
  const { timers } = turn.s
  const id = timers[slot]
  if (id === null) return
  timers[slot] = null
  turn.out.push({ type: 'cancel_timer', id })
}

const OF_A_STEP: readonly Slot[] = ['timeout', 'talk', 'max_talk', 'digits', 'pause', 'guard', 'check_back', 'max_hold']

/** Disarms every timer of the step; those of the whole call and of `on_hangup` stay. */
export function disarmStep(turn: Turn): void {
  for (const slot of OF_A_STEP) disarm(turn, slot)
}

export function music(turn: Turn, on: boolean, name = 'default'): void {
  if (turn.s.music === on) return
  turn.s.music = on
  turn.out.push({ type: 'music', on, class: name })
}

/** Keeps an outcome: the last one kept is the record's. */
export function keep(turn: Turn, outcome: string | null): void {
  if (outcome !== null) turn.s.outcome = outcome
}

export function perform(turn: Turn, assignments: Assignment[]): void {
  for (const { name, type, value } of assignments) store(turn, name, type, value.run(scopeOf(turn.program, turn.s)))
}

/** Gives a variable a value of its type; anything else is a technical fault. */
export function store(turn: Turn, name: string, type: ValueType, value: unknown): void {
  if (type !== 'any' && typeOfValue(value) !== type)
    throw new Fault(`"${name}" is a ${type} and cannot hold a ${typeOfValue(value)}`)
  const size = typeof value === 'string' ? value.length : 0
  if (size > MAX_TEXT || (typeof value === 'object' && value !== null && JSON.stringify(value).length > MAX_JSON))
    throw new Fault(`the value of "${name}" is too long`)
  turn.s.vars = { ...turn.s.vars, [name]: value }
}

export function typeOfValue(value: unknown): ValueType {
  switch (typeof value) {
    case 'string':
      return 'text'
    case 'number':
      return 'number'
    case 'boolean':
      return 'boolean'
    default:
      return Array.isArray(value) ? 'list' : typeof value === 'object' && value !== null ? 'map' : 'any'
  }
}

/** Goes to a step when this turn's handler has returned. */
export function goTo(turn: Turn, step: string, event: string, entry: Entry = 'fresh'): void {
  turn.next = { step, event, entry }
}

/** The slot of a timer that has run out; null for one that is not known any more. */
export function fired(turn: Turn, id: string): Slot | null {
  const { timers } = turn.s
  for (const slot in timers)
    if (timers[slot as Slot] === id) {
      timers[slot as Slot] = null
      return slot as Slot
    }
  return null
}
