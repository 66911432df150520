/** Cursors as lists give them as `next`. A client may send anything; what no list has given is `bad_request`. */
import { ApelError } from '../errors.ts'

const strange = (): ApelError => new ApelError('bad_request', '`cursor` is not one that a list gave.')

/** Of a list that is read by position; null is its beginning. */
export function positionOf(cursor: string | null): number {
  if (cursor === null) return 0
  if (!/^\d{1,15}$/.test(cursor)) throw strange()
  return Number(cursor)
}

/** Of a Redis stream that is read backwards: what `XREVRANGE` begins with. */
export function beforeEntry(cursor: string | null): string {
  if (cursor === null) return '+'
  if (!/^\d{1,19}-\d{1,19}$/.test(cursor)) throw strange()
  return `(${cursor}`
}

/** Of a scan, `CURSOR.SKIP`: one step of it may give more than a page, the rest is skipped to by the next one. */
export function scanOf(cursor: string | null): { at: string; skip: number } {
  const [, at, skip] = /^(\d{1,19})\.(\d{1,9})$/.exec(cursor ?? '0.0') ?? []
  if (at === undefined) throw strange()
  return { at, skip: Number(skip) }
}
