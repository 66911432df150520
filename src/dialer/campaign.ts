/**
 * A campaign as its author writes it, checked whole: names, durations, windows, rules of retry. Faults come with their
 * place in the file. The definition is kept as it was written; this is what the dialer works with.
 */
import { z } from 'zod'
import type { Disposition } from '../call/record.ts'
import { readDocument } from '../config/document.ts'
import { shapeProblems } from '../config/shape.ts'
import { duration, name, text, whole, yesNo, zone } from '../config/values.ts'
import { windows } from '../config/windows.ts'
import type { Problem } from '../errors.ts'
import type { Windows } from '../flow/io.ts'

export interface RetryRule {
  /** ms. */
  delay: number
  /** How often this rule may make it try again. */
  max: number
  /** `multiply`: delay × the number of this try by this rule. */
  backoff: 'fixed' | 'multiply'
}

/** Names of columns, as they are after the import has put them in lower case; null: there is none. */
export interface ContactColumns {
  file: string | null
  key: string | null
  number: string
  timezone: string | null
  language: string | null
  consent: string | null
  priority: string | null
}

export interface Campaign {
  name: string
  flow: string
  contacts: ContactColumns
  timezone: string | null
  window: Windows | null
  /** YYYY-MM-DD. */
  holidays: string[]
  /** `ring` in ms; null: what the trunk allows. */
  dial: { trunks: string[] | null; ring: number; concurrency: number | null; cps: number | null; amd: boolean }
  attempts: { max: number; per_day: number | null }
  retry: Partial<Record<Disposition, RetryRule>>
  /** `expires` in ms after the due time. */
  callbacks: { expires: number; on_missed: 'next_day' | 'retry' | 'close' }
  agents: { group: string; pacing: 'progressive' | 'predictive'; abandon_cap: number } | null
  schedule: { cron: string; timezone: string | null; missed: 'skip' | 'run_once' } | null
}

const SHORT_RING = 15_000
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

const rule = z.union([
  z.literal(false),
  z.strictObject({
    delay: duration,
    max: whole(0, 100).default(1),
    backoff: z.enum(['fixed', 'multiply']).default('fixed'),
  }),
])

/** Dispositions that a rule may answer. `opted_out` and what was never dialled are not among them. */
const RETRIED = [
  ...['busy', 'no_answer', 'rejected', 'unreachable', 'congestion', 'trunk_error', 'silent', 'nomatch', 'hangup'],
  ...['machine', 'technical', 'abandoned', 'cancelled', 'unknown', 'completed'],
] as Disposition[]

const retry = z
  .strictObject(Object.fromEntries(RETRIED.map((disposition) => [disposition, rule.optional()])))
  .prefault({})
  .transform((rules) => {
    const kept: Campaign['retry'] = {}
    for (const disposition of RETRIED) {
      const one = rules[disposition] as z.output<typeof rule> | undefined
      if (one !== undefined && one !== false) kept[disposition] = one
    }
    // A silent line was promised a call; only an explicit `silent: false` takes that back.
    if (rules.silent === undefined) kept.silent = { delay: HOUR / 2, max: 1, backoff: 'fixed' }
    return kept
  })

const date = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, 'must be a date such as 2026-12-01')

const schema = z.strictObject({
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
      cron: text,
      timezone: nullable(zone),
      missed: z.enum(['skip', 'run_once']).default('run_once'),
    }),
  ),
})

/** What the flow and trunk names may be; null: not checked. */
export interface Known {
  flows: readonly string[] | null
  trunks: readonly string[] | null
}

export interface LoadedCampaign {
  /** Null when there is an error. */
  campaign: Campaign | null
  /** As written, for `GET /v1/campaigns/{name}`. */
  definition: Record<string, unknown>
  problems: Problem[]
}

/** Reads the YAML of a campaign; `path` is named in the faults, and its name without ending must be the campaign's. */
export function loadCampaign(path: string, text: string, known: Known = { flows: null, trunks: null }): LoadedCampaign {
  const document = readDocument(text, path, {})
  const problems = [...document.problems]
  if (document.fatal) return { campaign: null, definition: {}, problems }
  problems.push(...shapeProblems(document, schema))
  const parsed = schema.safeParse(document.value ?? {})
  const report = (at: PropertyKey[], severity: Problem['severity'], code: string, message: string): void => {
    problems.push({ file: path, ...document.place(at), severity, code, message })
  }
  if (parsed.success) {
    const fileName = path
      .split('/')
      .at(-1)
      ?.replace(/\.ya?ml$/, '')
    if (fileName !== parsed.data.campaign)
      report(
        ['campaign'],
        'error',
        'name',
        `The campaign is named ${parsed.data.campaign}, its file ${fileName}: they must agree.`,
      )
    judge(toCampaign(parsed.data), known, report)
  }
  const failed = problems.some((problem) => problem.severity === 'error')
  return {
    campaign: failed || !parsed.success ? null : toCampaign(parsed.data),
    definition: (document.value ?? {}) as Record<string, unknown>,
    problems,
  }
}

/** As `loadCampaign`, for a definition that came over the API; the faults' places are its paths. */
export function parseCampaign(
  name: string,
  definition: Record<string, unknown>,
  known: Known = { flows: null, trunks: null },
): { campaign: Campaign; warnings: string[] } | { faults: { path: string; message: string }[] } {
  const parsed = schema.safeParse({ campaign: name, ...definition })
  if (!parsed.success)
    return {
      faults: parsed.error.issues.map((issue) => ({
        path: issue.path.join('.'),
        message: issue.message.replace(/^: /, ''),
      })),
    }
  const faults: { path: string; message: string }[] = []
  const warnings: string[] = []
  if (parsed.data.campaign !== name)
    faults.push({ path: 'campaign', message: `must be ${name}, the name in the address` })
  const campaign = toCampaign(parsed.data)
  judge(campaign, known, (at, severity, _code, message) => {
    if (severity === 'error') faults.push({ path: at.join('.'), message })
    else warnings.push(message)
  })
  return faults.length > 0 ? { faults } : { campaign, warnings }
}

/** The built-in campaign of callbacks that no other campaign owns. Its flow is that of the call that made each. */
export function callbacksCampaign(): Campaign {
  return toCampaign(schema.parse({ campaign: 'callbacks', flow: 'callbacks' }))
}

function toCampaign({ campaign, ...rest }: z.output<typeof schema>): Campaign {
  return { name: campaign, ...rest }
}

function judge(
  campaign: Campaign,
  known: Known,
  report: (at: PropertyKey[], severity: Problem['severity'], code: string, message: string) => void,
): void {
  if (campaign.name === 'callbacks')
    report(['campaign'], 'error', 'name', 'The name `callbacks` is taken by the built-in campaign; choose another.')
  if (known.flows !== null && !known.flows.includes(campaign.flow))
    report(['flow'], 'error', 'unknown-flow', `There is no flow named ${campaign.flow}.`)
  for (const trunk of campaign.dial.trunks ?? [])
    if (known.trunks !== null && !known.trunks.includes(trunk))
      report(
        ['dial', 'trunks'],
        'error',
        'unknown-trunk',
        `There is no trunk named ${trunk}; there are ${known.trunks.join(', ')}.`,
      )
  if (campaign.dial.ring < SHORT_RING)
    report(['dial', 'ring'], 'warning', 'short-ring', 'People need at least 15 s to reach the telephone.')
}
