/** `say: TEXT` speaks and goes on. A key stops it and is kept for the next question, unless `barge_in` is false. */

import { leave } from '../going.ts'
import type { Step, Text } from '../program.ts'
import { flag, text } from '../schema.ts'
import { say, speech } from '../turn.ts'
import type { Verb } from '../verb.ts'

interface Say {
  text: Text
  bargeIn: boolean
}

export const sayVerb: Verb<Say> = {
  name: 'say',
  shape: { say: text, barge_in: flag.optional() },
  outcomes: [],
  goesOn: 'itself',
  build: (raw, b) => ({ text: b.text(raw.say, 'say'), bargeIn: raw.barge_in ?? b.program.manner.bargeIn }),
  enter(turn, { node }: Step<Say>) {
    say(turn, speech(turn, node.text), { to: 'verb', tag: 'said' }, node.bargeIn ? 'buffer' : 'drop')
  },
  question: (node) => node.text,
  on(turn, _step, event) {
    if (event.type === 'said') leave(turn, null)
  },
}
