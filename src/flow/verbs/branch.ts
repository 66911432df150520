/** `branch: [ { if, goto } … ]` takes the first way whose condition holds, else `else`, else goes on. */

import { z } from 'zod'
import { leave, leaveBy } from '../going.ts'
import type { Expression, Step, Target } from '../program.ts'
import { expression, fields, target } from '../schema.ts'
import { scopeOf } from '../scope.ts'
import { Fault } from '../turn.ts'
import type { Verb } from '../verb.ts'

interface Branch {
  ways: { condition: Expression; target: Target }[]
  otherwise: Target | null
}

export const branchVerb: Verb<Branch> = {
  name: 'branch',
  shape: {
    branch: z
      .array(fields({ if: expression, goto: target }), { error: 'expected a list of { if, goto }' })
      .min(1, { error: 'a branch has at least one { if, goto }' }),
    else: target.optional(),
  },
  outcomes: [],
  goesOn: (node) => (node.otherwise === null ? 'itself' : false),
  build: (raw, b) => ({
    ways: raw.branch.map((way: { if: unknown; goto: unknown }, index: number) => ({
      condition: b.expression(way.if, 'boolean', 'branch', index, 'if'),
      target: b.target(way.goto, 'branch', index, 'goto'),
    })),
    otherwise: raw.else === undefined ? null : b.target(raw.else, 'else'),
  }),
  enter(turn, { node }: Step<Branch>) {
    const scope = scopeOf(turn.program, turn.s)
    for (const [index, { condition, target: to }] of node.ways.entries()) {
      const holds = condition.run(scope)
      if (typeof holds !== 'boolean') throw new Fault(`"${condition.source}" is neither true nor false`)
      if (holds) return leaveBy(turn, to, `if ${index + 1}`)
    }
    if (node.otherwise === null) leave(turn, null)
    else leaveBy(turn, node.otherwise, 'else')
  },
  exits: ({ node }) => [
    ...node.ways.map(({ target: to, condition }, index) => ({
      event: `if ${index + 1}`,
      target: to,
      mover: 'itself' as const,
      label: condition.source,
    })),
    ...(node.otherwise === null ? [] : [{ event: 'else', target: node.otherwise, mover: 'itself' as const }]),
  ],
}
