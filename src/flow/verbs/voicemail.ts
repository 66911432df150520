/**
 * `voicemail: TEXT` waits until the greeting of a machine is over, which is when nothing has been heard for
 * `final_silence` (the beep is heard, too), and then speaks. After `max_wait` it speaks in any case. Keys do not stop it:
 * the beep of a machine may sound like one.
 */

import { parseDuration } from '../duration.ts'
import { leave } from '../going.ts'
import type { Step, Text } from '../program.ts'
import { durationBetween, text } from '../schema.ts'
import { arm, disarm, disarmStep, say, speech, type Turn } from '../turn.ts'
import type { Verb } from '../verb.ts'

interface Voicemail {
  text: Text
  finalSilence: number
  maxWait: number
}

interface Act {
  phase: 'greeting'
}

export const voicemailVerb: Verb<Voicemail> = {
  name: 'voicemail',
  shape: {
    voicemail: text,
    final_silence: durationBetween(100, 60_000, 'final_silence is between 100ms and 1m').optional(),
    max_wait: durationBetween(100, 300_000, 'max_wait is between 100ms and 5m').optional(),
  },
  outcomes: [],
  goesOn: 'itself',
  build: (raw, b) => ({
    text: b.text(raw.voicemail, 'voicemail'),
    finalSilence: parseDuration(raw.final_silence ?? '2s')!,
    maxWait: parseDuration(raw.max_wait ?? '30s')!,
  }),
  enter(turn, { node }: Step<Voicemail>) {
    turn.s.act = { phase: 'greeting' } satisfies Act
    arm(turn, 'guard', node.maxWait)
    if (turn.s.talking === null) arm(turn, 'timeout', node.finalSilence)
  },
  talk(turn, { node }: Step<Voicemail>, on) {
    if (turn.s.act === null) return
    if (on) disarm(turn, 'timeout')
    else arm(turn, 'timeout', node.finalSilence)
  },
  on(turn, step: Step<Voicemail>, event) {
    if (event.type === 'said') leave(turn, null)
    else if (event.type === 'timer' && turn.s.act !== null) speak(turn, step)
  },
  question: (node) => node.text,
}

function speak(turn: Turn, { node }: Step<Voicemail>): void {
  disarmStep(turn)
  turn.s.act = null
  say(turn, speech(turn, node.text), { to: 'verb', tag: 'said' }, 'drop')
}
