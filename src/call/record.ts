/** The record of an attempt, as `interface.md` names it. Times are milliseconds since the epoch inside, RFC 3339 outside. */
import type { HangupBy, Verdict } from '../flow/io.ts'

export type Disposition =
  | 'completed'
  | 'hangup'
  | 'silent'
  | 'nomatch'
  | 'callback'
  | 'opted_out'
  | 'abandoned'
  | 'machine'
  | 'technical'
  | 'busy'
  | 'no_answer'
  | 'rejected'
  | 'unreachable'
  | 'congestion'
  | 'invalid_number'
  | 'trunk_error'
  | 'cancelled'
  | 'dnc'
  | 'expired'
  | 'blocked'
  | 'unknown'

export type Kind = 'first' | 'retry' | 'callback' | 'manual' | 'inbound' | 'leg'

export type CallState = 'reserved' | 'dialing' | 'ringing' | 'up' | 'ended'

export interface StepTrace {
  at: number
  step: string
  event: string
  /** The flow that was called and that the step is one of; absent: the call's own. */
  flow?: string
}

export interface CallRecord {
  id: string
  campaign: string | null
  contact: string | null
  number: string
  called: string | null
  attempt: number
  kind: Kind
  flow: string | null
  flow_version: string | null
  node: string | null
  trunk: string | null
  caller_id: string | null
  queued_at: number | null
  dialed_at: number | null
  ringing_at: number | null
  answered_at: number | null
  ended_at: number | null
  disposition: Disposition | null
  cause: number | null
  sip_code: number | null
  amd: Verdict | null
  hangup_by: HangupBy | null
  outcome: string | null
  last_step: string | null
  vars: Record<string, unknown>
  recordings: string[]
  callback_at: number | null
  failover_of: string | null
}
