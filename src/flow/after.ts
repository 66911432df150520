/**
 * After the end of the call: what `on_hangup` names runs once, without a word, and then nothing more comes. Whatever
 * one of its steps meets, the next one runs: there is nobody left to apologise to.
 */

import { callers, leaveFlow } from './called.ts'
import type { FlowEvent, HangupBy } from './io.ts'
import { leaveRecording } from './recording.ts'
import { arm, currentStep, disarm, disarmStep, fired, goTo, keep, perform, type Turn } from './turn.ts'

/** What `on_hangup` may take, ms. */
const CLEAN_UP = 30_000

/** The far side is gone, or somebody ended the call: only silent clean-up runs from here. */
export function gone(turn: Turn, by: HangupBy, given?: 'cancelled' | 'technical'): void {
  const { s } = turn
  const byThem = s.outcome === null ? 'hangup' : 'completed'
  const disposition =
    given ?? (by === 'operator' ? 'cancelled' : by === 'network' ? 'technical' : by === 'limit' ? 'completed' : byThem)
  s.ended = { by, disposition: by === 'unknown' && given === undefined ? 'hangup' : disposition }
  beginAfter(turn)
}

/** What happens while `on_hangup` runs. */
export function handleAfter(turn: Turn, event: FlowEvent): void {
  const current = currentStep(turn)
  if (event.type === 'timer') {
    const slot = fired(turn, event.id)
    if (slot === 'after') finish(turn)
    else if (slot !== null && current !== null) current.verb.on?.(turn, current, { type: 'timer', slot })
    return
  }
  if (event.type === 'task')
    turn.s.tasks = { ...turn.s.tasks, [event.name]: { status: event.status, result: event.result } }
  if (event.type === 'http' || event.type === 'callback') current?.verb.on?.(turn, current, event)
}

/** The call is over: `on_hangup` begins, and has its time. */
export function beginAfter(turn: Turn): void {
  const { s } = turn
  disarmStep(turn)
  disarm(turn, 'limit')
  leaveRecording(turn)
  s.saying = null
  s.ask = null
  s.act = null
  s.music = false
  s.dialing = null
  s.stack = []
  s.phase = 'after'
  s.after = 0
  s.step = null
  turn.next = null
  if ([turn.program, ...callers(turn)].every(({ onHangup }) => onHangup.length === 0)) return finish(turn)
  arm(turn, 'after', CLEAN_UP)
  following(turn)
}

/** The next step of clean-up: of the flow that ran last, then of those that had called it. */
function following(turn: Turn): void {
  const { s } = turn
  const step = turn.program.onHangup[s.after]
  if (step !== undefined) return goTo(turn, step, 'on_hangup')
  if (!leaveFlow(turn)) return finish(turn)
  s.after = 0
  following(turn)
}

/** A step of `on_hangup` is done: what its target assigns is assigned, and the next one runs. */
export function settleAfter(turn: Turn, outcome: string | null): void {
  const { s } = turn
  if (s.phase !== 'after') return
  const step = currentStep(turn)
  if (step !== null) {
    keep(turn, step.outcome)
    const target = outcome === null ? undefined : step.on.get(outcome)
    if (target?.to === 'inline') {
      keep(turn, target.inline.outcome)
      try {
        perform(turn, target.inline.set)
      } catch {
        // Clean-up goes on to its next step whatever one of them meets: there is nobody left to apologise to.
      }
    }
  }
  s.after++
  following(turn)
}

/** Nothing more will come. */
export function finish(turn: Turn): void {
  const { s } = turn
  disarmStep(turn)
  disarm(turn, 'after')
  s.act = null
  while (leaveFlow(turn)) {}
  s.step = null
  s.phase = 'done'
  turn.next = null
  turn.out.push({ type: 'done' })
}
