/**
 * Everything that a flow can say and that is known before the dial, so that it is speech in a file when the call is
 * answered: the texts of its steps with the contact's words in them, the default ladders, the good-bye, the offers.
 */

import type { CallContext, Spoken } from './io.ts'
import { PHRASES } from './phrases.ts'
import type { Program, Template, Text } from './program.ts'
import { type Pace, render, sentence } from './render.ts'
import { begin } from './step.ts'

/**
 * Texts that hang on a variable which the call itself sets are left out while that variable's default is empty; a text
 * that cannot be rendered yet is left out too. A flow that may slow down has its texts slow as well. Nothing is there
 * twice.
 */
export function texts(program: Program, context: CallContext): Spoken[] {
  // A copy: what is rendered before the answer must not be remembered for the call itself.
  const state = begin(program, { ...context })
  const found = new Map<string, Spoken>()
  const slow = [...program.steps.values(), ...program.situations.values()].some(({ pace }) => pace === 'slow')
  const paces: Pace[] = slow ? ['normal', 'slow'] : ['normal']
  const add = (spoken: Spoken[]) => {
    for (const part of spoken) found.set(JSON.stringify(part), part)
  }
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
  return [...found.values()]
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
