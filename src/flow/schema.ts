/**
 * The shapes that verbs and the file are made of, as zod schemas. They check shape alone (no transforms), so a JSON
 * Schema for editors can be had from the very same objects. What they find is told by `shape-faults.ts`.
 */

import { z } from 'zod'
import { DURATION, parseDuration } from './duration.ts'
import { near } from './near.ts'

const MAX_DURATION = 20 * 86_400_000

/** Names of steps, situations, flows, variables. */
export const NAME = /^[\p{L}_][\p{L}\p{N}_-]*$/u
export const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/

export const LANGUAGE = /^[a-z]{2}(?:-[A-Za-z]{2,4})?$/

const DURATION_MESSAGE = 'expected a duration as 500ms, 5s, 10m or 2h'

export const duration = z
  .string({ error: DURATION_MESSAGE })
  .regex(DURATION, { error: DURATION_MESSAGE })
  .refine((text) => (parseDuration(text) ?? 0) <= MAX_DURATION, { error: 'a duration is at most 480h' })

/** A duration with limits of its own, in ms. */
export function durationBetween(least: number, most: number, words: string) {
  return duration.refine(
    (text) => {
      const ms = parseDuration(text)
      return ms === null || (ms >= least && ms <= most)
    },
    { error: words },
  )
}

export const word = z.string({ error: 'expected a text' })
export const flag = z.boolean({ error: 'expected true or false' })
export const variable = z.string({ error: 'expected the name of a variable' }).regex(VARIABLE, {
  error: 'expected the name of a variable: letters, digits and _',
})
export const key = z
  .string({ error: 'expected a key: 0 to 9, * or #' })
  .regex(/^[0-9*#]$/, { error: 'expected a key: 0 to 9, * or #' })

export function count(least: number, most: number) {
  const error = `expected a whole number from ${least} to ${most}`
  return z.int({ error }).min(least, { error }).max(most, { error })
}

export function oneOf<const T extends readonly [string, ...string[]]>(...names: T) {
  return z.enum(names, {
    error: (issue) => {
      const guess = typeof issue.input === 'string' ? near(issue.input, names) : null
      return `expected ${listed(names)}${guess === null ? '' : `: did you mean "${guess}"?`}`
    },
  })
}

/** A map whose keys are all known. */
export function fields<T extends Record<string, z.ZodType>>(shape: T) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? JSON.stringify(Object.keys(shape))
        : issue.code === 'invalid_type'
          ? 'expected a map of properties'
          : undefined,
  })
}

export const sayAs = fields({
  say_as: oneOf('digits', 'number', 'ordinal', 'money', 'date', 'time', 'spell'),
  value: word,
})
export const sound = fields({
  sound: z.string({ error: 'expected the name of a sound' }).regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, {
    error: 'the name of a sound has letters, digits, _ and -, at most 64, and is no path',
  }),
})
const TEXT = 'expected a text, a list of parts, { sound: NAME } or one text a language'
const parts = z
  .array(z.union([z.string(), sayAs, sound], { error: TEXT }), { error: TEXT })
  .min(1, { error: 'a text has at least one part' })
const oneLanguage = z.union([z.string(), sayAs, sound, parts], {
  error: TEXT,
})
export const text = z.union(
  [
    z.string(),
    parts,
    sound,
    sayAs,
    z.record(z.string().regex(LANGUAGE, { error: 'expected a language as en or ro' }), oneLanguage),
  ],
  { error: TEXT },
)

/** A text that has a usual one. */
const USUAL = 'expected a text, or true for the usual one'
export const textOrUsual = z.union([text, z.literal(true, { error: USUAL }), z.null({ error: USUAL })], {
  error: USUAL,
})

const cel = z.union([z.string(), z.number(), z.boolean()], { error: 'expected an expression' })
export const expression = cel
export const assignments = z.record(
  z.string().regex(VARIABLE, { error: 'expected the name of a variable: letters, digits and _' }),
  cel,
  { error: 'expected a map: variable to expression' },
)

const TARGET = 'expected a step, hangup, repeat, return, or { say, set, outcome, goto }'
const place = z.string({ error: TARGET }).min(1, { error: TARGET })
const inline = {
  label: word.optional(),
  hint: word.optional(),
  say: text.optional(),
  set: assignments.optional(),
  outcome: word.optional(),
  goto: place.optional(),
}
export const target = z.union([place, fields(inline)], { error: TARGET })

const LADDER = 'expected a text or a list of rungs'
const rung = z.union([text, fields({ ...inline, reprompt: flag.optional() })], { error: LADDER })
export const ladder = z.union([z.array(rung).min(1, { error: 'a ladder has at least one rung' }), rung], {
  error: LADDER,
})

/** Properties that every verb has. */
export const common = {
  next: target.optional(),
  outcome: word.optional(),
  label: word.optional(),
  hint: word.optional(),
  pace: oneOf('slow', 'normal').optional(),
}

/** Properties of a verb that asks. */
export const manner = {
  timeout: durationBetween(100, 600_000, 'a timeout is between 100ms and 10m').optional(),
  barge_in: flag.optional(),
  max_talk: durationBetween(300, 600_000, 'max_talk is between 300ms and 10m').optional(),
  noinput: ladder.optional(),
  nomatch: ladder.optional(),
  max_attempts: count(1, 100).optional(),
}

export function outcomes(names: readonly string[]) {
  return fields(Object.fromEntries(names.map((name) => [name, target.optional()]))).optional()
}

/** "a, b or c" */
export function listed(names: readonly string[]): string {
  return names.length === 1 ? `${names[0]}` : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}
