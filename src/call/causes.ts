/**
 * Why a call that nobody answered ended, as a disposition. Asterisk gives the Q.850 cause (it translates the SIP answer
 * into one) and the SIP code; the cause decides, and the code corrects it where Asterisk's translation would blame
 * the callee for the trunk. Measured on Asterisk 22 (SIP code to cause): 401 403 407 603 to 21, 404 604 to 1, 408 to 18,
 * 410 to 22, 480 483 to 19, 484 to 28, 486 600 to 17, 488 606 to 58, 500 to 38, 501 to 29, 502 to 27, 503 580 to 34, 504 to
 * 102, 420 to 3, the others to 127; our ring timeout is 19 with 480, our own hang-up while it rings 16.
 */
import { ApelError } from '../errors.ts'
import type { LineEvent } from './ports.ts'
import type { Disposition } from './record.ts'

export type Ended = Pick<Extract<LineEvent, { type: 'ended' }>, 'cause' | 'sip' | 'by'>

/** The trunk did not let us in: says nothing about the number. */
const TRUNK_CODES = new Set([401, 403, 407])

const BY_CAUSE: Record<number, Disposition> = {
  17: 'busy',
  18: 'no_answer',
  19: 'no_answer',
  20: 'unreachable',
  21: 'rejected',
  1: 'invalid_number',
  22: 'invalid_number',
  28: 'invalid_number',
  34: 'congestion',
  38: 'congestion',
  41: 'congestion',
  42: 'congestion',
  44: 'congestion',
  27: 'congestion',
  102: 'congestion',
}

/** Causes that only say "it was ended": no answer about the number, so who ended it decides. */
const PLAIN = new Set([0, 16, 31])

/**
 * The disposition of a call that ended before it was answered. The node lost together with the call is `unknown`
 * (nobody can tell whether it was answered); ended by us before the ring time is `cancelled`; Asterisk's own time
 * limit is `no_answer`, since it rang to the end.
 */
export function dispositionOf(end: Ended): Disposition {
  if (end.by === 'network') return 'unknown'
  if (end.sip !== null && TRUNK_CODES.has(end.sip)) return 'trunk_error'
  if (end.cause === null || PLAIN.has(end.cause)) {
    if (end.by === 'us') return 'cancelled'
    if (end.by === 'limit') return 'no_answer'
    if (end.cause === null && end.by === 'unknown') return 'unknown'
  }
  return BY_CAUSE[end.cause ?? 0] ?? 'trunk_error'
}

/** The node refuses before it sends anything; only a channel of the same id means that somebody else may be dialling. */
export function dispositionOfRefusal(error: unknown): Disposition {
  return error instanceof ApelError && error.code === 'channel_exists' ? 'unknown' : 'trunk_error'
}
