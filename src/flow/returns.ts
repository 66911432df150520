/** How a flow may come back when another one calls it: its outcomes, and who has to act for each of them. */

import type { Program, Step } from './program.ts'
import type { Mover } from './verb.ts'
import { entrances, type Place, waysOf } from './ways.ts'

export interface Returns {
  /** The outcomes that its `return` steps name; `itself` where one is come to without the other side doing anything. */
  outcomes: Map<string, Mover>
  /** The same for coming back without an outcome; false when it never does. */
  nameless: Mover | false
  /** Whether the call may end in it. */
  ends: boolean
}

const known = new WeakMap<Program, Returns>()

/** Of a program whose calls lead somewhere and in no round. */
export function returnsOf(program: Program): Returns {
  const found = known.get(program)
  if (found !== undefined) return found
  const made = find(program)
  known.set(program, made)
  return made
}

function find(program: Program): Returns {
  const alone = reached(program, true)
  const told: Returns = { outcomes: new Map(), nameless: false, ends: false }
  const all = reached(program, false)
  for (const step of program.steps.values()) {
    if (!all.has(step)) continue
    const mover: Mover = alone.has(step) ? 'itself' : 'them'
    for (const way of waysOf(program, step)) {
      if (way.to === 'end') told.ends = true
      if (way.to !== 'back' || (step.id.startsWith('@') && step.verb.name !== 'return')) continue
      const by = way.mover === 'them' ? 'them' : mover
      const outcome = step.verb.name === 'return' ? (step.node as { outcome: string | null }).outcome : null
      if (outcome === null) told.nameless = told.nameless === 'itself' ? 'itself' : by
      else if (told.outcomes.get(outcome) !== 'itself') told.outcomes.set(outcome, by)
    }
  }
  return told
}

/** The steps that a conversation may come to; with `alone` those to which it needs nobody. */
function reached(program: Program, alone: boolean): Set<Step> {
  const seen = new Set<Step>()
  const open: Place[] = alone ? begins(program) : entrances(program).map(({ to }) => to)
  if (!alone)
    for (const { verb, node } of program.steps.values()) if (verb.name === 'strategies') open.push(...wins(node))
  while (open.length > 0) {
    const to = open.pop()!
    const step = typeof to === 'object' ? program.steps.get(to.step) : undefined
    if (step === undefined || seen.has(step)) continue
    seen.add(step)
    for (const way of waysOf(program, step)) if (way.to !== null && !(alone && way.mover === 'them')) open.push(way.to)
  }
  return seen
}

function begins({ start }: Program): Place[] {
  return [start.human, start.machine, start.unsure].flatMap((target) =>
    target?.to === 'step' ? [{ step: target.step }] : [],
  )
}

function wins({ wins }: { wins: string[] }): Place[] {
  return wins.map((step) => ({ step }))
}
