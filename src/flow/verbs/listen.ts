/**
 * `listen: TEXT` lets the other side talk, and waits until they have been quiet for `final_silence`. Words are not
 * understood; with `save` they are kept. Who talks longer than `max_talk` is interrupted politely, who says nothing
 * meets the ladder. Keys mean nothing here: they are dropped, unless `*` or `#` raises a situation.
 */

import { ask } from '../asking.ts'
import { parseDuration } from '../duration.ts'
import { leave } from '../going.ts'
import type { Manner, Step, Text } from '../program.ts'
import { dropRecording, keepRecording, recorded, type Saved, startRecording } from '../recording.ts'
import { count, durationBetween, ladder, text, variable } from '../schema.ts'
import { disarmStep, Fault, say, sentenceOf, speech, type Turn } from '../turn.ts'
import type { Verb } from '../verb.ts'
import { afterTalk, quietManner, typedBefore } from '../voice.ts'

interface Listen {
  text: Text
  save: Saved | null
  finalSilence: number
  manner: Manner
}

interface Act {
  outcome: 'spoke' | 'too_long'
}

/** Over the longest talk: the step ends a recording, not the clock of the line (ms). */
const SPARE = 60_000

export const listenVerb: Verb<Listen> = {
  name: 'listen',
  shape: {
    listen: text,
    timeout: durationBetween(100, 600_000, 'a timeout is between 100ms and 10m').optional(),
    final_silence: durationBetween(100, 60_000, 'final_silence is between 100ms and 1m').optional(),
    max_talk: durationBetween(300, 600_000, 'max_talk is between 300ms and 10m').optional(),
    save: variable.optional(),
    noinput: ladder.optional(),
    max_attempts: count(1, 100).optional(),
  },
  outcomes: ['spoke', 'too_long', 'give_up'],
  theirs: ['spoke', 'too_long'],
  goesOn: false,
  build(raw, b) {
    const type = raw.save === undefined ? null : b.saved(raw.save, ['text'], 'a recording', 'save')
    return {
      text: b.text(raw.listen, 'listen'),
      save: raw.save === undefined ? null : { name: raw.save, type: type ?? 'any' },
      finalSilence: parseDuration(raw.final_silence ?? '1s')!,
      manner: quietManner({ ...b.manner(raw), maxTalk: parseDuration(raw.max_talk ?? '20s')! }),
    }
  },
  enter(turn, step) {
    if (!typedBefore(turn)) ask(turn, step)
  },
  asks: {
    manner: (step, turn) => afterTalk(turn, step.node.manner, step.node.finalSilence),
    prompt: (turn, step) => speech(turn, step.node.text),
    listening(turn, { node }: Step<Listen>) {
      if (node.save !== null) startRecording(turn, false, node.manner.maxTalk + node.manner.timeout + SPARE, node.save)
    },
    key: () => 'miss',
    ignores: (turn, _step, pressed) => !situationKey(turn, pressed),
    situations: () => (pressed) => pressed === '*' || pressed === '#',
    missed(turn, _step, kind, interrupted) {
      if (kind === 'noinput') {
        dropRecording(turn)
        return false
      }
      finish(turn, interrupted ? 'too_long' : 'spoke')
      return true
    },
  },
  on(turn, _step, event) {
    if (event.type === 'said') return leave(turn, 'too_long')
    if (event.type === 'timer' && event.slot === 'guard') throw new Fault('the recording never came to an end')
    if (event.type !== 'recorded' || !recorded(turn, event)) return
    const act = turn.s.act as Act | null
    if (act === null) return finish(turn, 'too_long')
    interruptOrLeave(turn, act.outcome)
  },
  key: () => {},
  question: (node) => node.text,
  ladders: (node) => node.manner,
}

/** They have spoken: what was recorded is kept first. */
function finish(turn: Turn, outcome: Act['outcome']): void {
  const { s } = turn
  s.act = { outcome } satisfies Act
  if (s.recording !== null) keepRecording(turn)
  else interruptOrLeave(turn, outcome)
}

function interruptOrLeave(turn: Turn, outcome: Act['outcome']): void {
  turn.s.ask = null
  disarmStep(turn)
  if (outcome === 'spoke') leave(turn, 'spoke')
  else say(turn, [sentenceOf(turn, (p) => p.interrupt)], { to: 'verb', tag: 'interrupted' }, 'drop')
}

function situationKey(turn: Turn, pressed: string): boolean {
  return (pressed === '*' || pressed === '#') && turn.program.keys.has(pressed)
}
