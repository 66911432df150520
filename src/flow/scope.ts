/**
 * The names that an expression sees: the flow's variables, `contact`, `call`, `campaign` and `previous`. A column or a
 * field of `previous` that is not there reads as "", so every name that the flow reads is filled in beforehand.
 *
 * Maps go in as `Map`: the evaluator tells a plain object by its `constructor`, and a column or a key of a reply may have that name.
 *
 * There is one scope object; asking for a scope points it at the conversation's values. It holds until the next is asked
 * for, which is long enough, since an expression is evaluated at once.
 */

import type { CallContext } from './io.ts'
import type { Program } from './program.ts'

export interface Scoped {
  context: CallContext
  vars: Record<string, unknown>
  answeredAt: number
}

/** What expressions look names up in. Only declared names are ever asked for: an expression with others is refused. */
export type Scope = Map<string, unknown>

class Names extends Map<string, unknown> {
  vars: Record<string, unknown> = {}
  facts: Record<string, unknown> = {}
  overlay: Record<string, unknown> | null = null

  override get(name: string): unknown {
    const value = this.overlay !== null && Object.hasOwn(this.overlay, name) ? this.overlay[name] : undefined
    if (value !== undefined) return value
    const own = this.vars[name]
    return own === undefined ? this.facts[name] : mapped(own)
  }
}

const names = new Names()
const facts = new WeakMap<CallContext, WeakMap<Program, Record<string, unknown>>>()

/** The scope of a conversation as it stands; `overlay` adds or hides variables for one text. */
export function scopeOf(program: Program, state: Scoped, overlay?: Record<string, unknown>): Scope {
  names.vars = state.vars
  names.facts = factsOf(program, state)
  names.overlay = overlay ?? null
  return names
}

function factsOf(program: Program, state: Scoped): Record<string, unknown> {
  const { context } = state
  let byProgram = facts.get(context)
  if (byProgram === undefined) {
    byProgram = new WeakMap()
    facts.set(context, byProgram)
  }
  let found = byProgram.get(program)
  if (found === undefined) {
    const tasks = taskResults(context.previous.tasks)
    found = {
      contact: filled({ number: context.number, ...context.contact }, program.reads.contact),
      call: {
        id: context.id,
        direction: context.direction,
        number: context.number,
        attempt: context.attempt,
        kind: context.kind,
        answered_at: state.answeredAt === 0 ? '' : new Date(state.answeredAt).toISOString(),
        amd: context.amd,
      },
      campaign: filled(context.campaign, program.reads.campaign),
      previous: filled(context.previous, program.reads.previous).set('tasks', filled(tasks, program.reads.tasks)),
    }
    byProgram.set(program, found)
  }
  return found
}

function filled(values: Record<string, unknown>, names: Set<string>): Map<string, unknown> {
  const all = new Map<string, unknown>()
  for (const name of names) all.set(name, '')
  for (const [name, value] of Object.entries(values)) all.set(name, mapped(value ?? ''))
  return all
}

const maps = new WeakMap<object, unknown>()

/** Plain data with its objects as `Map`. A value is never changed in place, so it is looked through once. */
function mapped(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  let made = maps.get(value)
  if (made === undefined) {
    made = Array.isArray(value)
      ? value.map(mapped)
      : new Map(Object.entries(value).map(([name, inner]) => [name, mapped(inner)]))
    maps.set(value, made)
  }
  return made
}

export interface KeptTask {
  status: 'done' | 'failed'
  result: unknown
}

/** `previous.tasks` may hold bare results, or `{ status, result }` as a call leaves them behind. */
export function keptTask(value: unknown): KeptTask {
  if (typeof value === 'object' && value !== null && 'status' in value) {
    const { status, result, ...more } = value as Record<string, unknown>
    if ((status === 'done' || status === 'failed') && Object.keys(more).length === 0)
      return { status, result: result ?? null }
  }
  return { status: 'done', result: value }
}

function taskResults(tasks: unknown): Record<string, unknown> {
  if (typeof tasks !== 'object' || tasks === null) return {}
  return Object.fromEntries(Object.entries(tasks).map(([name, value]) => [name, keptTask(value).result]))
}
