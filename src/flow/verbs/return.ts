/**
 * `return: NAME` or `return: { outcome, vars }` goes back to the flow that called this one, which goes on by the outcome;
 * `vars` gives variables of the caller values of ours. In a flow that nobody has called it goes back to what a
 * situation interrupted, or ends the call politely.
 */

import { z } from 'zod'
import { comeBack, goBack } from '../going.ts'
import type { Expression, Step } from '../program.ts'
import { assignments, fields, variable, word } from '../schema.ts'
import { scopeOf } from '../scope.ts'
import { keep } from '../turn.ts'
import type { Verb } from '../verb.ts'

export interface Return {
  outcome: string | null
  vars: { name: string; value: Expression }[]
}

const WHAT = 'expected the name of an outcome, or { outcome, vars }'

export const returnVerb: Verb<Return> = {
  name: 'return',
  shape: {
    return: z.union(
      [
        word.min(1, { error: WHAT }),
        z.literal(true, { error: WHAT }),
        fields({
          outcome: word.min(1, { error: 'expected the name of an outcome' }).optional(),
          vars: z
            .union([assignments, z.array(variable)], { error: 'expected a map: variable to expression' })
            .optional(),
        }),
      ],
      { error: WHAT },
    ),
  },
  outcomes: [],
  goesOn: false,
  build(raw, b) {
    const { outcome = null, vars = {} } =
      typeof raw.return === 'string' ? { outcome: raw.return } : raw.return === true ? {} : raw.return
    const names: [string, string | number][] = Array.isArray(vars)
      ? vars.map((name: string, index: number) => [name, index])
      : Object.keys(vars).map((name) => [name, name])
    return {
      outcome,
      vars: names.map(([name, at]) => ({
        name,
        value: b.expression(Array.isArray(vars) ? name : vars[name], null, 'return', 'vars', at),
      })),
    }
  },
  enter(turn, { node, outcome }: Step<Return>) {
    const { s } = turn
    keep(turn, outcome)
    if (s.calls.length === 0 && s.stack.length > 0) return goBack(turn, 'return')
    const scope = scopeOf(turn.program, s)
    comeBack(
      turn,
      node.outcome,
      node.vars.map(({ name, value }) => [name, value.run(scope)]),
    )
  },
  title: ({ outcome }) => outcome ?? '',
  exits: ({ node, place }) => [
    { event: 'return', target: { to: 'return', place }, mover: 'itself', label: node.outcome },
  ],
}
