/**
 * What the end of a call depends on, remembered from its reservation, so that the ledger need not be read again when it
 * ends. It may have changed meanwhile: whoever ends a call by what is remembered says what that was (`Basis`), and the
 * ledger refuses when it is not so any more. It is kept for as long as anybody holds the record that the reservation
 * made; of a call that another process has begun, nothing is.
 */
import type { CallRecord } from '../call/record.ts'
import type { Attempt, Basis } from '../store/attempts.ts'
import type { Callback } from '../store/callbacks.ts'

export interface Remembered {
  /** As it was reserved. */
  attempt: Attempt
  callback: Callback | null
  basis: Basis
}

const memory = new WeakMap<CallRecord, Remembered>()

export function remember(record: CallRecord, what: Remembered): void {
  memory.set(record, what)
}

/** Null for a call that was not reserved here, or that was never dialled: of that one the ledger may know better. */
export function remembered(record: CallRecord): Remembered | null {
  return record.dialed_at === null ? null : (memory.get(record) ?? null)
}
