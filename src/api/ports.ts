/**
 * What the HTTP API needs of the rest of the service, and nothing more. `service.ts` implements it over the ledger, the dialer
 * and the live calls; tests bring one that lives in memory.
 *
 * Inside, times are milliseconds since the epoch; the routes turn them into RFC 3339. Whatever cannot be done is thrown as an
 * `ApelError` whose `code` stands in `errors.ts` beside this file (`not_found`, `invalid_state`, a rule of the gate, …);
 * `unavailable` when Redis cannot be reached.
 */
import type { Readable } from 'node:stream'
import type { ServiceEvent } from '../call/ports.ts'
import type { CallRecord, CallState, Kind, StepTrace } from '../call/record.ts'
import type { Problem } from '../errors.ts'

/** One page of a list. `cursor` and `next` are opaque to the client; `next` null: this was the last page. */
export interface Page<T> {
  items: T[]
  next: string | null
}

export interface PageQuery {
  limit: number
  cursor: string | null
}

export type CampaignState = 'ready' | 'running' | 'paused' | 'stopping' | 'stopped' | 'finished'
export type ContactState = 'pending' | 'waiting' | 'callback' | 'dialing' | 'done' | 'held'

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

/** A letter to a webhook that was given up. */
export interface DeadLetterView {
  id: string
  event: string
  at: number
  /** The receiver, without what may be secret in its address. */
  url: string
  /** E.164 of the call that it tells of; null: it tells of none. */
  number: string | null
  tries: number
  reason: string
  died_at: number
  /** What it tells, as the receiver would get it; null when that was erased. */
  data: Record<string, unknown> | null
}

export interface ContactView {
  key: string
  number: string
  state: ContactState
  attempts: number
  /** When it is next due; null when nothing is planned. */
  next_at: number | null
  /** The rule that holds it, when `state` is `held`. */
  held_by: string | null
  priority: number
  /** `contact.*`, as imported. */
  data: Record<string, string>
  last_disposition: string | null
}

export interface ContactChange {
  state?: 'pending' | 'done'
  priority?: number
  /** Columns to change; those not named stay. */
  data?: Record<string, string>
}

export interface Reject {
  row: number
  column: string | null
  reason: string
}

export interface ImportReport {
  accepted: number
  updated: number
  duplicate: number
  rejected: number
  /** The first 1,000. */
  rejects: Reject[]
  /** Names the whole list for `rejects()`; null when nothing was rejected or nothing was kept (dry run). */
  import: string | null
}

export interface ImportSource {
  stream: Readable
  format: 'csv' | 'ndjson'
  dry_run: boolean
  /** As `Content-Type` names it, one that can be read; without it, it is found out. */
  charset?: string | null
}

export interface CallView extends CallRecord {
  state: CallState
  steps: StepTrace[]
  legs: CallRecord[]
}

/** What a call's conversation began with and every input of it, with the texts of the flow as it was then. */
export interface JournalView {
  id: string
  /** As `flow/journal.ts` has them; times in ms. */
  entries: unknown[]
  /** Null when they are gone. */
  texts: { path: string; text: string }[] | null
}

export interface DialRequest {
  to: string
  flow: string
  /** A text given for a variable that is declared a number or true/false is to be taken as one (`--var amount=5`). */
  vars: Record<string, unknown>
  trunk: string | null
}

export interface CallbackView {
  id: string
  number: string
  campaign: string
  contact: string | null
  due_at: number
  expires_at: number
  state: string
  note: string | null
  /** Who is to take that call: the person they have spoken with, anybody, or nobody in particular (null). */
  agent: 'any' | 'same' | null
  flow: string | null
  at: string | null
  /** Attempts of this agreement so far. */
  attempts: number
  /** The call in which it was agreed on; null when it was made over the API. */
  call: string | null
}

export interface CallbackRequest {
  number: string
  campaign: string | null
  contact: string | null
  due_at: number
  /** ms after `due_at`. */
  expires: number | null
  flow: string | null
  at: string | null
  note: string | null
}

export interface DncEntry {
  /** E.164, or a prefix with `*` at its end. */
  number: string
  campaign: string | null
  reason: string | null
  at: number
}

/** Why a number is not being dialled; times in ms. */
export interface ExplanationView {
  number: string
  now: boolean
  next_at: number | null
  held_by: string | null
  /** `key` null: a callback without a contact. */
  contacts: {
    campaign: string
    key: string | null
    state: ContactState
    now: boolean
    next_at: number | null
    held_by: string | null
  }[]
  rules: { rule: string; verdict: 'pass' | 'hold' | 'refuse'; reason: string; until: number | null }[]
  attempts: CallRecord[]
}

/** Everything that is kept of a number; times in ms. */
export interface NumberView {
  number: string
  /** Newest first, with the legs of each call behind it. `journal`: what it began with and its inputs, while that is kept. */
  attempts: (CallRecord & { state: CallState; steps: StepTrace[]; journal: unknown[] })[]
  contacts: (ContactView & { campaign: string })[]
  callbacks: CallbackView[]
  /** Entries that hold it, prefixes of it among them. */
  dnc: DncEntry[]
}

export interface FlowView {
  name: string
  description: string | null
  version: string
  language: string
  /** Relative to the folder of flows. */
  file: string
  steps: string[]
  /** A flow with an error takes part in no call. */
  problems: Problem[]
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

export interface Health {
  ready: boolean
  redis: { writable: boolean; reason: string | null }
  ledger: { loaded: boolean; reason: string | null }
  nodes: { name: string; linked: boolean; reason: string | null }[]
}

/** An answer kept under an `Idempotency-Key`. `answer` null: the first request is still under way. */
export interface KeptAnswer {
  fingerprint: string
  answer: { status: number; body: string; type: string } | null
}

export interface ApiPorts {
  health(): Promise<Health>
  campaigns: {
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
  runs: {
    /** Takes the id; the campaign need not exist yet. Kept for 90 days after its end. */
    begin(campaign: string, id: string): Promise<{ created: boolean; run: RunView }>
    /** `started`: sets `started_at` once; `exit`: sets it and `ended_at` once. What is set stays. */
    change(campaign: string, id: string, change: { started?: true; exit?: number }): Promise<RunView>
  }
  contacts: {
    /** Reads the stream to its end with flat memory. A faulty row is a reject, a faulty file (no number column) an error. */
    import(campaign: string, source: ImportSource): Promise<ImportReport>
    rejects(campaign: string, id: string): AsyncIterable<Reject>
    list(campaign: string, query: PageQuery & { state: ContactState | null }): Promise<Page<ContactView>>
    get(campaign: string, key: string): Promise<ContactView>
    change(campaign: string, key: string, change: ContactChange): Promise<ContactView>
    remove(campaign: string, key: string): Promise<void>
  }
  calls: {
    /** Reserves and dials. Settles when the attempt is written down; a rule of the gate that refuses is its error's code. */
    dial(request: DialRequest): Promise<{ id: string }>
    list(
      query: PageQuery & { state: CallState | 'live' | null; kind: Kind | null; campaign: string | null },
    ): Promise<Page<CallView>>
    get(id: string): Promise<CallView>
    /** Throws `not_found` for a call that left none: never answered by a flow, or longer ago than journals are kept. */
    journal(id: string): Promise<JournalView>
    hangup(id: string): Promise<void>
    /** An operator raises a situation of the flow. Throws `not_found` when there is none of that name, `invalid_state` when nobody talks. */
    raise(id: string, situation: string): Promise<void>
    finishTask(id: string, name: string, task: { status: 'done' | 'failed'; result: unknown }): Promise<void>
  }
  callbacks: {
    list(
      query: PageQuery & { state: string | null; campaign: string | null; number: string | null },
    ): Promise<Page<CallbackView>>
    create(request: CallbackRequest): Promise<CallbackView>
    get(id: string): Promise<CallbackView>
    move(id: string, due_at: number): Promise<CallbackView>
    cancel(id: string): Promise<void>
  }
  dnc: {
    list(query: PageQuery & { campaign: string | null; number: string | null }): Promise<Page<DncEntry>>
    add(entry: { number: string; campaign: string | null; reason: string | null }): Promise<{
      created: boolean
      entry: DncEntry
    }>
    /** CSV with a column `number`, perhaps `campaign` and `reason`. */
    import(source: Pick<ImportSource, 'stream' | 'charset'>, campaign: string | null): Promise<ImportReport>
    /** Throws `not_found` when it was not on the list. */
    remove(number: string, campaign: string | null): Promise<void>
  }
  numbers: {
    /** Throws `bad_request` for what is no number. */
    export(number: string): Promise<NumberView>
    /** All but its do-not-call entries. Throws `invalid_state` while the number is on the telephone. */
    erase(number: string): Promise<void>
  }
  /** Every rule's verdict on the number; `campaign`: only as a contact of this one. */
  explain(number: string, campaign: string | null): Promise<ExplanationView>
  webhooks: {
    /** Letters that no receiver took, newest first. */
    dead(query: PageQuery): Promise<Page<DeadLetterView>>
    /** In line again, with all its tries. Throws `not_found`, `invalid_state` when nobody sends to that receiver any more. */
    replay(id: string): Promise<void>
  }
  flows(): Promise<FlowView[]>
  /** The file behind a sound that an Asterisk without a shared folder fetches; null when there is none. */
  sound(name: string): string | null
  control: {
    /** No new call anywhere until `resume`. */
    stop(): Promise<{ paused: boolean }>
    resume(): Promise<{ paused: boolean }>
    /**
     * Reads the flows and campaigns again; a file with an error keeps its former version. `config_changed`: `apel.yaml` waits for the
     * next start.
     */
    reload(): Promise<{ flows: number; campaigns: number; problems: Problem[]; config_changed: boolean }>
  }
  events: {
    /** Returns the way to stop listening. The listener must not throw and must not block. */
    subscribe(listener: (event: ServiceEvent) => void): () => void
  }
  idempotency: {
    /** Takes the key for 24 h, at once and only once; null: it is ours, else what is kept under it. */
    claim(key: string, fingerprint: string): Promise<KeptAnswer | null>
    keep(key: string, kept: KeptAnswer): Promise<void>
    /** Gives the key back after an answer that says "again" (503, 429). */
    release(key: string): Promise<void>
  }
}
