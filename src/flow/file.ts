/** The shape of a flow's file. Steps and situations are looked at one by one, each by its verb's own shape. */

import { z } from 'zod'
import { count, durationBetween, fields, flag, LANGUAGE, ladder, target, text, word } from './schema.ts'

const language = z
  .string({ error: 'expected a language as en or ro' })
  .regex(LANGUAGE, { error: 'expected a language as en or ro' })
const anything = z.unknown()

export const voice = fields({
  name: word.optional(),
  rate: count(60, 450).optional(),
})

export const defaults = fields({
  timeout: durationBetween(100, 600_000, 'a timeout is between 100ms and 10m').optional(),
  inter_digit_timeout: durationBetween(100, 600_000, 'a timeout is between 100ms and 10m').optional(),
  barge_in: flag.optional(),
  max_talk: durationBetween(300, 600_000, 'max_talk is between 300ms and 10m').optional(),
  noinput: ladder.optional(),
  nomatch: ladder.optional(),
  max_attempts: count(1, 100).optional(),
})

export const limits = fields({
  max_call_time: durationBetween(1000, 14_400_000, 'max_call_time is between 1s and 4h').optional(),
  max_steps: count(1, 10_000).optional(),
})

const startWord = z
  .string({ error: 'expected a step, or { human, machine, unsure }' })
  .min(1, { error: 'expected a step, or { human, machine, unsure }' })

export const flowFile = fields({
  flow: word,
  description: word.optional(),
  language: language.optional(),
  voice: voice.optional(),
  vars: z.record(z.string(), anything, { error: 'expected a map: variable to default' }).optional(),
  include: z.array(word, { error: 'expected a list of files' }).optional(),
  defaults: defaults.optional(),
  limits: limits.optional(),
  start: z.union(
    [startWord, fields({ human: startWord, machine: startWord.optional(), unsure: startWord.optional() })],
    { error: 'expected a step, or { human, machine, unsure }' },
  ),
  situations: z.record(z.string(), anything, { error: 'expected a map: name to situation' }).optional(),
  steps: z
    .record(z.string(), anything, { error: 'expected a map: name to step' })
    .refine((steps) => Object.keys(steps).length > 0, { error: 'a flow has at least one step' }),
  on_error: word.optional(),
  on_hangup: z.array(anything, { error: 'expected a list of silent steps' }).optional(),
})

/** What a library file holds. */
export const libraryFile = fields({
  library: word.optional(),
  description: word.optional(),
  language: language.optional(),
  vars: z.record(z.string(), anything, { error: 'expected a map: variable to default' }).optional(),
  situations: z.record(z.string(), anything, { error: 'expected a map: name to situation' }).optional(),
  steps: z.record(z.string(), anything, { error: 'expected a map: name to step' }).optional(),
})

export const situation = fields({
  key: z
    .string({ error: 'expected a key: 0 to 9, * or #' })
    .regex(/^[0-9*#]$/, { error: 'expected a key: 0 to 9, * or #' })
    .optional(),
  label: word.optional(),
  hint: word.optional(),
  outcome: word.optional(),
  pace: z.enum(['slow', 'normal'], { error: 'expected slow or normal' }).optional(),
  goto: target.optional(),
  steps: z
    .array(anything, { error: 'expected a list of steps' })
    .min(1, { error: 'a situation has a step' })
    .optional(),
  strikes: count(0, 10).optional(),
  warn: text.optional(),
  say: text.optional(),
  // biome-ignore lint/suspicious/noThenProperty: the language names it so, and a schema is never awaited.
  then: target.optional(),
})
