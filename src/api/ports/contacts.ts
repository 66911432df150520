/** The contacts of a campaign, and how they come in. */

import type { Readable } from 'node:stream'
import type { Page, PageQuery } from './page.ts'

export type ContactState = 'pending' | 'waiting' | 'callback' | 'dialing' | 'done' | 'held'

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

export interface ContactsPort {
  /** Reads the stream to its end with flat memory. A faulty row is a reject, a faulty file (no number column) an error. */
  import(campaign: string, source: ImportSource): Promise<ImportReport>
  rejects(campaign: string, id: string): AsyncIterable<Reject>
  list(campaign: string, query: PageQuery & { state: ContactState | null }): Promise<Page<ContactView>>
  get(campaign: string, key: string): Promise<ContactView>
  change(campaign: string, key: string, change: ContactChange): Promise<ContactView>
  remove(campaign: string, key: string): Promise<void>
}
