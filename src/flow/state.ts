/**
 * The state of a conversation: plain data, so that it can be kept, compared and shown.
 *
 * A state that `step` has returned is never changed. A turn works on a copy (`copy`), which brings its question and its
 * timers along, since nearly every event changes them; whatever else lies inside a state is replaced and not changed.
 * Copies are written out field by field: that is thirty times as fast as spreading an object of this size.
 */

import type { CallContext, FlowEvent, FlowResult, HangupBy, Verdict } from './io.ts'
import type { Recording } from './recording.ts'
import type { Pace } from './render.ts'
import type { KeptTask, Scoped } from './scope.ts'
import type { Tried } from './verbs/strategies.ts'

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

/** A flow that waits for one that it called: where it goes on, and what of the state is its own. */
export interface CallFrame {
  /** The step with the `call`. */
  back: string
  vars: Record<string, unknown>
  hidden: readonly string[]
  stack: Frame[]
  strategy: Tried['current']
}

/** What a hold remembers over its entries. Times in ms since the epoch. */
export interface Held {
  started: boolean
  until: number | null
}

/** The ids of the timers that run, by what they are for. */
export interface Timers {
  /** The longest call, and the last words after it. */
  limit: string | null
  /** The time that `on_hangup` is given. */
  after: string | null
  /** Those of a question, see `asking.ts`. */
  timeout: string | null
  talk: string | null
  max_talk: string | null
  digits: string | null
  /** Those of single verbs: the silence of a pause, an answer that may never come, and the two of a hold. */
  pause: string | null
  guard: string | null
  check_back: string | null
  max_hold: string | null
}

export type Slot = keyof Timers

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
  timers: Timers
  music: boolean
  buffer: string
  /** A key that means nothing if it is the next and comes until then (ms since the epoch): the end of an entry that is full. */
  spare: { key: string; until: number } | null
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
  /** The step that a situation has led away from, to a named step; a `return` of the call's own flow comes back to it. */
  left: string | null
  /** The flows that wait for the one that runs, the call's own first. */
  calls: readonly CallFrame[]
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
  /** What is being recorded. */
  recording: Recording | null
  /** Who is being called, or talked to, by the id of its effect. */
  dialing: string | null
  tried: Tried
  /** The extension or queue that they were last connected to. */
  agent: string | null
  /** Variables that hold digits which may be kept nowhere. */
  hidden: readonly string[]
}

const NO_TIMERS: Timers = {
  limit: null,
  after: null,
  timeout: null,
  talk: null,
  max_talk: null,
  digits: null,
  pause: null,
  guard: null,
  check_back: null,
  max_hold: null,
}

/** The state before anything has happened. */
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
    timers: { ...NO_TIMERS },
    music: false,
    buffer: '',
    spare: null,
    inputs: 0,
    talking: null,
    talkCounted: false,
    counts: {},
    misses: { noinput: 0, nomatch: 0 },
    entered: 0,
    pace: 'normal',
    stack: [],
    left: null,
    calls: [],
    strikes: {},
    tasks: {},
    answers: {},
    holds: {},
    failedAt: null,
    after: 0,
    ended: null,
    callbackAt: null,
    optedOut: false,
    recording: null,
    dialing: null,
    tried: { byStep: {}, current: null, won: null },
    agent: null,
    hidden,
  }
}

/** A state of its own for one turn, at its time. */
export function copy(s: State, now: number): State {
  return {
    context: s.context,
    vars: s.vars,
    answeredAt: s.answeredAt,
    phase: s.phase,
    now,
    seq: s.seq,
    verdict: s.verdict,
    step: s.step,
    lastStep: s.lastStep,
    outcome: s.outcome,
    act: s.act,
    ask: copyAsk(s.ask),
    saying: s.saying,
    timers: copyTimers(s.timers),
    music: s.music,
    buffer: s.buffer,
    spare: s.spare,
    inputs: s.inputs,
    talking: s.talking,
    talkCounted: s.talkCounted,
    counts: s.counts,
    misses: s.misses,
    entered: s.entered,
    pace: s.pace,
    stack: s.stack,
    left: s.left,
    calls: s.calls,
    strikes: s.strikes,
    tasks: s.tasks,
    answers: s.answers,
    holds: s.holds,
    failedAt: s.failedAt,
    after: s.after,
    ended: s.ended,
    callbackAt: s.callbackAt,
    optedOut: s.optedOut,
    recording: s.recording,
    dialing: s.dialing,
    tried: s.tried,
    agent: s.agent,
    hidden: s.hidden,
  }
}

function copyAsk(a: Ask | null): Ask | null {
  if (a === null) return null
  return {
    phase: a.phase,
    round: a.round,
    promptEnd: a.promptEnd,
    quiet: a.quiet,
    talked: a.talked,
    late: a.late,
    typing: a.typing,
    kind: a.kind,
    rung: a.rung,
  }
}

function copyTimers(t: Timers): Timers {
  return {
    limit: t.limit,
    after: t.after,
    timeout: t.timeout,
    talk: t.talk,
    max_talk: t.max_talk,
    digits: t.digits,
    pause: t.pause,
    guard: t.guard,
    check_back: t.check_back,
    max_hold: t.max_hold,
  }
}
