/**
 * What the far side says, kept while a step listens. At most one recording runs at a time, and it belongs to the step
 * of the moment: a step that is left in any other way than by its own end throws it away. A call that ends keeps it,
 * since a caller who hangs up after a message has left it.
 */

import type { ValueType } from './program.ts'
import type { State } from './state.ts'
import { arm, disarmStep, Fault, nextId, store, type Turn } from './turn.ts'

/** The variable that takes a recording's name. */
export interface Saved {
  name: string
  type: ValueType
}

/** What runs: its effect's id, and where its name goes. */
export interface Recording {
  id: string
  save: Saved | null
}

/** The end of a recording takes milliseconds to be told; without a word for this long it is a fault (ms). */
const TOLD = 5000

/** Begins to record; `maxTime` in ms. */
export function startRecording(turn: Turn, beep: boolean, maxTime: number, save: Saved | null): void {
  dropRecording(turn)
  const id = nextId(turn, 'r')
  turn.s.recording = { id, save }
  turn.out.push({ type: 'record', id, name: nameOf(turn.s, id), beep, maxTime })
}

/** Throws away what was recorded so far. */
export function dropRecording(turn: Turn): void {
  const { recording } = turn.s
  if (recording === null) return
  turn.out.push({ type: 'stop_record', id: recording.id, keep: false })
  turn.s.recording = null
}

/** Ends the recording and keeps it; the step waits for `recorded`. */
export function keepRecording(turn: Turn): void {
  const { s } = turn
  s.ask = null
  disarmStep(turn)
  if (s.recording === null) throw new Fault('nothing was being recorded')
  turn.out.push({ type: 'stop_record', id: s.recording.id, keep: true })
  arm(turn, 'guard', TOLD)
}

/** The recording has ended: its name goes into the variable. False when it is not the one that runs. */
export function recorded(turn: Turn, event: { id: string; ok: boolean }): boolean {
  const { s } = turn
  const { recording } = s
  if (recording === null || recording.id !== event.id) return false
  s.recording = null
  if (!event.ok) throw new Fault('what was said could not be recorded')
  if (recording.save !== null) store(turn, recording.save.name, recording.save.type, nameOf(s, recording.id))
  return true
}

/** The call is over: the line keeps what it has, under the same name. */
export function leaveRecording(turn: Turn): void {
  const { s } = turn
  const { recording } = s
  if (recording === null) return
  s.recording = null
  if (recording.save !== null) s.vars = { ...s.vars, [recording.save.name]: nameOf(s, recording.id) }
}

function nameOf(s: State, id: string): string {
  return `${s.context.id}.${id}`
}
