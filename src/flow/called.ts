/**
 * Flows that call flows. While a called one runs, the state holds its variables, its stack and its strategy; those of the
 * flows that wait for it lie in `State.calls`. What is remembered over the whole call by the name of a step or a
 * situation is kept for each flow by itself (`ownKey`).
 */

import type { CallContext } from './io.ts'
import type { Program, Step } from './program.ts'
import type { State } from './state.ts'
import { Fault, type Turn } from './turn.ts'

/** This many flows may wait for one another. */
export const MAX_CALLS = 8

/** The flow that a step calls; null for a step with another verb. */
export function calledBy(step: Step | undefined): Program | null {
  return step?.verb.name === 'call' ? (step.node as { to: Program | null }).to : null
}

/** A flow and all that it may call, itself or through others, each once. */
export function family(program: Program): Program[] {
  const found = new Set([program])
  for (const one of found)
    for (const step of one.steps.values()) {
      const called = calledBy(step)
      if (called !== null) found.add(called)
    }
  return [...found]
}

/** The flow that runs in a conversation that began with `root`. */
export function running(root: Program, { calls }: Pick<State, 'calls'>): Program {
  return calls.length === 0 ? root : chain(root, calls).at(-1)!
}

/** The flows that wait for the one that runs, the nearest first. */
export function callers({ root, s: { calls } }: Turn): Program[] {
  return calls.length === 0 ? [] : chain(root, calls).slice(0, -1).reverse()
}

/** The flow that the call began with, and those that were called one within the other, the one that runs last. */
export function chain(root: Program, calls: State['calls']): Program[] {
  const found = [root]
  for (const { back } of calls) found.push(calledBy(found.at(-1)!.steps.get(back)) ?? root)
  return found
}

/** A name of the flow that runs, told from the same name in the flows that call it. */
export function ownKey({ s, program }: Pick<Turn, 's' | 'program'>, name: string): string {
  return s.calls.length === 0 ? name : `${program.flow}/${name}`
}

/** What `language` is at the beginning of a flow. */
export function languageOf(program: Program, { contact }: CallContext): string {
  return contact.language?.trim().toLowerCase() || program.language
}

/** A called flow begins: from here its names are the ones that are seen. A language that was set stays. */
export function enterFlow(turn: Turn, step: Step, to: Program): void {
  const { s, program } = turn
  if (s.calls.length >= MAX_CALLS) throw new Fault(`flows call each other more than ${MAX_CALLS} deep`)
  const set = s.vars.language !== languageOf(program, s.context)
  s.calls = [...s.calls, { back: step.id, vars: s.vars, hidden: s.hidden, stack: s.stack, strategy: s.tried.current }]
  turn.program = to
  s.vars = { ...to.vars, language: set ? s.vars.language : languageOf(to, s.context) }
  s.hidden = [...to.sensitive]
  s.stack = []
  s.tried = { ...s.tried, current: null }
  s.step = null
}

/** A called flow is over: the one that called it stands at its `call` again. False when nobody had called. */
export function leaveFlow(turn: Turn): boolean {
  const { s } = turn
  const frame = s.calls.at(-1)
  if (frame === undefined) return false
  const language = s.vars.language === languageOf(turn.program, s.context) ? frame.vars.language : s.vars.language
  s.calls = s.calls.slice(0, -1)
  turn.program = running(turn.root, s)
  s.vars = { ...frame.vars, language }
  s.hidden = frame.hidden
  s.stack = frame.stack
  s.tried = { ...s.tried, current: frame.strategy }
  s.step = frame.back
  return true
}
