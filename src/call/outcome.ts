/**
 * How a call ended, for its record, from what is known when it is closed: the end that the line told (if it did), who of
 * us had asked for the end, and what the conversation says of itself (if there was one).
 */
import type { FlowResult, HangupBy } from '../flow/io.ts'
import { dispositionOf } from './causes.ts'
import type { LineEvent } from './ports.ts'
import type { CallRecord } from './record.ts'

export type Ended = Extract<LineEvent, { type: 'ended' }>

/** Somebody outside of the flow asked for the end. */
export interface Asked {
  by: HangupBy
  disposition: 'cancelled' | 'technical'
}

export interface Facts {
  inbound: boolean
  answered: boolean
  end: Ended | null
  asked: Asked | null
  /** Null: the flow never began. */
  result: FlowResult | null
}

type Outcome = Pick<CallRecord, 'cause' | 'sip_code' | 'disposition' | 'hangup_by'> & Partial<CallRecord>

export function outcomeOf({ inbound, answered, end, asked, result }: Facts): Outcome {
  const line = { cause: end?.cause ?? null, sip_code: end?.sip ?? null }
  if (result) {
    const { disposition, hangup_by, outcome, last_step, vars, callback_at } = result
    return { ...line, disposition, hangup_by, outcome, last_step, vars, callback_at }
  }
  // They were quicker than whoever asked: what they answered is what happened.
  if (asked && end?.by !== 'callee') return { ...line, disposition: asked.disposition, hangup_by: asked.by }
  if (answered) return { ...line, ...unheard(end) }
  if (end === null) return { ...line, disposition: 'unknown', hangup_by: 'unknown' }
  // A cause speaks of the one who is called: a caller who gave up had no answer from us.
  if (inbound && end.by !== 'network') return { ...line, disposition: 'no_answer', hangup_by: hangupBy(end) }
  // Of us, nobody but the time that it may ring ends a call that is not answered.
  return { ...line, disposition: dispositionOf(end), hangup_by: end.by === 'us' ? 'limit' : end.by }
}

/** Answered, and gone before the flow began, e.g. while a machine was being told from a person. */
function unheard(end: Ended | null): Pick<CallRecord, 'disposition' | 'hangup_by'> {
  if (end === null) return { disposition: 'hangup', hangup_by: 'unknown' }
  const by = hangupBy(end)
  return { disposition: by === 'network' ? 'technical' : 'hangup', hangup_by: by }
}

/** Who ended an answered call; `us`, when nobody of us had asked, was Asterisk by itself. */
export function hangupBy({ by }: Ended): HangupBy {
  return by === 'us' ? 'unknown' : by
}
