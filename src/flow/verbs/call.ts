/**
 * `call: FLOW` runs another flow and comes back with what its `return` names. The other flow sees only its own variables,
 * situations and steps; `with` gives its variables values of ours. A `hangup` there ends the call.
 */

import { z } from 'zod'
import { enterFlow } from '../called.ts'
import { take } from '../going.ts'
import type { Expression, Place, Program, Step } from '../program.ts'
import { returnsOf } from '../returns.ts'
import { assignments, target, word } from '../schema.ts'
import { scopeOf } from '../scope.ts'
import { store } from '../turn.ts'
import type { Verb } from '../verb.ts'

export interface Call {
  flow: string
  with: { name: string; value: Expression; place: Place }[]
  place: Place
  /** The places of the outcomes that `on:` names. */
  on: Map<string, Place>
  /** The flow itself, once all flows have been read. */
  to: Program | null
}

export const callVerb: Verb<Call> = {
  name: 'call',
  shape: {
    call: word.min(1, { error: 'expected the name of a flow' }),
    with: assignments.optional(),
    on: z.record(z.string(), target, { error: 'expected a map: outcome to target' }).optional(),
  },
  outcomes: [],
  build(raw, b) {
    const names = (map: Record<string, unknown> | undefined) => Object.keys(map ?? {})
    return {
      flow: raw.call,
      with: names(raw.with).map((name) => ({
        name,
        value: b.expression(raw.with[name], null, 'with', name),
        place: b.place(['with', name], true),
      })),
      place: b.place(['call']),
      on: new Map(names(raw.on).map((name) => [name, b.place(['on', name], true)])),
      to: null,
    }
  },
  enter(turn, step: Step<Call>) {
    const { node } = step
    const to = node.to!
    const scope = scopeOf(turn.program, turn.s)
    const given = node.with.map(({ name, value }) => ({ name, value: value.run(scope) }))
    enterFlow(turn, step, to)
    for (const { name, value } of given) store(turn, name, to.types[name] ?? 'text', value)
    const { human, machine, unsure } = to.start
    const { verdict } = turn.s
    take(turn, (verdict === 'machine' ? machine : verdict === 'unsure' ? unsure : null) ?? human, 'call')
  },
  title: ({ flow }) => flow,
  possible: ({ node }) => (node.to === null ? [...node.on.keys()] : [...returnsOf(node.to).outcomes.keys()]),
  theirs: ({ node }) =>
    node.to === null
      ? []
      : [...returnsOf(node.to).outcomes].flatMap(([name, mover]) => (mover === 'them' ? [name] : [])),
  goesOn: (node) => (node.to === null ? 'itself' : returnsOf(node.to).nameless),
  exits: ({ node }) =>
    node.to !== null && returnsOf(node.to).ends ? [{ event: 'hangup', target: 'end', mover: 'them' }] : [],
}
