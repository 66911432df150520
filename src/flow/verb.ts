/**
 * The shape of a verb. A verb is one file: what it takes (`schema`), what it becomes (`build`), what it does when a
 * step is entered, and what it does with what happens then. It keeps what it must remember in `state.act`, plain data
 * of its own.
 *
 * A verb that asks something leaves keys, silence, talk and ladders to `asking.ts` and gives it only its question and
 * the meaning of a key (`asks`).
 */

import type { z } from 'zod'
import type { Build } from './build.ts'
import type { FlowEvent, Spoken } from './io.ts'
import type { Manner, Rung, Step, Target, Text } from './program.ts'
import type { Sentence } from './render.ts'
import type { Slot } from './state.ts'
import type { Turn } from './turn.ts'

/** How a step is entered: anew, again by `repeat`, or going on after a situation. */
export type Entry = 'fresh' | 'again' | 'resume'

/** What a verb hears: its own timers by their slot, the end of what it said by its tag, answers of the outside world. */
export type VerbEvent =
  | { type: 'said'; tag: string }
  | { type: 'timer'; slot: Slot }
  | Extract<
      FlowEvent,
      { type: 'http' | 'task' | 'callback' | 'recorded' | 'pressed' | 'connected' | 'dialed' | 'opted_out' }
    >

/** Who moves the conversation along an exit: the other side by acting, or the flow and its machines by themselves. */
export type Mover = 'them' | 'itself'

/** One way out of a step, for the checks and the picture. `event` is what an `enter` effect says of it. */
export interface Exit {
  event: string
  /** `end`: the call ends there. */
  target: Target | 'end'
  mover: Mover
  label?: string | null
}

export interface Asks<Node> {
  manner(step: Step<Node>, turn: Turn): Manner
  /** The question, as it stands now. */
  prompt(turn: Turn, step: Step<Node>): Spoken[]
  /** A key: `more` waits for the next one, `taken` has already gone on, `miss` was not understood. */
  key(turn: Turn, step: Step<Node>, key: string): 'more' | 'taken' | 'miss'
  /** No further key came within `inter_digit_timeout`. */
  complete?(turn: Turn, step: Step<Node>): 'taken' | 'miss'
  /** Which keys of situations act while this asks. */
  situations(step: Step<Node>, turn: Turn): (key: string) => boolean
  /** Whether a miss is answered by the verb itself, without a ladder; `interrupted`: they talked for too long. */
  missed?(turn: Turn, step: Step<Node>, kind: 'noinput' | 'nomatch', interrupted: boolean): boolean
  /** Whether a key means nothing now: it is dropped and stops nothing. */
  ignores?(turn: Turn, step: Step<Node>, key: string): boolean
  /** The prompt, or a rung, is over and no key has answered it. */
  listening?(turn: Turn, step: Step<Node>): void
  /** Whether the question is asked again after a rung that does not say so. */
  again?(turn: Turn, step: Step<Node>, kind: 'noinput' | 'nomatch', rung: Rung): boolean
  /** Where it goes when the ladder has run out and no rung says where; null ends the call. */
  gaveUp?(step: Step<Node>): Target | null
}

export interface Verb<Node> {
  name: string
  /** All properties of the step, the common ones apart. */
  shape: Record<string, z.ZodType>
  /** Outcomes that `on:` may name; a menu's and a branch's ways are not outcomes. */
  outcomes: readonly string[]
  /** Whether it leaves by `next` without an outcome, and who makes it do so. */
  goesOn: Mover | false | ((node: Node) => Mover | false)
  /** Outcomes that come about only when the other side does something; the others are machines' and time's. */
  theirs?: readonly string[] | ((step: Step<Node>) => readonly string[])
  /** The outcomes that this very step can have; without it, all of them. */
  possible?(step: Step<Node>): readonly string[]
  // biome-ignore lint/suspicious/noExplicitAny: the schema has said what is in it.
  build(raw: any, build: Build): Node
  enter(turn: Turn, step: Step<Node>, entry: Entry): void
  on?(turn: Turn, step: Step<Node>, event: VerbEvent): void
  asks?: Asks<Node>
  /** A key while the step neither speaks nor asks; without it the key is kept for the next question. */
  key?(turn: Turn, step: Step<Node>, key: string): void
  /** They began (`on`) or stopped talking. */
  talk?(turn: Turn, step: Step<Node>, on: boolean): void
  /** Ways out beside outcomes, `next` and rungs. */
  exits?(step: Step<Node>): Exit[]
  /** Its ladders, where it has some. */
  ladders?(node: Node): Manner
  /** The words with which it asks the other side to do something; without any it would wait in silence. */
  question?(node: Node): Text
  /** What stands in the picture of a step that has no words. */
  title?(node: Node): string
  /** What else it says that is known before the dial: sentences of the language with the step's own values in them. */
  sentences?(node: Node): Sentence[]
  /** How long it waits without a sound, ms; a verb without it either speaks or takes no time. */
  silence?(node: Node): number
  /** Keys that it gives a meaning to, beside `options`. */
  keys?(node: Node): string[]
}
