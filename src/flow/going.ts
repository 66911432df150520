/**
 * How a conversation moves: to a step, along a target, out of a verb, to the end.
 *
 * A verb that has done its work says with which outcome (`leave`). The outcome's target in `on:` is taken, else the
 * rule of the language: a fault goes to `on_error`, a give-up ends politely, anything else goes to `next` or the step
 * below.
 */

import { beginAfter, settleAfter } from './after.ts'
import { callers, leaveFlow } from './called.ts'
import type { Inline, Program, Target } from './program.ts'
import { dropRecording, leaveRecording } from './recording.ts'
import { render } from './render.ts'
import type { Ending } from './state.ts'
import {
  currentStep,
  disarmStep,
  Fault,
  goTo,
  hush,
  keep,
  music,
  perform,
  say,
  speech,
  store,
  type Turn,
} from './turn.ts'

const POLITE = new Set(['give_up', 'exhausted', 'max_hold'])
const FAULTS = new Set(['error', 'timeout', 'unavailable'])

/** The step's work is done, with an outcome that `on:` may name, or without one. */
export function leave(turn: Turn, outcome: string | null, event = outcome ?? 'next'): void {
  const step = currentStep(turn)
  if (turn.s.phase !== 'on' || step === null) return settleAfter(turn, outcome)
  const target = outcome === null ? undefined : step.on.get(outcome)
  if (target === undefined && outcome !== null && FAULTS.has(outcome)) throw new Fault(`${step.verb.name}: ${outcome}`)
  leaveBy(turn, target ?? (outcome !== null && POLITE.has(outcome) ? null : step.next), event)
}

/** The step's work is done and it goes along this target; null ends the call politely. */
export function leaveBy(turn: Turn, target: Target | null, event: string): void {
  const step = currentStep(turn)
  if (step !== null) keep(turn, step.outcome)
  if (target === null) endPolitely(turn, 'flow')
  else take(turn, target, event)
}

/** Follows a target. */
export function take(turn: Turn, target: Target, event: string): void {
  const { s } = turn
  s.ask = null
  disarmStep(turn)
  switch (target.to) {
    case 'step':
      return goTo(turn, target.step, event)
    case 'hangup':
      return end(turn, 'flow', 'completed')
    case 'repeat':
      if (s.stack.length > 0) return goBack(turn, 'repeat')
      return s.step === null ? endPolitely(turn, 'flow') : goTo(turn, s.step, 'repeat', 'again')
    case 'return':
      return goBack(turn, 'return')
    case 'inline':
      return takeInline(turn, target.inline, event)
    default: {
      const never: never = target
      return never
    }
  }
}

function takeInline(turn: Turn, inline: Inline, event: string): void {
  perform(turn, inline.set)
  keep(turn, inline.outcome)
  const spoken = speech(turn, inline.say)
  music(turn, false)
  say(turn, spoken, { to: 'inline', inline: inline.id, event }, 'buffer')
}

/** What a rung does beside its words. */
export function keepRung(turn: Turn, rung: Inline): void {
  perform(turn, rung.set)
  keep(turn, rung.outcome)
}

/** An inline target has said its words: its `goto`, else the `next` of its step; that of a situation goes back. */
export function finishInline(turn: Turn, id: number, event: string): void {
  const goto = turn.program.inlines[id]?.goto ?? null
  if (goto === null && event.startsWith('situation ')) return goBack(turn, 'return')
  const target = goto ?? currentStep(turn)?.next ?? null
  if (target === null) endPolitely(turn, 'flow')
  else take(turn, target, event)
}

/**
 * Back to the step that was interrupted; with none, to the flow that called this one; with no caller either, to the step
 * that a situation has led away from; else the call has nowhere to go and ends politely.
 */
export function goBack(turn: Turn, event: string): void {
  const { s } = turn
  const frame = s.stack.at(-1)
  if (frame === undefined) return comeBack(turn, null)
  s.stack = s.stack.slice(0, -1)
  goTo(turn, frame.back, event, 'resume')
}

/** A called flow gives the conversation back, with an outcome that `on:` of its `call` may name, or without one. */
export function comeBack(turn: Turn, outcome: string | null, vars: [name: string, value: unknown][] = []): void {
  const { left } = turn.s
  if (!leaveFlow(turn)) {
    turn.s.left = null
    return left === null ? endPolitely(turn, 'flow') : goTo(turn, left, 'return', 'resume')
  }
  for (const [name, value] of vars) store(turn, name, turn.program.types[name] ?? 'text', value)
  leave(turn, outcome)
}

/** "Thank you. Goodbye.", and the end. A message that the longest call cuts short is kept. */
export function endPolitely(turn: Turn, by: 'flow' | 'limit'): void {
  if (by === 'limit' && turn.s.recording !== null) {
    turn.out.push({ type: 'stop_record', id: turn.s.recording.id, keep: true })
    leaveRecording(turn)
  }
  quiet(turn)
  const text = { kind: 'phrase', phrase: 'goodbye' } as const
  const parts = render(turn.program, turn.s, text, turn.s.pace)
  say(turn, parts, { to: 'end', by, disposition: 'completed' }, 'drop')
}

/** Ends the call now. What `on_hangup` names runs next. */
export function end(turn: Turn, by: 'flow' | 'limit', disposition: Ending): void {
  const { s } = turn
  if (s.phase !== 'on') return
  quiet(turn)
  s.ended = { by, disposition }
  turn.out.push({ type: 'hangup', by })
  beginAfter(turn)
}

/** Stops sound, timers and questions, whatever the step was doing. */
export function quiet(turn: Turn): void {
  hush(turn)
  dropRecording(turn)
  letGo(turn)
  music(turn, false)
  disarmStep(turn)
  turn.s.ask = null
  turn.s.act = null
  turn.next = null
}

/** Whoever is being called, or talks to them, is let go. */
function letGo(turn: Turn): void {
  if (turn.s.dialing !== null) turn.out.push({ type: 'stop_dial', id: turn.s.dialing })
  turn.s.dialing = null
}

/**
 * A technical fault: to `on_error`, unless it comes from there, with nothing heard from the other side since; then
 * politely to the end. When not even that can be played, the call is hung up as `technical`. A called flow that has no
 * `on_error` of its own leaves it to the nearest of its callers that has one.
 */
export function fail(turn: Turn, cause: { unplayable: boolean }): void {
  const { s } = turn
  if (s.phase === 'after') return settleAfter(turn, null)
  if (s.phase !== 'on') return
  const again = s.failedAt === s.inputs
  const overLimit = s.saying?.then.to === 'end' && s.saying.then.by === 'limit'
  quiet(turn)
  if (overLimit) return end(turn, 'limit', 'completed')
  if (again && cause.unplayable) return end(turn, 'flow', 'technical')
  if (again) return endPolitely(turn, 'flow')
  s.failedAt = s.inputs
  while (!ownApology(turn.program) && callers(turn).some(ownApology)) leaveFlow(turn)
  s.stack = []
  goTo(turn, turn.program.onError, 'on_error')
}

function ownApology(program: Program): boolean {
  return !program.onError.startsWith('@')
}
