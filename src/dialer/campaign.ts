/**
 * A campaign as its author writes it, checked whole: names, durations, windows, rules of retry. Faults come with their
 * place in the file. The definition is kept as it was written; this is what the dialer works with.
 */
import type { z } from 'zod'
import type { Disposition } from '../call/record.ts'
import { readDocument } from '../config/document.ts'
import { shapeProblems } from '../config/shape.ts'
import type { Problem, ProblemCode } from '../errors.ts'
import type { Windows } from '../flow/io.ts'
import { guess } from '../flow/near.ts'
import { campaignSchema } from './campaign-schema.ts'

export interface RetryRule {
  /** ms. */
  delay: number
  /** How often this rule may make it try again. */
  max: number
  /** `multiply`: delay × the number of this try by this rule. */
  backoff: 'fixed' | 'multiply'
  /** ms; a try comes up to this much later, by chance. */
  jitter: number
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
  /** Which definition in the ledger this is; null: it is not from there. */
  revision: string | null
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
  problems.push(...shapeProblems(document, campaignSchema))
  const parsed = campaignSchema.safeParse(document.value ?? {})
  const report = (at: PropertyKey[], severity: Problem['severity'], code: ProblemCode, message: string): void => {
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
  const parsed = campaignSchema.safeParse({ campaign: name, ...definition })
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
  return toCampaign(campaignSchema.parse({ campaign: 'callbacks', flow: 'callbacks' }))
}

function toCampaign({ campaign, ...rest }: z.output<typeof campaignSchema>): Campaign {
  return { name: campaign, revision: null, ...rest }
}

function judge(
  campaign: Campaign,
  known: Known,
  report: (at: PropertyKey[], severity: Problem['severity'], code: ProblemCode, message: string) => void,
): void {
  if (campaign.name === 'callbacks')
    report(['campaign'], 'error', 'name', 'The name `callbacks` is taken by the built-in campaign; choose another.')
  if (known.flows !== null && !known.flows.includes(campaign.flow))
    report(
      ['flow'],
      'error',
      'unknown-flow',
      `There is no flow named ${campaign.flow}${guess(campaign.flow, known.flows) || '.'}`,
    )
  for (const trunk of campaign.dial.trunks ?? [])
    if (known.trunks !== null && !known.trunks.includes(trunk))
      report(
        ['dial', 'trunks'],
        'error',
        'unknown-trunk',
        `There is no trunk named ${trunk}${guess(trunk, known.trunks) || `; there are ${known.trunks.join(', ')}.`}`,
      )
  if (campaign.dial.ring < SHORT_RING)
    report(['dial', 'ring'], 'warning', 'short-ring', 'People need at least 15 s to reach the telephone.')
}
