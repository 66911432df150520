/** Lists come in pages. */
/** One page of a list. `cursor` and `next` are opaque to the client; `next` null: this was the last page. */
export interface Page<T> {
  items: T[]
  next: string | null
}

export interface PageQuery {
  limit: number
  cursor: string | null
}
