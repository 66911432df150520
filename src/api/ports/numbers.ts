/** A single number: whether it may be called, why it is not, and all that is kept of it. */
import type { CallRecord, CallState, StepTrace } from '../../call/record.ts'
import type { CallbackView } from './callbacks.ts'
import type { ContactState, ContactView, ImportReport, ImportSource } from './contacts.ts'
import type { Page, PageQuery } from './page.ts'

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

export interface DncPort {
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

export interface NumbersPort {
  /** Throws `bad_request` for what is no number. */
  export(number: string): Promise<NumberView>
  /** All but its do-not-call entries. Throws `invalid_state` while the number is on the telephone. */
  erase(number: string): Promise<void>
}
