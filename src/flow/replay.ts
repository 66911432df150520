/**
 * A journal once more, by the program that wrote it or by another one: every input in its order, and the first at which what
 * came of it was not what comes of it now.
 *
 * By the same version the effects must be the same bit for bit, which the sums of the journal show. By another version the
 * two are read side by side; other words alone do not lead the conversation elsewhere, so they are told and reading goes on.
 */
import { running } from './called.ts'
import type { Effect, FlowEvent } from './io.ts'
import { type Begin, type Entry, type Input, JOURNAL_FORMAT, Reader } from './journal.ts'
import type { Program } from './program.ts'

export interface Journal {
  begin: Begin
  inputs: (FlowEvent & Input)[]
  /** Where inputs are missing: how many were read before. */
  gap: number | null
}

/** An input with what came of it. `at` in ms since the conversation's first input. */
export interface Parting {
  /** From 1. */
  input: number
  at: number
  event: FlowEvent
  /** The named step in which it came. */
  step: string | null
  /** Null: only its sum is known. */
  was: Effect[] | null
  now: Effect[]
}

export interface Replayed {
  inputs: number
  effects: number
  /** The first input of which something else comes now; null: none. */
  parts: Parting | null
  /** The first before it at which only other words are said. */
  words: Parting | null
  /** Where reading could not go on, in words; null: it went to the end. */
  stopped: string | null
}

/** Sorts the entries. A sentence when this is no journal that can be read. */
export function readJournal(entries: unknown): Journal | string {
  if (!Array.isArray(entries) || entries.length === 0) return 'the journal is empty'
  const [first, ...rest] = entries as Entry[]
  if (first?.type !== 'begin') return 'the journal does not begin with its beginning'
  if (first.format > JOURNAL_FORMAT)
    return `the journal has format ${first.format}, and this program knows up to ${JOURNAL_FORMAT}: use a newer release`
  const inputs: (FlowEvent & Input)[] = []
  for (const entry of rest) {
    if (entry.type === 'gap') return { begin: first, inputs, gap: inputs.length }
    if (entry.type !== 'begin' && entry.type !== 'taken') inputs.push(entry)
  }
  return { begin: first, inputs, gap: null }
}

/** By the version that wrote it. */
export function replay(program: Program, { begin, inputs, gap }: Journal): Replayed {
  const reader = new Reader(program, begin)
  const told: Replayed = { inputs: 0, effects: 0, parts: null, words: null, stopped: missing(gap) }
  for (const input of inputs) {
    const step = reader.state.lastStep
    const now = reader.take(input)
    told.inputs += 1
    if (reader.sum !== input.sum) {
      told.parts = parting(told.inputs, inputs, step, null, now)
      told.stopped = null
      return told
    }
    told.effects += now.length
  }
  return told
}

/** By another version; `before` is the one that wrote it, null when its texts are gone. */
export function compare(before: Program | null, after: Program, journal: Journal): Replayed {
  if (before === null) return replay(after, journal)
  const { begin, inputs, gap } = journal
  const then = new Reader(before, begin)
  const reader = new Reader(after, begin)
  const told: Replayed = { inputs: 0, effects: 0, parts: null, words: null, stopped: missing(gap) }
  for (const input of inputs) {
    const step = then.state.lastStep
    const was = then.take(input)
    told.inputs += 1
    const kept = input.kept?.state
    const at = kept?.step ?? null
    if (kept !== undefined && at !== null && !running(after, kept).steps.has(at)) {
      told.stopped = `it went on by digits that are kept nowhere, to the step "${at}", which is not there now`
      return told
    }
    const now = reader.take(input)
    if (!same(was, now)) {
      const found = parting(told.inputs, inputs, step, was, now)
      if (!same(was.map(wordless), now.map(wordless))) {
        told.parts = found
        told.stopped = null
        return told
      }
      told.words ??= found
    }
    told.effects += now.length
  }
  return told
}

function parting(
  input: number,
  inputs: (FlowEvent & Input)[],
  step: string | null,
  was: Effect[] | null,
  now: Effect[],
): Parting {
  const { sum: _, kept: __, ...event } = inputs[input - 1]!
  return { input, at: event.at - inputs[0]!.at, event: event as FlowEvent, step, was, now }
}

function missing(gap: number | null): string | null {
  return gap === null ? null : `inputs are missing after the first ${gap}: the ledger was away for too long`
}

function wordless(effect: Effect): Effect {
  return effect.type === 'play' ? { ...effect, parts: [] } : effect
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
