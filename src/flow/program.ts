/**
 * What a checked flow is once it has been read: a program that the interpreter runs. Texts are cut into parts,
 * expressions are compiled, every target names something that is there. A program is made once, is never changed,
 * and is shared by all the calls that run it.
 *
 * Steps without a name of their own (those of a situation, of `on_hangup`, the built-in ones) live beside the named
 * ones under an id that no author can write, e.g. `@situation.threats/0`.
 */

import type { PhraseName } from './phrases.ts'
import type { Scope } from './scope.ts'
import type { Verb } from './verb.ts'

/** Lines and columns count from 1. */
export interface Place {
  line: number
  column: number
}

/** The types that a variable can have; `any` is not known before the call. */
export type ValueType = 'text' | 'number' | 'boolean' | 'list' | 'map' | 'any'

/** A compiled CEL expression. `run` throws where the expression has no value (a missing field, a bad number). */
export interface Expression {
  source: string
  type: ValueType
  /** The flow's variables that it reads. */
  reads: string[]
  run(scope: Scope): unknown
}

/** Plain text with holes. */
export type Template = (string | Expression)[]

export type SayAs = 'digits' | 'number' | 'ordinal' | 'money' | 'date' | 'time' | 'spell'

export type Part =
  | { kind: 'words'; template: Template }
  | { kind: 'sound'; name: string }
  | { kind: 'say_as'; as: SayAs; template: Template }

/** What is to be said, by language. A built-in one is a phrase, kept in `phrases.ts` in every language that we speak. */
export type Text =
  | { kind: 'written'; variants: Map<string, Part[]>; place: Place /** The id of what it belongs to. */; of: string }
  | { kind: 'phrase'; phrase: PhraseName }

export interface Assignment {
  name: string
  type: ValueType
  value: Expression
}

/** Where the conversation goes. */
export type Target =
  | { to: 'step'; step: string; place: Place }
  | { to: 'hangup'; place: Place }
  | { to: 'repeat'; place: Place }
  | { to: 'return'; place: Place }
  | { to: 'inline'; inline: Inline; place: Place }

/** `{ label, hint, say, set, outcome, goto }`: performed in the order set, outcome, say, goto. */
export interface Inline {
  /** Its index in `Program.inlines`, by which a state refers to it. */
  id: number
  label: string | null
  hint: string | null
  set: Assignment[]
  outcome: string | null
  say: Text | null
  /** Null: the `next` of the step it belongs to. Never inline itself. */
  goto: Target | null
}

/** One rung of a ladder: what is done the n-th time that nothing, or nothing understandable, came. */
export interface Rung extends Inline {
  /** Whether the question itself is asked again after the rung's text. */
  reprompt: boolean
}

export type Ladder = Rung[]

/** How a step asks: the properties that `menu`, `gather`, `callback` and `listen` share. Times in ms. */
export interface Manner {
  timeout: number
  interDigit: number
  maxTalk: number
  bargeIn: boolean
  /** By the call's direction, since the promise "I will call you back" is made on our own calls only. */
  noinput: { inbound: Ladder; outbound: Ladder }
  nomatch: Ladder
  maxAttempts: number
}

// biome-ignore lint/suspicious/noExplicitAny: a step's node belongs to its verb alone, which made it and reads it back.
export interface Step<Node = any> {
  id: string
  /** Null for a step that the author gave no name. */
  name: string | null
  verb: Verb<Node>
  node: Node
  /** The written `next`, else the step below; null when there is neither. */
  next: Target | null
  /** Whether `next` was written, not just the step below. */
  nextWritten: boolean
  on: Map<string, Target>
  outcome: string | null
  label: string | null
  hint: string | null
  pace: 'slow' | 'normal' | null
  /** The flow's own file, or a library's. */
  file: string
  place: Place
}

export interface Situation {
  name: string
  key: string | null
  label: string | null
  hint: string | null
  outcome: string | null
  pace: 'slow' | 'normal' | null
  say: Text | null
  goto: Target | null
  /** The id of its first step. */
  first: string | null
  strikes: number
  warn: Text | null
  /** What is done when the strikes are used up. */
  final: Target | null
  /** The flow's own file, or a library's. */
  file: string
  place: Place
}

export interface Program {
  flow: string
  /** A short hash of the text (and of what it includes): the same text is the same version anywhere. */
  version: string
  file: string
  description: string | null
  language: string
  voice: { name: string | null; rate: number | null }
  /** Every variable with its default. */
  vars: Record<string, unknown>
  types: Record<string, ValueType>
  /** Variables that anything in the flow assigns. */
  assigned: Set<string>
  /** Variables that hold digits which may be kept nowhere. */
  sensitive: Set<string>
  /** Fields of `contact` and `previous` that are read, so that a missing one can be read as "". */
  reads: { contact: Set<string>; previous: Set<string>; tasks: Set<string>; campaign: Set<string> }
  start: { human: Target; machine: Target | null; unsure: Target | null }
  /** In the order of the file, unnamed ones after the named. */
  steps: Map<string, Step>
  inlines: Inline[]
  situations: Map<string, Situation>
  /** Keys of situations. */
  keys: Map<string, string>
  onError: string
  onHangup: string[]
  limits: { maxCallTime: number; maxSteps: number }
  manner: Manner
  /** Every written text, for rendering before the dial. */
  texts: Text[]
}
