/**
 * Another process goes on with the conversation. For a while nobody heard the other side: a key of that time is lost, and
 * so are digits that may be kept nowhere. What is being said goes on; a question that waits for its answer is asked once
 * more, as after a situation, when an answer may have been lost.
 */
import { CONCEALED } from './secrets.ts'
import { currentStep, goTo, type Turn } from './turn.ts'

/** As long as this nobody notices that a key was not taken, ms. */
const UNNOTICED = 2_000

/** `gap`: how long nobody heard them, ms. */
export function resumed(turn: Turn, gap: number): void {
  const { s } = turn
  const typedAhead = s.buffer.includes(CONCEALED)
  if (typedAhead) s.buffer = ''
  s.vars = emptied(s.vars, s.hidden)
  s.calls = s.calls.map((frame) => ({ ...frame, vars: emptied(frame.vars, frame.hidden) }))
  const step = currentStep(turn)
  if (step === null || s.ask === null || s.ask.phase === 'last') return
  const waits = s.ask.phase === 'wait' && s.recording === null && s.talking === null
  if ((gap > UNNOTICED && waits) || lost(s.act)) goTo(turn, step.id, 'taken over', 'resume')
}

/** A variable whose digits are lost holds none. */
function emptied(vars: Record<string, unknown>, hidden: readonly string[]): Record<string, unknown> {
  const gone = hidden.filter((name) => lost(vars[name]))
  return gone.length === 0 ? vars : { ...vars, ...Object.fromEntries(gone.map((name) => [name, ''])) }
}

function lost(value: unknown): boolean {
  if (typeof value === 'string') return value.includes(CONCEALED)
  return typeof value === 'object' && value !== null && Object.values(value).some(lost)
}
