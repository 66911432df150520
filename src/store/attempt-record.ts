/**
 * An attempt as Redis keeps it: each field of the record is JSON in a hash, so that what becomes known later is one small
 * write; what is not of the record has a name with `_`.
 */
import type { CallRecord, CallState } from '../call/record.ts'

/** What is known of an attempt besides its record. */
export interface Attempt {
  record: CallRecord
  state: CallState
  instance: string
  /** The process that holds it, by the name of its ARI application; the application that its channel is in. */
  owner: string
  app: string
  /** The contact's row; null without one. */
  row: number | null
  /** The callback that it carries out. */
  callback: string | null
  /** The campaign that a callback of this call belongs to, when it is an inbound one. */
  home: string | null
  /** Trunks that had refused the same call before this attempt. */
  tried: string[]
}

/** A record's fields as the hash holds them; what is null is left out. */
export function fieldsOf(record: Partial<CallRecord>): Record<string, string> {
  const known = Object.entries(record).filter(([, value]) => value !== null && value !== undefined)
  return Object.fromEntries(known.map(([name, value]) => [name, JSON.stringify(value)]))
}

const EMPTY: CallRecord = {
  id: '',
  campaign: null,
  contact: null,
  number: '',
  called: null,
  attempt: 1,
  kind: 'manual',
  flow: null,
  flow_version: null,
  node: null,
  trunk: null,
  caller_id: null,
  queued_at: null,
  dialed_at: null,
  ringing_at: null,
  answered_at: null,
  ended_at: null,
  disposition: null,
  cause: null,
  sip_code: null,
  amd: null,
  hangup_by: null,
  outcome: null,
  last_step: null,
  vars: {},
  recordings: [],
  callback_at: null,
  failover_of: null,
}

/** A record with everything unknown. */
export function blankRecord(known: Partial<CallRecord>): CallRecord {
  return { ...EMPTY, vars: {}, recordings: [], ...known }
}

/** As `fieldsOf`, without what is known already. */
export function changed(known: CallRecord | null, record: CallRecord): Record<string, string> {
  if (known === null) return fieldsOf(record)
  const names = Object.keys(record) as (keyof CallRecord)[]
  // Most of a record is the same text or number as before, which is seen without writing it out.
  const open = names.filter((name) => record[name] !== known[name])
  const fields = fieldsOf(Object.fromEntries(open.map((name) => [name, record[name]])))
  for (const name of open) if (fields[name] === JSON.stringify(known[name])) delete fields[name]
  return fields
}

/** The attempt in a hash; null when there is none. */
export function attemptOf(hash: Record<string, string>): Attempt | null {
  if (hash._state === undefined) return null
  const known = Object.entries(hash).filter(([name]) => !name.startsWith('_'))
  return {
    record: blankRecord(Object.fromEntries(known.map(([name, text]) => [name, JSON.parse(text)]))),
    state: hash._state as CallState,
    instance: hash._instance ?? '',
    owner: hash._owner ?? '',
    app: hash._app ?? '',
    row: hash._row ? Number(hash._row) : null,
    callback: hash._callback || null,
    home: hash._home || null,
    tried: hash._tried ? hash._tried.split(',') : [],
  }
}
