/**
 * `strategies: { try, wins }` tries ways to talk to somebody, one after another: each time the step is entered it runs
 * the next one that this call has not tried, and when all have been, it is `exhausted`. The strategy that won last with
 * this contact goes first. One has won when, while it is the current one, a step in `wins` is entered.
 */

import { z } from 'zod'
import { ownKey } from '../called.ts'
import { leave, leaveBy } from '../going.ts'
import type { Step, Target } from '../program.ts'
import { fields, word } from '../schema.ts'
import type { Turn } from '../turn.ts'
import type { Verb } from '../verb.ts'

export interface Strategies {
  /** Steps by name, in the order of the file. */
  tries: Map<string, Target>
  wins: string[]
}

/** What a call remembers of its strategies. */
export interface Tried {
  /** The strategies tried so far, by the step that names them (and its flow, where that was called). */
  byStep: Record<string, string[]>
  /** The one under way, and the steps that make it win. */
  current: { name: string; wins: string[] } | null
  /** The one that won last. */
  won: string | null
}

const LIST = 'expected a list of steps'

export const strategiesVerb: Verb<Strategies> = {
  name: 'strategies',
  shape: {
    strategies: fields({
      try: z
        .array(word, { error: LIST })
        .min(1, { error: 'there is at least one strategy to try' })
        .refine((names) => new Set(names).size === names.length, { error: 'a strategy stands in the list once' }),
      wins: z.array(word, { error: LIST }).optional(),
    }),
  },
  outcomes: ['exhausted'],
  goesOn: false,
  build(raw, b) {
    const wins: string[] = raw.strategies.wins ?? []
    for (const [index, name] of wins.entries()) b.target(name, 'strategies', 'wins', index)
    return {
      tries: new Map(
        (raw.strategies.try as string[]).map((name, index) => [name, b.target(name, 'strategies', 'try', index)]),
      ),
      wins,
    }
  },
  enter(turn, { id, node }: Step<Strategies>) {
    const { s } = turn
    const own = ownKey(turn, id)
    const tried = s.tried.byStep[own] ?? []
    const last = s.context.previous.strategy
    const order = [...node.tries.keys()].sort((a, b) => Number(b === last) - Number(a === last))
    const name = order.find((each) => !tried.includes(each))
    if (name === undefined) {
      s.tried = { ...s.tried, current: null }
      return leave(turn, 'exhausted')
    }
    s.tried = {
      ...s.tried,
      byStep: { ...s.tried.byStep, [own]: [...tried, name] },
      current: { name, wins: node.wins },
    }
    leaveBy(turn, node.tries.get(name)!, `strategy ${name}`)
  },
  // The next entry of a `strategies` is a step forward, though nobody on the other side has done anything.
  exits: ({ node }) =>
    [...node.tries].map(([name, to]) => ({ event: `strategy ${name}`, target: to, mover: 'them' as const })),
}

/** A named step is entered: it may be one that makes the strategy of the moment win. */
export function noteWin({ s }: Turn, step: string): void {
  const { current } = s.tried
  if (current?.wins.includes(step)) s.tried = { ...s.tried, won: current.name }
}
