/**
 * What may be written of a conversation in which somebody types digits that may be kept nowhere (`sensitive`).
 *
 * A key is `?` where such a question is asked, and where nobody asks, since it may have been typed ahead of one. A state is
 * written with `?` for each such digit: in the variable, in what the question has heard so far, in the keys that wait, and in
 * a variable of the author's that holds the same digits. Of effects only the shape is written: what a text, a request or a
 * number to dial was made of cannot be seen from here.
 */
import { chain, family, running } from './called.ts'
import type { Effect, FlowEvent } from './io.ts'
import type { Program } from './program.ts'
import { copy, type State } from './state.ts'

/** Stands for a digit. A key of this name is none: the interpreter drops it. */
export const CONCEALED = '?'

/** As short as this a value is found in others by chance; it is concealed only where it stands alone. */
const SHORT = 3

/** The event as it may be written. The very same one where it holds nothing secret. */
export function withoutKey(program: Program, state: State, event: FlowEvent): FlowEvent {
  if (event.type !== 'key' || !keepsSecrets(program)) return event
  return state.ask === null || asksForSecret(program, state) ? { ...event, key: CONCEALED } : event
}

function asksForSecret(program: Program, state: State): boolean {
  const flow = running(program, state)
  const step = state.step === null ? undefined : flow.steps.get(state.step)
  return flow.sensitive.has(step?.node?.save)
}

/** The state as it may be written. The very same one where it holds nothing secret. */
export function withoutSecrets(program: Program, state: State): State {
  if (!keepsSecrets(program)) return state
  const flows = chain(program, state.calls)
  const secrets = [...state.calls, state].flatMap(({ vars, hidden }, depth) =>
    hidden.flatMap((name) => (vars[name] === flows[depth]!.vars[name] ? [] : [String(vars[name])])),
  )
  const asking = state.act !== null && asksForSecret(program, state)
  if (secrets.length === 0 && !asking && state.buffer === '') return state
  const written = ({ vars, hidden }: Pick<State, 'vars' | 'hidden'>, flow: Program) =>
    Object.fromEntries(
      Object.entries(vars).map(([name, value]) =>
        hidden.includes(name)
          ? [name, value === flow.vars[name] ? value : concealed(value)]
          : [name, holds(value, secrets) ? concealed(value) : value],
      ),
    )
  const known = copy(state, state.now)
  known.vars = written(state, flows.at(-1)!)
  known.calls = state.calls.map((frame, depth) => ({ ...frame, vars: written(frame, flows[depth]!) }))
  if (asking) known.act = concealedWithin(state.act)
  known.buffer = CONCEALED.repeat(state.buffer.length)
  return known
}

const secretive = new WeakMap<Program, boolean>()

/** Whether a flow, or one that it may call, asks for digits that may be kept nowhere. */
export function keepsSecrets(program: Program): boolean {
  const known = secretive.get(program)
  if (known !== undefined) return known
  const found = family(program).some(({ sensitive }) => sensitive.size > 0)
  secretive.set(program, found)
  return found
}

function holds(value: unknown, secrets: string[]): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).some((inner) => holds(inner, secrets))
  const text = String(value)
  return secrets.some(
    (secret) => secret !== '' && (text === secret || (secret.length >= SHORT && text.includes(secret))),
  )
}

/** As long as it was. */
export function concealed(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
      return CONCEALED.repeat(value.length)
    case 'number':
      return 0
    case 'object':
      return value === null ? null : concealedWithin(value)
    default:
      return value
  }
}

/** A verb's memory: its words (`phase`) are none of their digits. */
function concealedWithin(value: unknown): unknown {
  if (typeof value === 'number') return 0
  if (typeof value === 'string') return value.replace(/[0-9*#]/g, CONCEALED)
  if (Array.isArray(value)) return value.map(concealedWithin)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, concealedWithin(inner)]))
}

/** The shapes of effects; those in `harmless` (as texts) hold nothing secret and are given as they are. */
export function shapes(effects: readonly Effect[], harmless: ReadonlySet<string>): Effect[] {
  return effects.map((effect) => (harmless.has(JSON.stringify(effect)) ? effect : shape(effect)))
}

function shape(effect: Effect): Effect {
  switch (effect.type) {
    case 'play':
      return { ...effect, parts: [] }
    case 'http':
      return { ...effect, request: { method: effect.request.method, url: '', headers: {}, json: null } }
    case 'callback_check':
      return { ...effect, to: null }
    case 'callback':
      return { ...effect, request: { ...effect.request, to: null, note: null } }
    case 'press':
      return { ...effect, keys: CONCEALED.repeat(effect.keys.length) }
    case 'dial':
      return { ...effect, to: { number: '' } }
    default:
      return effect
  }
}
