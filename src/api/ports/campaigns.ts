/** Campaigns, what has become and will become of them, and the runs of `apel batch`. */
import type { CallRecord } from '../../call/record.ts'
import type { ContactState } from './contacts.ts'
import type { Page, PageQuery } from './page.ts'

export type CampaignState = 'ready' | 'running' | 'paused' | 'stopping' | 'stopped' | 'finished'

export interface CampaignView {
  name: string
  state: CampaignState
  /** The campaign as its author wrote it, without defaults. */
  definition: Record<string, unknown>
  counts: { contacts: number } & Record<ContactState, number>
  /** Contacts that are pending or held and have had no attempt. */
  untried: number
  dispositions: Record<string, number>
  outcomes: Record<string, number>
  /** Attempts so far. */
  attempts: number
  started_at: number | null
  finished_at: number | null
  /** Null without one. `last_result`: `started`, `skipped`, or the state that it found and left (`running`, `paused`). */
  schedule: { next_at: number | null; last_at: number | null; last_result: string | null } | null
}

/** How many went where in a campaign's conversations. */
export interface StepCounts {
  flow: string
  steps: Record<string, number>
  /** From step to step (`hangup` included), by the event that led there. */
  edges: { from: string; to: string; event: string; count: number }[]
  /** Conversations that ended in a step without another being entered. */
  ended: Record<string, number>
}

/** What a forecast may assume: shares between 0 and 1, `talk` in ms; null: as learned, else the defaults. */
export interface ForecastRequest {
  answer: number | null
  busy: number | null
  no_answer: number | null
  talk: number | null
  from: number | null
  seed: number
}

export interface ForecastView {
  campaign: string
  at: number
  from: number
  /** `talk` and `ring` in ms. */
  assumed: { rates: Record<string, number>; talk: number; ring: number; learned_from: number }
  contacts: { total: number; done: number; reached: number; exhausted: number; never: number; open: number }
  ends_at: number | null
  attempts: number
  dispositions: Record<string, number>
  exhausted: Record<string, number>
  never: { rule: string; reason: string; contacts: number; keys: string[] }[]
  hours: { at: number; calls: number; answered: number }[]
}

/** One run of `apel batch`, kept under the id that the caller chose, so that the same id starts nothing twice. */
export interface RunView {
  id: string
  campaign: string
  /** When the id was first seen. */
  at: number
  /** The campaign was started by this run; null until then. */
  started_at: number | null
  ended_at: number | null
  /** What the command answered; null while it waits. */
  exit: number | null
}

export interface CampaignsPort {
  /** Checks and keeps a definition (the YAML of a campaign file as plain values). Throws `bad_request` with problems. */
  put(name: string, definition: Record<string, unknown>): Promise<{ created: boolean; campaign: CampaignView }>
  get(name: string): Promise<CampaignView>
  list(query: PageQuery): Promise<Page<CampaignView>>
  start(name: string): Promise<CampaignView>
  pause(name: string): Promise<CampaignView>
  resume(name: string): Promise<CampaignView>
  stop(name: string, options: { now: boolean }): Promise<CampaignView>
  drain(name: string): Promise<CampaignView>
  counts(name: string): Promise<StepCounts>
  /** Ended attempts in the order of their end, after the one named. */
  results(name: string, after: string | null): AsyncIterable<CallRecord>
  forecast(name: string, request: ForecastRequest): Promise<ForecastView>
}

export interface RunsPort {
  /** Takes the id; the campaign need not exist yet. Kept for 90 days after its end. */
  begin(campaign: string, id: string): Promise<{ created: boolean; run: RunView }>
  /** `started`: sets `started_at` once; `exit`: sets it and `ended_at` once. What is set stays. */
  change(campaign: string, id: string, change: { started?: true; exit?: number }): Promise<RunView>
}
