/** `pause: DURATION` is silent on purpose, at most 3 s. Keys are kept for the next question. */

import { parseDuration } from '../duration.ts'
import { leave } from '../going.ts'
import type { Step } from '../program.ts'
import { durationBetween } from '../schema.ts'
import { arm } from '../turn.ts'
import type { Verb } from '../verb.ts'

interface Pause {
  ms: number
}

export const pauseVerb: Verb<Pause> = {
  name: 'pause',
  shape: { pause: durationBetween(1, 3000, 'a pause is at most 3s: nobody is left in silence') },
  outcomes: [],
  goesOn: 'itself',
  build: (raw) => ({ ms: parseDuration(raw.pause) ?? 0 }),
  enter: (turn, { node }: Step<Pause>) => arm(turn, 'pause', node.ms),
  on(turn, _step, event) {
    if (event.type === 'timer' && event.slot === 'pause') leave(turn, null)
  },
  silence: (node) => node.ms,
}
