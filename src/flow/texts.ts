/**
 * Everything that a flow can say and that is known before the dial, so that it is speech in a file when the call is
 * answered: the texts of its steps with the contact's words in them, the default ladders, the good-bye, the offers.
 */

import { calledBy, family } from './called.ts'
import type { CallContext, Spoken } from './io.ts'
import { PHRASES } from './phrases.ts'
import type { Program, Template, Text } from './program.ts'
import { type Pace, render, sentence } from './render.ts'
import { scopeOf } from './scope.ts'
import type { State } from './state.ts'
import { begin } from './step.ts'
import type { Call } from './verbs/call.ts'

/**
 * Texts that hang on a variable which the call itself sets are left out while that variable's default is empty; a text
 * that cannot be rendered yet is left out too. A flow that may slow down has its texts slow as well. Those of the flows
 * that it calls are there, with the values that it gives them. Nothing is there twice.
 */
export function texts(program: Program, context: CallContext): Spoken[] {
  const flows = family(program)
  const slow = flows.some(({ steps, situations }) =>
    [...steps.values(), ...situations.values()].some(({ pace }) => pace === 'slow'),
  )
  const found = new Map<string, Spoken>()
  const add = (spoken: Spoken[]) => {
    for (const part of spoken) found.set(JSON.stringify(part), part)
  }
  // A copy: what is rendered before the answer must not be remembered for the call itself.
  const before = { ...context }
  const open = [{ flow: program, state: begin(program, before) }]
  const seen = new Set<string>()
  for (const { flow, state } of open) {
    const key = JSON.stringify([flow.flow, state.vars])
    if (seen.has(key) || seen.size >= MAX_VISITS) continue
    seen.add(key)
    textsOf(flow, state, slow ? ['normal', 'slow'] : ['normal'], add)
    for (const step of flow.steps.values()) {
      const to = calledBy(step)
      if (to !== null)
        open.push({ flow: to, state: given(flow, state, step.node as Call, begin(to, { ...before, vars: {} })) })
    }
  }
  return [...found.values()]
}

/** Flows that call each other in many ways are looked at in so many of them. */
const MAX_VISITS = 100

function textsOf(program: Program, state: State, paces: Pace[], add: (spoken: Spoken[]) => void): void {
  for (const text of program.texts) {
    if (dependsOnCall(program, text, state.vars)) continue
    try {
      for (const pace of paces) add(render(program, state, text, pace))
    } catch {
      // It has no value yet; it will be rendered when it is needed.
    }
  }
  for (const pace of paces) {
    for (const phrase of PHRASES) add(render(program, state, { kind: 'phrase', phrase }, pace))
    for (const step of program.steps.values())
      for (const make of step.verb.sentences?.(step.node) ?? []) add([sentence(program, state, pace, make)])
  }
}

/** The called flow's beginning, with what is known before the call of the values that it is given. */
function given(program: Program, state: State, call: Call, to: State): State {
  const vars = { ...to.vars }
  for (const { name, value } of call.with) {
    if (value.reads.some((read) => program.assigned.has(read) && isEmpty(state.vars[read]))) continue
    try {
      vars[name] = value.run(scopeOf(program, state))
    } catch {
      // It has no value yet.
    }
  }
  return { ...to, vars }
}

function dependsOnCall(program: Program, text: Text, vars: Record<string, unknown>): boolean {
  if (text.kind === 'phrase') return false
  for (const parts of text.variants.values())
    for (const part of parts) if (part.kind !== 'sound' && readsUnset(program, part.template, vars)) return true
  return false
}

function readsUnset(program: Program, template: Template, vars: Record<string, unknown>): boolean {
  return template.some(
    (piece) =>
      typeof piece !== 'string' && piece.reads.some((name) => program.assigned.has(name) && isEmpty(vars[name])),
  )
}

function isEmpty(value: unknown): boolean {
  return value === '' || value === null || (typeof value === 'object' && JSON.stringify(value).length === 2)
}
