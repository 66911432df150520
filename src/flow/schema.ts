/**
 * The shapes that verbs and the file are made of, as zod schemas, and the translation of what zod finds into problems
 * with a place, plain words and a near name. The schemas check shape alone (no transforms), so a JSON Schema for
 * editors can be had from the very same objects.
 */

import { z } from 'zod'
import type { Problem } from '../errors.ts'
import { DURATION, parseDuration } from './duration.ts'
import { near } from './near.ts'
import { type Located, type Path, placeOf } from './source.ts'

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
      return `expected ${list(names)}${guess === null ? '' : `: did you mean "${guess}"?`}`
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
  sound: z
    .string({ error: 'expected the name of a sound' })
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_./-]*$/, { error: 'the name of a sound has letters, digits, _, -, . and / only' })
    .refine((name) => !name.includes('..'), { error: 'the name of a sound has no ".."' }),
})
const TEXT = 'expected a text, a list of parts, { sound: NAME } or one text a language'
const oneLanguage = z.union([z.string(), sayAs, sound, z.array(z.union([z.string(), sayAs, sound], { error: TEXT }))], {
  error: TEXT,
})
export const text = z.union(
  [
    z.string(),
    z.array(z.union([z.string(), sayAs, sound], { error: TEXT })),
    sound,
    sayAs,
    z.record(z.string().regex(LANGUAGE, { error: 'expected a language as en or ro' }), oneLanguage),
  ],
  { error: TEXT },
)

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

function list(names: readonly string[]): string {
  return names.length === 1 ? `${names[0]}` : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}

/** What zod found wrong with the value at `path`, as problems in the file's own places. */
export function problemsOf(error: z.ZodError, file: string, root: Located, path: Path): Problem[] {
  const found = error.issues.flatMap((issue) => translate(issue as Issue, file, root, path))
  // A misspelt key is one fault, not a missing one beside an unknown one.
  return found.filter(
    (p) =>
      p.code !== 'missing' ||
      !found.some((q) => q.code === 'unknown-key' && q.message.includes(`mean ${p.message.split(' is missing')[0]}?`)),
  )
}

interface Issue {
  code: string
  path: PropertyKey[]
  message: string
  keys?: string[]
  errors?: Issue[][]
  issues?: Issue[]
  input?: unknown
}

function translate(issue: Issue, file: string, root: Located, base: Path): Problem[] {
  const path = [...base, ...(issue.path as Path)]
  const at = (code: string, message: string, where: Path, atKey = false): Problem => ({
    file,
    ...placeOf(root, where, atKey),
    severity: 'error',
    code,
    message,
  })
  const name = path.at(-1)
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(issue.message)
      return (issue.keys ?? []).map((key) => at('unknown-key', unknownKey(key, known), [...path, key], true))
    }
    case 'invalid_union': {
      const branch = closest(issue.errors ?? [])
      if (branch === null) break
      return branch.flatMap((inner) => translate(inner, file, root, path))
    }
    case 'invalid_key':
      return [at('name', `"${String(name)}": ${issue.issues?.[0]?.message ?? issue.message}`, path, true)]
    case 'invalid_element':
      return (issue.issues ?? []).flatMap((inner) => translate(inner, file, root, path))
  }
  if (!isThere(root, path))
    return [at('missing', `"${String(name)}" is missing: ${issue.message}`, path.slice(0, -1), true)]
  return [at('wrong-type', `${typeof name === 'string' ? `${name}: ` : ''}${issue.message}`, path)]
}

function isThere(root: Located, path: Path): boolean {
  let at: Located | undefined = root
  for (const step of path) at = at?.items.get(step)
  return at !== undefined
}

function knownKeys(message: string): string[] {
  try {
    return JSON.parse(message) as string[]
  } catch {
    return []
  }
}

export function unknownKey(key: string, known: readonly string[]): string {
  const guess = near(key, known)
  return `"${key}" is not known here${guess === null ? (known.length > 0 && known.length <= 12 ? `: use ${list(known)}` : '') : `: did you mean "${guess}"?`}`
}

/** The branch of a union that the value was meant to be: of its kind, and with the least wrong. Null when none is. */
function closest(branches: Issue[][]): Issue[] | null {
  let best: Issue[] | null = null
  let least = Number.POSITIVE_INFINITY
  for (const branch of branches) {
    const weight = branch.reduce((sum, issue) => sum + weigh(issue), 0)
    if (weight < least) {
      best = branch
      least = weight
    }
  }
  return best
}

/** How far a value is from a schema; infinite when it is not even of the same kind. */
function weigh(issue: Issue): number {
  switch (issue.code) {
    case 'invalid_type':
      return issue.path.length === 0 ? Number.POSITIVE_INFINITY : 1
    case 'unrecognized_keys':
      return 2 * (issue.keys?.length ?? 1)
    case 'invalid_key':
      return 3
    case 'invalid_union':
      return Math.min(
        Number.POSITIVE_INFINITY,
        ...(issue.errors ?? []).map((branch) => branch.reduce((sum, inner) => sum + weigh(inner), 0)),
      )
    default:
      return 1
  }
}
