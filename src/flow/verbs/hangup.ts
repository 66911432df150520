/** `hangup: { say, disposition, outcome }` ends the call; `hangup: true` just ends it. */

import { z } from 'zod'
import { end } from '../going.ts'
import type { Step, Text } from '../program.ts'
import { fields, oneOf, text, word } from '../schema.ts'
import type { Ending } from '../state.ts'
import { currentStep, keep, say, speech } from '../turn.ts'
import type { Verb } from '../verb.ts'

interface Hangup {
  say: Text | null
  disposition: Ending
  outcome: string | null
}

const WHAT = 'expected true or { say, disposition, outcome }'
const DISPOSITIONS = [
  'completed',
  'hangup',
  'silent',
  'nomatch',
  'callback',
  'opted_out',
  'abandoned',
  'machine',
  'technical',
] as const satisfies Ending[]

export const hangupVerb: Verb<Hangup> = {
  name: 'hangup',
  shape: {
    hangup: z.union(
      [
        z.literal(true, { error: WHAT }),
        fields({ say: text.optional(), disposition: oneOf(...DISPOSITIONS).optional(), outcome: word.optional() }),
      ],
      { error: WHAT },
    ),
  },
  outcomes: [],
  goesOn: false,
  build: (raw, b) => ({
    say: b.optionalText(raw.hangup === true ? undefined : raw.hangup.say, 'hangup', 'say'),
    disposition: raw.hangup === true ? 'completed' : (raw.hangup.disposition ?? 'completed'),
    outcome: raw.hangup === true ? null : (raw.hangup.outcome ?? null),
  }),
  enter(turn, { node }: Step<Hangup>) {
    keep(turn, node.outcome)
    say(turn, speech(turn, node.say), { to: 'verb', tag: 'said' }, 'drop')
  },
  on(turn, { node }: Step<Hangup>, event) {
    if (event.type !== 'said') return
    keep(turn, currentStep(turn)?.outcome ?? null)
    end(turn, 'flow', node.disposition)
  },
  exits: () => [{ event: 'hangup', target: 'end', mover: 'itself' }],
}
