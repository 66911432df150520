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

/** Everything that can be said before the dial: what is the same in every call, and what this call alone says. */
export interface Sayable {
  /** One list for each flow and language; the same list for every call. */
  fixed: (readonly Spoken[])[]
  own: Spoken[]
}

/** `sayable` as one list in which nothing is there twice. */
export function texts(program: Program, context: CallContext): Spoken[] {
  const { fixed, own } = sayable(program, context)
  const found = new Map<string, Spoken>()
  for (const part of [...own, ...fixed.flat()]) found.set(JSON.stringify(part), part)
  return [...found.values()]
}

/**
 * Texts that hang on a variable which the call itself sets are left out while that variable's default is empty; a text
 * that cannot be rendered yet is left out too. A flow that may slow down has its texts slow as well. Those of the flows
 * that it calls are there, with the values that it gives them.
 */
export function sayable(program: Program, context: CallContext): Sayable {
  const { paces, alone } = about(program)
  // A copy: what is rendered before the answer must not be remembered for the call itself.
  const before = { ...context }
  const open = [{ flow: program, state: begin(program, before) }]
  const said: Sayable = { fixed: [], own: [] }
  const seen = new Set<string>()
  for (const { flow, state } of open) {
    if (!alone) {
      const key = JSON.stringify([flow.flow, state.vars])
      if (seen.has(key) || seen.size >= MAX_VISITS) continue
      seen.add(key)
    }
    const fixed = fixedTexts(flow, state, paces)
    if (!said.fixed.includes(fixed)) said.fixed.push(fixed)
    ownTexts(flow, state, paces, said.own)
    if (alone) break
    for (const step of flow.steps.values()) {
      const to = calledBy(step)
      if (to !== null)
        open.push({ flow: to, state: given(flow, state, step.node as Call, begin(to, { ...before, vars: {} })) })
    }
  }
  return said
}

/** Flows that call each other in many ways are looked at in so many of them. */
const MAX_VISITS = 100

interface About {
  paces: Pace[]
  /** It calls no other. */
  alone: boolean
  /** Its own texts with a hole in them. */
  holed: Text[]
}

const known = new WeakMap<Program, About>()

function about(program: Program): About {
  const before = known.get(program)
  if (before !== undefined) return before
  const flows = family(program)
  const slow = flows.some(({ steps, situations }) =>
    [...steps.values(), ...situations.values()].some(({ pace }) => pace === 'slow'),
  )
  const paces: Pace[] = slow ? ['normal', 'slow'] : ['normal']
  const holed = program.texts.filter((text) => !isFixed(text))
  const found: About = { paces, alone: flows.length === 1, holed }
  known.set(program, found)
  return found
}

/** By flow, then by language and paces. */
const made = new WeakMap<Program, Map<string, readonly Spoken[]>>()

/** The texts without a hole, the phrases, and the sentences of the steps, in the language of the moment. */
function fixedTexts(program: Program, state: State, paces: Pace[]): readonly Spoken[] {
  const name = `${state.vars.language ?? ''} ${paces.length}`
  const lists = made.get(program) ?? new Map<string, readonly Spoken[]>()
  made.set(program, lists)
  const before = lists.get(name)
  if (before !== undefined) return before
  const list: Spoken[] = []
  for (const pace of paces) {
    for (const text of program.texts) if (isFixed(text)) list.push(...render(program, state, text, pace))
    for (const phrase of PHRASES) list.push(...render(program, state, { kind: 'phrase', phrase }, pace))
    for (const step of program.steps.values())
      for (const make of step.verb.sentences?.(step.node) ?? []) list.push(sentence(program, state, pace, make))
  }
  // A contact says which language it speaks: whatever stands in a list of contacts.
  if (lists.size < MAX_LANGUAGES) lists.set(name, list)
  return list
}

const MAX_LANGUAGES = 50

function ownTexts(program: Program, state: State, paces: Pace[], to: Spoken[]): void {
  for (const text of about(program).holed) {
    if (dependsOnCall(program, text, state.vars)) continue
    try {
      for (const pace of paces) to.push(...render(program, state, text, pace))
    } catch {
      // It has no value yet; it will be rendered when it is needed.
    }
  }
}

/** Without a hole in any language. */
function isFixed(text: Text): boolean {
  if (text.kind === 'phrase') return true
  for (const parts of text.variants.values())
    for (const part of parts)
      if (part.kind !== 'sound' && part.template.some((piece) => typeof piece !== 'string')) return false
  return true
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
