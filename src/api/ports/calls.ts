/** Calls, live and past. */
import type { CallRecord, CallState, Kind, StepTrace } from '../../call/record.ts'
import type { Page, PageQuery } from './page.ts'

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
  /** Of the call that is to be made; one that is there already is not made again. Null: a new one. */
  id: string | null
}

export interface CallsPort {
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
