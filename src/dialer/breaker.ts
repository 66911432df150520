/**
 * What the end of an attempt says of its trunk, apart from what it says of the number. A trunk that lets nobody in, knows
 * no number or does not answer at all looks, call by call, like numbers that cannot be reached; the run of them is
 * counted where the attempt ends (`store/scripts/breaker.ts`).
 */
import type { CallRecord } from '../call/record.ts'

/** `works`: it answered as a trunk does that works; `rang`: that was told when it rang; else the kind of its failure. */
export type TrunkSign = 'works' | 'rang' | '401' | '403' | '404' | '407' | '408' | '5xx' | 'none'

const FAILURES: Record<number, TrunkSign> = { 401: '401', 403: '403', 404: '404', 407: '407', 408: '408' }
const WORKS = new Set([480, 486, 487, 600, 603])

type Ended = Pick<
  CallRecord,
  'trunk' | 'dialed_at' | 'ringing_at' | 'answered_at' | 'sip_code' | 'disposition' | 'hangup_by' | 'kind'
>

/** Null: it says nothing of the trunk. */
export function signOf(record: Ended): TrunkSign | null {
  const { sip_code: sip, disposition } = record
  // The extensions of a PBX are no trunk: an operator's telephone that is not registered is nobody else's fault.
  if (record.kind === 'inbound' || record.trunk === null || record.trunk.startsWith('extensions@')) return null
  if (record.ringing_at !== null || record.answered_at !== null) return 'rang'
  if (record.dialed_at === null) return null
  // Asterisk ends a call that rang too long itself, and calls that 480: nobody had answered the INVITE at all.
  if (record.hangup_by === 'limit' && disposition === 'no_answer') return 'none'
  if (sip === null) return disposition === 'trunk_error' ? 'none' : null
  if (WORKS.has(sip)) return 'works'
  return FAILURES[sip] ?? (sip >= 500 && sip < 600 ? '5xx' : null)
}

/**
 * May the call be made again over another trunk at once? Only when this one refused it with a final answer, and nobody's
 * telephone can have rung. A 408 may be Asterisk's own word for no answer at all, so it is none.
 */
export function mayFailOver(record: Ended): boolean {
  const sign = signOf(record)
  return sign !== null && sign !== 'rang' && sign !== 'works' && sign !== 'none' && sign !== '408'
}

/** The news of a breaker as they are told: `until` in ms while it is paused; `reason`: the answers that did it. */
export function trunkView(
  { trunk, state, until, kind }: { trunk: string; state: string; until: number; kind: string },
  trunks: readonly { name: string; node: string }[],
): Record<string, unknown> {
  const node = trunks.find(({ name }) => name === trunk)?.node ?? null
  const reason = kind === '' ? null : kind === 'none' ? 'no answer' : kind
  return { name: trunk, node, state, until: state === 'paused' ? until : null, reason }
}
