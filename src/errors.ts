/**
 * One error class for the whole service. `code` is from a fixed table (documented in `docs/errors.md`, held
 * together by a test), `message` says what, where and what to do, `facts` are the values as fields,
 * `again` answers whether the same request may succeed later by itself.
 */
export class ApelError extends Error {
  readonly code: string
  readonly facts: Record<string, unknown>
  readonly again: boolean

  constructor(code: string, message: string, facts: Record<string, unknown> = {}, again = false) {
    super(message)
    this.name = 'ApelError'
    this.code = code
    this.facts = facts
    this.again = again
  }
}

/** A fault in a file that a person wrote: where it is, what it is, and what to do. Lines and columns count from 1. */
export interface Problem {
  file: string
  line: number
  column: number
  severity: 'error' | 'warning'
  /** From a fixed, documented table, e.g. `unknown-key`. */
  code: string
  message: string
}

/** `+40712345678` to `+4071•••678`: no whole number ever reaches a log line (P9). */
export function maskNumber(number: string): string {
  if (number.length < 7) return number.replace(/.(?=.)/g, '•')
  return `${number.slice(0, 5)}•••${number.slice(-3)}`
}
