/** The whole of a campaign file, key by key, with the default of every key that is left out. */
import { z } from 'zod'
import type { Disposition } from '../call/record.ts'
import { duration, name, text, whole, yesNo, zone } from '../config/values.ts'
import { windows } from '../config/windows.ts'
import type { RetryRule } from './campaign.ts'
import { cronFault } from './cron.ts'

const HOUR = 3_600_000

/** CSV headers become `contact.*` names: lower case, everything but a–z and 0–9 to `_`. */
export function columnName(header: string): string {
  return header
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '_')
}

const column = text.transform(columnName)
const nullable = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? null)

/** `false` is a rule that never retries. */
const rule = z.preprocess(
  (value) => (value === false ? { delay: '0s', max: 0 } : value),
  z.strictObject({
    delay: duration,
    max: whole(0, 100).default(1),
    backoff: z.enum(['fixed', 'multiply']).default('fixed'),
    jitter: duration.prefault('0s'),
  }),
)

/** Dispositions that a rule may answer. `opted_out` and what was never dialled are not among them. */
const RETRIED = [
  ...['busy', 'no_answer', 'rejected', 'unreachable', 'congestion', 'trunk_error', 'silent', 'nomatch', 'hangup'],
  ...['machine', 'technical', 'abandoned', 'cancelled', 'unknown', 'completed'],
] as Disposition[]

const retry = z
  .strictObject(Object.fromEntries(RETRIED.map((disposition) => [disposition, rule.optional()])))
  .prefault({})
  .transform((rules) => {
    const kept: Partial<Record<Disposition, RetryRule>> = {}
    for (const disposition of RETRIED) {
      const one = rules[disposition] as z.output<typeof rule> | undefined
      if (one !== undefined && one.max > 0) kept[disposition] = one
    }
    // A silent line was promised a call; only an explicit `silent: false` takes that back.
    if (rules.silent === undefined) kept.silent = { delay: HOUR / 2, max: 1, backoff: 'fixed', jitter: 0 }
    return kept
  })

const date = z.iso.date('must be a date such as 2026-12-01')

const cron = text.superRefine((value, context) => {
  const fault = cronFault(value)
  if (fault !== null) context.addIssue({ code: 'custom', message: `: ${fault}` })
})

export const campaignSchema = z.strictObject({
  campaign: name,
  flow: name,
  contacts: z
    .strictObject({
      file: nullable(text),
      key: nullable(column),
      number: column.default('number'),
      timezone: nullable(column),
      language: nullable(column),
      consent: nullable(column),
      priority: nullable(column),
    })
    .prefault({}),
  timezone: nullable(zone),
  window: nullable(windows),
  holidays: z.array(date).default([]),
  dial: z
    .strictObject({
      trunks: nullable(z.array(name).min(1)),
      ring: duration.prefault('25s'),
      concurrency: nullable(whole(1, 100_000)),
      cps: nullable(z.number().gt(0).max(10_000)),
      amd: yesNo.default(false),
    })
    .prefault({}),
  attempts: z.strictObject({ max: whole(1, 100).default(5), per_day: nullable(whole(1, 100)) }).prefault({}),
  retry,
  callbacks: z
    .strictObject({
      expires: duration.prefault('24h'),
      on_missed: z.enum(['next_day', 'retry', 'close']).default('next_day'),
    })
    .prefault({}),
  agents: nullable(
    z.strictObject({
      group: name,
      pacing: z.enum(['progressive', 'predictive']).default('progressive'),
      abandon_cap: z.number().min(0).max(0.03).default(0.03),
    }),
  ),
  schedule: nullable(
    z.strictObject({
      cron,
      timezone: nullable(zone),
      missed: z.enum(['skip', 'run_once']).default('run_once'),
    }),
  ),
})
