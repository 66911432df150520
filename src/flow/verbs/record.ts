/**
 * `record: TEXT` keeps a message: the text, a beep, and then what they say, until they have been quiet for
 * `final_silence`, press `finish_on_key`, or `max_time` is over. Who says nothing meets the ladder, and is recorded
 * anew. `save` takes the recording's name, also when they hang up instead of finishing.
 */

import { z } from 'zod'
import { ask, miss } from '../asking.ts'
import { parseDuration } from '../duration.ts'
import { leave } from '../going.ts'
import type { Manner, Step, Text } from '../program.ts'
import { dropRecording, keepRecording, recorded, type Saved, startRecording } from '../recording.ts'
import { count, durationBetween, flag, key, ladder, text, variable } from '../schema.ts'
import { disarmStep, Fault, speech, type Turn } from '../turn.ts'
import type { Verb } from '../verb.ts'
import { afterTalk, quietManner, talkedAfterPrompt, typedBefore } from '../voice.ts'

interface Message {
  text: Text
  save: Saved | null
  maxTime: number
  finalSilence: number
  finish: string
  beep: boolean
  manner: Manner
}

/** The line ends a recording at `max_time`; should it ever not, the step does, so much later (ms). */
const SPARE = 5000

export const recordVerb: Verb<Message> = {
  name: 'record',
  shape: {
    record: text,
    save: variable.optional(),
    max_time: durationBetween(1000, 3_600_000, 'max_time is between 1s and 1h').optional(),
    final_silence: durationBetween(100, 60_000, 'final_silence is between 100ms and 1m').optional(),
    finish_on_key: z.union([key, z.literal('')], { error: 'expected a key, or "" for none' }).optional(),
    beep: flag.optional(),
    noinput: ladder.optional(),
    max_attempts: count(1, 100).optional(),
  },
  outcomes: ['give_up'],
  goesOn: 'them',
  build(raw, b) {
    const maxTime = parseDuration(raw.max_time ?? '2m')!
    const type = raw.save === undefined ? null : b.saved(raw.save, ['text'], 'a recording', 'save')
    return {
      text: b.text(raw.record, 'record'),
      save: raw.save === undefined ? null : { name: raw.save, type: type ?? 'any' },
      maxTime,
      finalSilence: parseDuration(raw.final_silence ?? '3s')!,
      finish: raw.finish_on_key ?? '#',
      beep: raw.beep ?? true,
      manner: quietManner({ ...b.manner(raw), maxTalk: maxTime + SPARE }),
    }
  },
  enter(turn, step) {
    if (!typedBefore(turn, step.node.finish)) ask(turn, step)
  },
  asks: {
    manner: (step, turn) => afterTalk(turn, step.node.manner, step.node.finalSilence),
    prompt: (turn, step) => speech(turn, step.node.text),
    listening: (turn, { node }: Step<Message>) => startRecording(turn, node.beep, node.maxTime, node.save),
    key(turn) {
      keepRecording(turn)
      return 'taken'
    },
    ignores: (turn, { node }: Step<Message>, pressed) =>
      pressed === node.finish
        ? turn.s.ask?.phase !== 'wait'
        : !((pressed === '*' || pressed === '#') && turn.program.keys.has(pressed)),
    situations:
      ({ node }) =>
      (pressed) =>
        (pressed === '*' || pressed === '#') && pressed !== node.finish,
    missed(turn, step, kind, interrupted) {
      if (kind === 'noinput') {
        dropRecording(turn)
        return false
      }
      // What they said into the prompt was not recorded.
      if (interrupted || talkedAfterPrompt(turn)) keepRecording(turn)
      else miss(turn, step, 'noinput')
      return true
    },
  },
  on(turn, _step, event) {
    if (event.type === 'timer' && event.slot === 'guard') throw new Fault('the recording never came to an end')
    if (event.type === 'recorded' && recorded(turn, event)) finish(turn)
  },
  key: () => {},
  question: (node) => node.text,
  ladders: (node) => node.manner,
}

function finish(turn: Turn): void {
  turn.s.ask = null
  disarmStep(turn)
  leave(turn, null)
}
