/**
 * What may happen at any moment. A situation interrupts the step of the moment, does its own small steps, and returns:
 * the interrupted step is asked again, so the flow keeps the initiative. One raised within another takes its place.
 *
 * With `strikes: N` the first N times only `warn` is said; the next time `then` is done.
 */

import { ownKey } from './called.ts'
import { end, goBack, quiet, take } from './going.ts'
import type { Situation } from './program.ts'
import { goTo, keep, say, speech, type Turn } from './turn.ts'

/** Raises a situation by its name; an unknown name, or one outside the conversation, is ignored. */
export function raise(turn: Turn, name: string): void {
  const { s } = turn
  const situation = turn.program.situations.get(name)
  const interrupted = s.step
  if (situation === undefined || interrupted === null || s.phase !== 'on' || s.saying?.then.to === 'end') return
  quiet(turn)
  s.buffer = ''
  const top = s.stack.at(-1)
  s.stack =
    top?.kind === 'situation'
      ? [...s.stack.slice(0, -1), { ...top, name }]
      : [...s.stack, { kind: 'situation', name, back: interrupted }]
  if (situation.pace !== null) s.pace = situation.pace
  const own = ownKey(turn, name)
  const struck = s.strikes[own] ?? 0
  if (struck < situation.strikes) {
    s.strikes = { ...s.strikes, [own]: struck + 1 }
    return say(turn, speech(turn, situation.warn), { to: 'situation', name, part: 'warn' }, 'buffer')
  }
  say(turn, speech(turn, situation.say), { to: 'situation', name, part: 'say' }, 'buffer')
}

/** What a situation said has been heard. */
export function goOn(turn: Turn, name: string, part: 'say' | 'warn'): void {
  const situation = turn.program.situations.get(name)
  if (situation === undefined) return goBack(turn, 'return')
  if (part === 'warn') return goBack(turn, 'return')
  keep(turn, situation.outcome)
  if (situation.final !== null) return finish(turn, situation)
  if (situation.first !== null) return goTo(turn, situation.first, `situation ${name}`)
  if (situation.goto !== null) return take(turn, situation.goto, `situation ${name}`)
  goBack(turn, 'return')
}

function finish(turn: Turn, situation: Situation): void {
  const { final } = situation
  if (final === null) return
  const ends = final.to === 'hangup' || (final.to === 'inline' && final.inline.goto?.to === 'hangup')
  if (ends && situation.outcome === null) keep(turn, situation.name)
  if (final.to === 'hangup') return end(turn, 'flow', 'completed')
  take(turn, final, `situation ${situation.name}`)
}
