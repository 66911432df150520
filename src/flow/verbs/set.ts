/** `set: { var: CEL }` assigns variables, one after another: a later one sees the earlier. */

import { leave } from '../going.ts'
import type { Assignment, Step } from '../program.ts'
import { assignments } from '../schema.ts'
import { perform } from '../turn.ts'
import type { Verb } from '../verb.ts'

interface SetVars {
  set: Assignment[]
}

export const setVerb: Verb<SetVars> = {
  name: 'set',
  shape: { set: assignments },
  outcomes: [],
  goesOn: 'itself',
  build: (raw, b) => ({ set: b.assignments(raw.set, 'set') }),
  enter(turn, { node }: Step<SetVars>) {
    perform(turn, node.set)
    leave(turn, null)
  },
}
