/** `goto: TARGET` moves. */

import { leaveBy } from '../going.ts'
import type { Step, Target } from '../program.ts'
import { target } from '../schema.ts'
import type { Verb } from '../verb.ts'

interface Goto {
  target: Target
}

export const gotoVerb: Verb<Goto> = {
  name: 'goto',
  shape: { goto: target },
  outcomes: [],
  goesOn: false,
  build: (raw, b) => ({ target: b.target(raw.goto, 'goto') }),
  enter: (turn, { node }: Step<Goto>) => leaveBy(turn, node.target, 'goto'),
  exits: ({ node }) => [{ event: 'goto', target: node.target, mover: 'itself' }],
}
