/** Letters to webhooks that no receiver took. */
import type { Page, PageQuery } from './page.ts'

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

export interface WebhooksPort {
  /** Letters that no receiver took, newest first. */
  dead(query: PageQuery): Promise<Page<DeadLetterView>>
  /** In line again, with all its tries. Throws `not_found`, `invalid_state` when nobody sends to that receiver any more. */
  replay(id: string): Promise<void>
}
