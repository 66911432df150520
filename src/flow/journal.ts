/**
 * The journal of a conversation: what it began with, then every input with its time, in order. Whoever reads it with the
 * same program comes to the same state and the same effects.
 *
 * Each input carries a sum over all effects so far, so that a replay shows the very input from which on it differs, at twelve
 * letters an input. An input that cannot be replayed from what may be written (`secrets.ts`) carries what came of it.
 */
import { hash } from './hash.ts'
import type { CallContext, Effect, FlowEvent } from './io.ts'
import type { Program } from './program.ts'
import { concealed, shapes, withoutKey, withoutSecrets } from './secrets.ts'
import type { State } from './state.ts'
import { begin, step } from './step.ts'

/** Of the entries, and of what comes of them. A reader refuses a newer one. Decision 0140 says when it grows. */
export const JOURNAL_FORMAT = 1

/** The first entry, written before the call is dialled or answered. */
export interface Begin {
  type: 'begin'
  at: number
  format: number
  flow: string
  version: string
  /** The name under which the texts of the flow, and of all that it may take in, are kept; null: they are not. */
  texts: string | null
  context: CallContext
  /** By which another process finds the line of the call; null: it has none. */
  line: LineFacts | null
}

/** Where a call is, and what was asked for it. Times in ms. */
export interface LineFacts {
  node: string
  /** The ARI application that the channel is in. */
  app: string
  /** When the node was started, as it says itself: another time later means that no channel of then is left. */
  startup: string
  /** Whether a verdict about an answering machine is waited for. */
  amd: boolean
  /** How long it may ring, and when the node ends it by itself; null: the caller and the dialplan decide. */
  ring: number | null
  absolute: number | null
}

export interface Input {
  /** After this input; see `chain`. */
  sum: string
  /** What came of it, where that depends on digits that may be kept nowhere. */
  kept?: Kept
}

/** The state without its context, which no input changes. */
export interface Kept {
  state: Omit<State, 'context'>
  effects: Effect[]
}

export type Entry =
  | Begin
  | (FlowEvent & Input)
  /** Inputs that could not be kept while the ledger was away. */
  | { type: 'gap'; at: number; lost: number }
  /** Another process goes on with the call. */
  | { type: 'taken'; at: number; by: string }

/** A conversation that writes its journal as it goes. */
export class Writer {
  readonly program: Program
  state: State
  /** The state that a reader of the journal has. */
  #read: State
  #sum: string

  /** `sum` is that of the last input before; a conversation that begins has none. */
  constructor(program: Program, state: State, sum = '') {
    this.program = program
    this.state = state
    this.#read = withoutSecrets(program, state)
    this.#sum = sum
  }

  /** One event: what to do, and what to write before it is done. */
  take(event: FlowEvent): { entry: Entry; effects: Effect[] } {
    const { program } = this
    const before = { real: this.state, read: this.#read }
    const input = withoutKey(program, before.real, event)
    const { state, effects } = step(program, before.real, event)
    this.state = state
    this.#read = withoutSecrets(program, state)
    if (before.read === before.real && input === event && this.#read === state) {
      this.#sum = chain(this.#sum, effects)
      return { entry: { ...input, sum: this.#sum }, effects }
    }
    const again = step(program, before.read, input)
    const known = withoutSecrets(program, again.state)
    if (same(again.effects, effects) && same(stateOf(known), stateOf(this.#read))) {
      this.#sum = chain(this.#sum, effects)
      return { entry: { ...input, sum: this.#sum }, effects }
    }
    const shown = shapes(effects, new Set(again.effects.map((effect) => JSON.stringify(effect))))
    this.#sum = chain(this.#sum, shown)
    const kept: Kept = { state: stateOf(this.#read), effects: shown }
    return { entry: { ...input, sum: this.#sum, kept }, effects }
  }
}

/** What a conversation begins with, as it may be written: an override of a sensitive variable is not. */
export function beginOf(
  program: Program,
  context: CallContext,
  at: number,
  texts: string | null,
  line: LineFacts | null = null,
): Begin {
  const vars = Object.entries(context.vars).map(([name, value]) => [
    name,
    program.sensitive.has(name) ? concealed(value) : value,
  ])
  return {
    type: 'begin',
    at,
    format: JOURNAL_FORMAT,
    flow: program.flow,
    version: program.version,
    texts,
    context: { ...context, vars: Object.fromEntries(vars) },
    line,
  }
}

/** The sum of all effects up to these. */
export function chain(sum: string, effects: readonly Effect[]): string {
  return hash(sum + JSON.stringify(effects))
}

/** A reader of a journal: the conversation as far as it has been read. */
export class Reader {
  readonly program: Program
  state: State
  sum = ''

  constructor(program: Program, { context }: Begin) {
    this.program = program
    this.state = withoutSecrets(program, begin(program, context))
  }

  /** What came of this input. */
  take({ sum: _, kept, ...event }: FlowEvent & Input): Effect[] {
    const { context } = this.state
    const given = event as FlowEvent
    const turn =
      kept === undefined
        ? step(this.program, this.state, given)
        : { state: { ...kept.state, context: { ...context, amd: kept.state.verdict } }, effects: kept.effects }
    this.state = withoutSecrets(this.program, turn.state)
    this.sum = chain(this.sum, turn.effects)
    return turn.effects
  }
}

function stateOf({ context: _, ...state }: State): Omit<State, 'context'> {
  return state
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
