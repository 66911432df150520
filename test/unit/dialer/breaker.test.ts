import t from 'tap'
import type { CallRecord } from '../../../src/call/record.ts'
import { mayFailOver, signOf } from '../../../src/dialer/breaker.ts'
import { blankRecord } from '../../../src/store/attempt-record.ts'

const dialled = { kind: 'first', trunk: 'carrier', dialed_at: 1, hangup_by: 'callee' } as const

const table: [string, Partial<CallRecord>, ReturnType<typeof signOf>, boolean][] = [
  ['not let in', { sip_code: 401, disposition: 'trunk_error' }, '401', true],
  ['forbidden', { sip_code: 403, disposition: 'trunk_error' }, '403', true],
  ['proxy asks', { sip_code: 407, disposition: 'trunk_error' }, '407', true],
  ['unknown number', { sip_code: 404, disposition: 'invalid_number' }, '404', true],
  ['overloaded', { sip_code: 503, disposition: 'congestion' }, '5xx', true],
  ['timed out, perhaps on our side', { sip_code: 408, disposition: 'no_answer' }, '408', false],
  ['nothing came', { sip_code: 480, disposition: 'no_answer', hangup_by: 'limit' }, 'none', false],
  ['the node refused the endpoint', { disposition: 'trunk_error', hangup_by: 'network' }, 'none', false],
  ['busy', { sip_code: 486, disposition: 'busy' }, 'works', false],
  ['away', { sip_code: 480, disposition: 'no_answer' }, 'works', false],
  ['declined', { sip_code: 603, disposition: 'rejected' }, 'works', false],
  ['cancelled', { sip_code: 487, disposition: 'cancelled' }, 'works', false],
  ['not acceptable here', { sip_code: 488, disposition: 'trunk_error' }, null, false],
  ['rang before it failed', { sip_code: 503, ringing_at: 2, disposition: 'congestion' }, 'rang', false],
  ['answered', { answered_at: 2, disposition: 'completed' }, 'rang', false],
  ['never dialled', { dialed_at: null, disposition: 'technical' }, null, false],
  ['nobody knows', { disposition: 'unknown', hangup_by: 'unknown' }, null, false],
  ['an extension', { trunk: 'extensions@pbx', sip_code: 503, kind: 'leg' }, null, false],
  ['inbound', { kind: 'inbound', trunk: null }, null, false],
]

for (const [what, fields, sign, over] of table)
  t.test(`${what}: ${sign ?? 'says nothing of the trunk'}`, async (t) => {
    const record = blankRecord({ ...dialled, ...fields })
    t.equal(signOf(record), sign)
    t.equal(mayFailOver(record), over)
  })
