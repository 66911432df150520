/** Calls that were agreed on. */
import type { Page, PageQuery } from './page.ts'

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

export interface CallbacksPort {
  list(
    query: PageQuery & { state: string | null; campaign: string | null; number: string | null },
  ): Promise<Page<CallbackView>>
  create(request: CallbackRequest): Promise<CallbackView>
  get(id: string): Promise<CallbackView>
  move(id: string, due_at: number): Promise<CallbackView>
  cancel(id: string): Promise<void>
}
