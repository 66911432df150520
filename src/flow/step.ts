/**
 * The interpreter: `step(program, state, event) -> { state, effects }`, pure and total. Time and every answer of the
 * outside come in on the event; what is to be done goes out as effects, whose ids depend on the inputs so far alone.
 *
 * An event goes to the one who waits for it: a key to what is being spoken or asked, a timer to its slot, an answer to
 * the verb that asked for it. What nobody waits for is dropped. Whatever goes wrong on the way is a technical fault
 * and leads to `on_error`; nothing is ever thrown at the driver.
 */

import { gone, handleAfter } from './after.ts'
import { askTimer, heardOut, keyAsked, TALK_COUNTS, talkBegan, talkStopped } from './asking.ts'
import { languageOf, ownKey, running } from './called.ts'
import { end, endPolitely, fail, finishInline, quiet, take } from './going.ts'
import type { CallContext, Effect, FlowEvent, FlowResult } from './io.ts'
import type { Program } from './program.ts'
import { resumed } from './resumed.ts'
import { goOn, raise } from './situations.ts'
import { blank, copy, type State, type Then } from './state.ts'
import { arm, currentStep, Fault, fired, goTo, hush, type Turn, typeOfValue } from './turn.ts'
import { noteWin } from './verbs/strategies.ts'

export type { State } from './state.ts'

/** Keys that may wait for a question; more are somebody leaning on the keypad. */
const MAX_BUFFER = 64
/** How long the good-bye may take after the longest call, ms: its playback may never tell its end. */
const LAST_WORDS = 20_000

/** The state before the call is answered. `vars` of the context override the flow's, where their type fits. */
export function begin(program: Program, context: CallContext): State {
  const vars: Record<string, unknown> = { ...program.vars, language: languageOf(program, context) }
  for (const [name, value] of Object.entries(context.vars)) {
    const type = name === 'language' ? 'text' : program.types[name]
    if (type === undefined) continue
    const fitting = fitted(value, type)
    if (fitting !== undefined) vars[name] = fitting
  }
  return blank(context, vars, [...program.sensitive])
}

/** The value as one of this type: a command line gives text for everything. */
function fitted(value: unknown, type: string): unknown {
  if (type === 'any' || typeOfValue(value) === type) return value
  if (type === 'text' && (typeof value === 'number' || typeof value === 'boolean')) return String(value)
  if (typeof value !== 'string') return undefined
  if (type === 'number') return value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : undefined
  if (type === 'boolean') return value === 'true' ? true : value === 'false' ? false : undefined
  return undefined
}

export interface Stepped {
  state: State
  effects: Effect[]
  /** Why something could not be done, for whoever writes the flow; no log may have it. */
  fault: string | null
}

/** One event. Never throws; after `done` every event is ignored. */
export function step(program: Program, state: State, event: FlowEvent): Stepped {
  if (state.phase === 'done') return { state, effects: [], fault: null }
  const turn: Turn = {
    root: program,
    program: running(program, state),
    at: event.at,
    s: copy(state, event.at),
    out: [],
    fault: null,
    next: null,
  }
  guarded(turn, () => handle(turn, event))
  run(turn)
  return { state: turn.s, effects: turn.out, fault: turn.fault }
}

/** Goes on for as long as there is something to be done at once. */
function run(turn: Turn): void {
  for (;;) {
    const { next, s } = turn
    if (s.phase === 'done') return
    if (next !== null) {
      turn.next = null
      guarded(turn, () => enter(turn, next))
    } else if (s.saying?.id === '') {
      const { then } = s.saying
      s.saying = null
      guarded(turn, () => afterWords(turn, then))
    } else return
  }
}

function guarded(turn: Turn, work: () => void): void {
  try {
    work()
  } catch (error) {
    turn.next = null
    turn.fault ??= (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
    try {
      fail(turn, { unplayable: error instanceof Unplayable })
    } catch {
      quiet(turn)
      end(turn, 'flow', 'technical')
    }
  }
}

class Unplayable extends Fault {}

function handle(turn: Turn, event: FlowEvent): void {
  const { s } = turn
  if (s.phase === 'after') return handleAfter(turn, event)
  if (event.type === 'hangup') return gone(turn, event.by, event.disposition)
  if (s.phase === 'new') {
    if (event.type === 'start') start(turn, event)
    return
  }
  // Once the last words are being spoken no verb has a say any more.
  const current = s.saying?.then.to === 'end' ? null : currentStep(turn)
  switch (event.type) {
    case 'start':
      return
    case 'key':
      return key(turn, event.key)
    case 'played': {
      const { saying } = s
      if (saying === null || saying.id !== event.id) return
      s.saying = { ...saying, id: '' }
      if (!event.ok) throw new Unplayable('what was to be said could not be played')
      s.saying = null
      return afterWords(turn, saying.then)
    }
    case 'talk':
      return talk(turn, event.on)
    case 'timer':
      return timer(turn, event.id)
    case 'task':
      s.tasks = { ...s.tasks, [event.name]: { status: event.status, result: event.result } }
      current?.verb.on?.(turn, current, event)
      return
    case 'http':
      if (event.id.startsWith('task:')) s.answers = { ...s.answers, [event.id]: event }
      current?.verb.on?.(turn, current, event)
      return
    case 'callback':
    case 'recorded':
    case 'pressed':
    case 'connected':
    case 'dialed':
    case 'opted_out':
      current?.verb.on?.(turn, current, event)
      return
    case 'situation':
      return raise(turn, event.name)
    case 'resumed':
      return resumed(turn, event.gap)
    default: {
      const never: never = event
      return never
    }
  }
}

function start(turn: Turn, event: Extract<FlowEvent, { type: 'start' }>): void {
  const { s, program, at } = turn
  s.phase = 'on'
  s.answeredAt = at
  s.verdict = event.verdict
  s.context = { ...s.context, amd: event.verdict }
  arm(turn, 'limit', program.limits.maxCallTime)
  const { human, machine, unsure } = program.start
  if (event.verdict === 'machine') {
    if (machine === null) return end(turn, 'flow', 'completed')
    return take(turn, machine, 'machine')
  }
  const agreed = s.context.start_at
  if (agreed !== null && program.steps.get(agreed)?.name === agreed) return goTo(turn, agreed, 'callback')
  if (event.verdict === 'unsure' && unsure !== null) return take(turn, unsure, 'unsure')
  take(turn, human, 'start')
}

function enter(turn: Turn, { step: id, event, entry }: NonNullable<Turn['next']>): void {
  const { s, program, root } = turn
  const target = program.steps.get(id)
  if (target === undefined) throw new Fault(`there is no step "${id}"`)
  if (s.phase === 'on' && s.entered >= root.limits.maxSteps) return endPolitely(turn, 'limit')
  s.entered++
  const interrupted = s.stack.some((frame) => frame.back === id)
  quiet(turn)
  // Counters belong to one visit; a visit that begins with no sign of life since the last miss goes on.
  const own = ownKey(turn, id)
  const count = s.counts[own]
  if (count !== undefined && entry === 'fresh' && s.step !== id && !interrupted && count.mark !== s.inputs) {
    const { [own]: _gone, ...rest } = s.counts
    s.counts = rest
  }
  s.step = id
  if (target.name !== null) {
    if (entry === 'fresh' && s.stack.length > 0) {
      if (s.calls.length === 0) s.left = s.stack[0]!.back
      s.stack = []
    }
    s.lastStep = target.name
    noteWin(turn, target.name)
    const entered = { type: 'enter', step: target.name, event } as const
    turn.out.push(program === root ? entered : { ...entered, flow: program.flow })
  } else if (target.pace !== null && s.stack.at(-1)?.kind === 'situation') s.pace = target.pace
  target.verb.enter(turn, target, entry)
}

function afterWords(turn: Turn, then: Then): void {
  const current = currentStep(turn)
  switch (then.to) {
    case 'verb':
      if (current !== null) current.verb.on?.(turn, current, { type: 'said', tag: then.tag })
      return
    case 'ask':
      if (current !== null) heardOut(turn, current)
      return
    case 'inline':
      return finishInline(turn, then.inline, then.event)
    case 'situation':
      return goOn(turn, then.name, then.part)
    case 'end':
      return end(turn, then.by, then.disposition)
    default: {
      const never: never = then
      return never
    }
  }
}

function key(turn: Turn, pressed: string): void {
  const { s, program } = turn
  if (!/^[0-9*#]$/.test(pressed)) return
  s.inputs++
  const { spare } = s
  s.spare = null
  if (spare !== null && spare.key === pressed && turn.at <= spare.until) return
  const current = currentStep(turn)
  if (current === null) return
  if (s.ask !== null) return keyAsked(turn, current, pressed)
  const { saying } = s
  if (saying === null ? current.verb.key !== undefined : saying.keys === 'verb')
    return current.verb.key?.(turn, current, pressed)
  if (saying?.keys === 'drop' || saying?.keys === 'ask') return
  const situation = program.keys.get(pressed)
  if (saying !== null && situation !== undefined) return raise(turn, situation)
  if (s.buffer.length < MAX_BUFFER) s.buffer += pressed
  if (saying === null) return
  hush(turn)
  afterWords(turn, saying.then)
}

function talk(turn: Turn, on: boolean): void {
  const { s, at } = turn
  if (on) {
    if (s.talking !== null) return
    s.talking = at
    s.talkCounted = false
    talkBegan(turn)
    const current = currentStep(turn)
    current?.verb.talk?.(turn, current, true)
    return
  }
  const since = s.talking
  if (since === null) return
  s.talking = null
  if (at - since >= TALK_COUNTS && !s.talkCounted) s.inputs++
  const current = currentStep(turn)
  if (current !== null && s.ask !== null) talkStopped(turn, current, since)
  else current?.verb.talk?.(turn, current, false)
}

function timer(turn: Turn, id: string): void {
  const { s } = turn
  const slot = fired(turn, id)
  if (slot === null) return
  if (slot === 'limit') {
    if (s.saying?.then.to === 'end' && s.saying.then.by === 'limit') return end(turn, 'limit', 'completed')
    endPolitely(turn, 'limit')
    arm(turn, 'limit', LAST_WORDS)
    return
  }
  const current = currentStep(turn)
  if (current === null) return
  if (s.ask !== null && ASK_SLOTS.has(slot)) askTimer(turn, current, slot)
  else current.verb.on?.(turn, current, { type: 'timer', slot })
}

const ASK_SLOTS = new Set(['timeout', 'talk', 'max_talk', 'digits'])

/** What the conversation left behind, with the variables of the flow that it began with; final once `done` has come. Digits that may be kept nowhere are not in it. */
export function result(state: State): FlowResult {
  const vars: Record<string, unknown> = {}
  const own = state.calls[0] ?? state
  for (const [name, value] of Object.entries(own.vars)) if (!own.hidden.includes(name)) vars[name] = value
  const ended = state.ended ?? { by: 'unknown' as const, disposition: 'hangup' as const }
  const disposition =
    state.verdict === 'machine'
      ? 'machine'
      : state.optedOut
        ? 'opted_out'
        : state.callbackAt !== null
          ? 'callback'
          : ended.disposition
  return {
    disposition,
    hangup_by: ended.by,
    outcome: state.outcome,
    last_step: state.lastStep,
    vars,
    callback_at: state.callbackAt,
    tasks: state.tasks,
    strategy: state.tried.won,
    agent: state.agent,
  }
}
