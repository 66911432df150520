/**
 * One turn of a conversation: an event has come in, the state is being changed into the next one, effects pile up.
 *
 * A state is plain data and is never changed once `step` has returned it. A turn works on a shallow copy: its fields
 * are assigned freely, what is inside them (variables, timers, counters) is replaced and not changed.
 *
 * Nothing here recurses from one step into the next: a verb says where to go (`turn.next`) and returns, and the loop
 * in `step.ts` goes there, so a long chain of silent steps needs no stack.
 */

import type { CallContext, Effect, FlowEvent, FlowResult, HangupBy, Spoken, Verdict } from './io.ts'
import type { Assignment, Program, Step, Text, ValueType } from './program.ts'
import { type Pace, render, type Sentence, sentence } from './render.ts'
import { type KeptTask, type Scoped, scopeOf } from './scope.ts'
import type { Entry } from './verb.ts'

/** What is done when a playback has ended. */
export type Then =
  /** The verb hears `said` with this tag. */
  | { to: 'verb'; tag: string }
  /** The question or the rung has been spoken. */
  | { to: 'ask' }
  /** The rest of an inline target. */
  | { to: 'inline'; inline: number; event: string }
  /** The rest of a situation whose words were spoken. */
  | { to: 'situation'; name: string; part: 'say' | 'warn' }
  | { to: 'end'; by: 'flow' | 'limit'; disposition: Ending }

/**
 * What a key does while something is played: it stops it and is kept for the next question (`buffer`), it is lost
 * (`drop`), it belongs to the question (`ask`) or to the verb (`verb`).
 */
export type KeyUse = 'buffer' | 'drop' | 'ask' | 'verb'

/** Dispositions of an answered call. */
export type Ending = Exclude<FlowResult['disposition'], 'cancelled'>

/** Where a question stands. See `asking.ts`. */
export interface Ask {
  phase: 'prompt' | 'wait' | 'rung' | 'last'
  /** When this round began, when its prompt ended, when counted talk last ended (ms since the epoch). */
  round: number
  promptEnd: number
  quiet: number | null
  /** At least 300 ms of talk in this round. */
  talked: boolean
  /** The timeout ran out while a talk was going on that had not lasted 300 ms. */
  late: boolean
  /** A first key of several has come. */
  typing: boolean
  kind: 'noinput' | 'nomatch'
  rung: number
}

export interface Count {
  noinput: number
  nomatch: number
  /** `State.inputs` when the last one was counted: the same number later means that nothing came since. */
  mark: number
}

/** A step that was interrupted, by a situation or by a built-in offer. */
export interface Frame {
  kind: 'situation' | 'built-in'
  name: string
  back: string
}

/** What a hold remembers over its entries. Times in ms since the epoch. */
export interface Held {
  started: boolean
  until: number | null
}

export interface State extends Scoped {
  phase: 'new' | 'on' | 'after' | 'done'
  now: number
  /** Numbers the effects that have an id. */
  seq: number
  verdict: Verdict
  step: string | null
  lastStep: string | null
  outcome: string | null
  /** The verb's own memory of its step. */
  act: unknown
  ask: Ask | null
  /** What is being played, what a key does meanwhile, and what comes after it. An empty id is over at once. */
  saying: { id: string; keys: KeyUse; then: Then } | null
  /** Timers by what they are for. */
  timers: Record<string, string>
  music: boolean
  buffer: string
  /** Keys and counted talks so far. */
  inputs: number
  /** Since when they talk; null while they are silent. */
  talking: number | null
  talkCounted: boolean
  counts: Record<string, Count>
  /** All misses of the call by kind; for who watches, the flow does not read it. */
  misses: { noinput: number; nomatch: number }
  entered: number
  pace: Pace
  stack: Frame[]
  strikes: Record<string, number>
  tasks: Record<string, KeptTask>
  /** Answers to the `http` tasks of holds, by the id of their effect. */
  answers: Record<string, Extract<FlowEvent, { type: 'http' }>>
  holds: Record<string, Held>
  /** `inputs` at the last technical fault. */
  failedAt: number | null
  /** Where `on_hangup` is. */
  after: number
  ended: { by: HangupBy; disposition: Ending | 'cancelled' } | null
  callbackAt: number | null
  optedOut: boolean
  /** Variables that hold digits which may be kept nowhere. */
  hidden: readonly string[]
}

export interface Turn {
  readonly program: Program
  readonly at: number
  s: State
  out: Effect[]
  next: { step: string; event: string; entry: Entry } | null
}

/** A technical fault: a lost service, a bad reply, an expression without a value. It leads to `on_error`. */
export class Fault extends Error {
  override readonly name = 'Fault'
}

const MAX_TEXT = 8192
const MAX_JSON = 65_536

export function blank(context: CallContext, vars: Record<string, unknown>, hidden: readonly string[]): State {
  return {
    phase: 'new',
    context,
    vars,
    answeredAt: 0,
    now: 0,
    seq: 0,
    verdict: 'human',
    step: null,
    lastStep: null,
    outcome: null,
    act: null,
    ask: null,
    saying: null,
    timers: NO_TIMERS,
    music: false,
    buffer: '',
    inputs: 0,
    talking: null,
    talkCounted: false,
    counts: {},
    misses: { noinput: 0, nomatch: 0 },
    entered: 0,
    pace: 'normal',
    stack: [],
    strikes: {},
    tasks: {},
    answers: {},
    holds: {},
    failedAt: null,
    after: 0,
    ended: null,
    callbackAt: null,
    optedOut: false,
    hidden,
  }
}

const NO_TIMERS: Record<string, string> = {}

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

export function arm(turn: Turn, slot: string, ms: number): void {
  disarm(turn, slot)
  const id = nextId(turn, 't')
  turn.s.timers = { ...turn.s.timers, [slot]: id }
  turn.out.push({ type: 'timer', id, ms: Math.max(0, Math.round(ms)) })
}

export function disarm(turn: Turn, slot: string): void {
  const id = turn.s.timers[slot]
  if (id === undefined) return
  const { [slot]: _gone, ...rest } = turn.s.timers
  turn.s.timers = rest
  turn.out.push({ type: 'cancel_timer', id })
}

/** Disarms every timer of the step; those of the whole call and of `on_hangup` stay. */
export function disarmStep(turn: Turn): void {
  for (const slot in turn.s.timers) if (slot !== 'limit' && slot !== 'after') disarm(turn, slot)
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
