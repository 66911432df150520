/** The checker must not be lenient: accounts that are wrong in one point are each told, and sound ones pass. */
import t from 'tap'
import type { Dialog } from '../../src/phones/sip-log.ts'
import { type Account, broken, type Evidence } from './checker.ts'

const at = Date.parse('2026-01-05T10:00:00Z')
const iso = (ms: number) => new Date(at + ms).toISOString()

const dialog = (n: number, given: Partial<Dialog> = {}): Dialog => ({
  ...{ callId: `c${n}`, to: `+4072200000${n}`, from: '+40311234567', by: 'far', invites: 1, invitedAt: at + n * 1000 },
  ...{ ringingAt: null, code: 200, answeredAt: at + n * 1000 + 200, cancelledAt: null },
  ...{ byeAt: at + n * 1000 + 5000, byeBy: 'far', ...given },
})
const record = (n: number, given: Partial<Account> = {}): Account => ({
  ...{
    id: `a${n}`,
    number: `+4072200000${n}`,
    kind: 'first',
    trunk: 'carrier',
    disposition: 'completed',
    outcome: null,
  },
  ...{ queued_at: iso(n * 1000 - 50), dialed_at: iso(n * 1000 - 10), answered_at: iso(n * 1000 + 200) },
  ...{ ended_at: iso(n * 1000 + 5000), ...given },
})
const sound: Evidence = {
  dialogs: [dialog(1), dialog(2), dialog(3)],
  records: [record(1), record(2), record(3)],
  trunks: { carrier: { channels: 3, cps: 1 } },
  deaths: [],
  longest: 60_000,
  forbidden: ['+40722000009'],
  pauses: [{ from: at + 3500, to: at + 60_000 }],
  deliveries: [1, 2, 3].map((n) => ({ id: `d${n}`, event: 'call.ended', call: `a${n}`, disposition: 'completed' })),
  channels: 0,
  bridges: 0,
  logs: 'call a1 to +4072•••001 ended\n',
  secrets: ['hunter2'],
  survivors: [{ number: '+40722000001', reached: true, silence: 300 }],
  processes: [{ name: 'first', fresh: { bytes: 40e6, handles: 30 }, now: { bytes: 45e6, handles: 31 } }],
}

t.test('sound accounts break nothing', async (t) => {
  t.same(broken(sound), [])
  const retried = [record(1), record(1, { id: 'a9', kind: 'retry', queued_at: iso(8000), ended_at: iso(9000) })]
  const both = [dialog(1), dialog(1, { callId: 'c9', invitedAt: at + 8100, byeAt: at + 8900 })]
  t.same(broken({ ...sound, records: retried, dialogs: both, deliveries: null, pauses: [] }), [])
  const elsewhere = [record(1), record(2), record(3, { trunk: 'other' })]
  t.same(broken({ ...sound, records: elsewhere, trunks: { carrier: { channels: 2, cps: 1 } } }), [], 'by the trunk')
  const again = record(2, { id: 'a8', trunk: 'other', queued_at: iso(2100), ended_at: iso(7000) })
  const over = dialog(2, { callId: 'c8', invitedAt: at + 2200 })
  const failover = { ...sound, records: [...sound.records, again], dialogs: [...sound.dialogs, over], deliveries: null }
  t.same(broken(failover), [], 'one number over two trunks')
  const cut = sound.dialogs.map((each) => ({ ...each, byeAt: null }))
  const death = { at: at + 3100, trunks: ['carrier'] }
  const later = dialog(4, { callId: 'c4' })
  const fourth = { ...sound, dialogs: [...cut, later], records: [...sound.records, record(4)], deliveries: null }
  t.same(broken({ ...fourth, pauses: [], deaths: [death] }), [], 'channels die with their Asterisk')
  t.match(broken({ ...fourth, pauses: [] }), [/^P7: 4 calls/], 'and only with it')
  const unanswered = record(4, { answered_at: null, disposition: 'unknown' })
  t.same(broken({ ...sound, records: [...sound.records, unanswered], deliveries: null }), [], 'perhaps never dialled')
})

const wrong: [string, RegExp, Partial<Evidence>][] = [
  [
    'a second dialog of one attempt',
    /^P1: the attempt a1/,
    { dialogs: [...sound.dialogs, dialog(1, { callId: 'x' })] },
  ],
  ['an answer that nobody gave', /^P1: the attempt a3/, { dialogs: sound.dialogs.slice(0, 2) }],
  ['a dialog without an attempt', /^P2: \+40722000003/, { records: sound.records.slice(0, 2) }],
  [
    'one written down after its dialog',
    /^P2/,
    { records: [record(1, { queued_at: iso(2000) }), record(2), record(3)] },
  ],
  [
    'one without an end',
    /^P3: the attempt a2 has not/,
    { records: [record(1), record(2, { ended_at: null }), record(3)] },
  ],
  [
    'one that took too long',
    /^P3: .* took/,
    { records: [record(1, { ended_at: iso(900_000) }), record(2), record(3)] },
  ],
  ['one that is there twice', /^P3: .* twice/, { records: [...sound.records, record(3)] }],
  ['a forbidden number', /^P4: \+40722000002 may not/, { forbidden: ['+40722000002'] }],
  ['a call after a pause', /^P4: .* after a pause/, { pauses: [{ from: at, to: at + 60_000 }] }],
  ['a channel', /^P5/, { channels: 1 }],
  ['a bridge', /^P5/, { bridges: 1 }],
  ['a result that nobody heard of', /^P6: nobody/, { deliveries: sound.deliveries!.slice(1) }],
  [
    'a result under two keys',
    /^P6: .* two keys/,
    { deliveries: [...sound.deliveries!, { ...sound.deliveries![0]!, id: 'd8' }] },
  ],
  [
    'a result told as another',
    /^P6: .* told as busy/,
    { deliveries: [{ ...sound.deliveries![0]!, disposition: 'busy' }, ...sound.deliveries!.slice(1)] },
  ],
  [
    'more in a second than the trunk allows',
    /^P7: 2 calls over carrier began/,
    { dialogs: [dialog(1, { invitedAt: at + 1500 }), dialog(2), dialog(3)] },
  ],
  ['more at once than the trunk allows', /^P7: 3 calls were on/, { trunks: { carrier: { channels: 2, cps: 9 } } }],
  [
    'memory that is not given back',
    /^P8: first holds 57 MB/,
    { processes: [{ name: 'first', fresh: { bytes: 40e6, handles: 30 }, now: { bytes: 100e6, handles: 30 } }] },
  ],
  [
    'handles that are not given back',
    /^P8: first has 130/,
    { processes: [{ name: 'first', fresh: { bytes: 40e6, handles: 30 }, now: { bytes: 40e6, handles: 130 } }] },
  ],
  [
    'listeners that are left',
    /^P8: listeners/,
    { logs: '(node:1) MaxListenersExceededWarning: Possible EventEmitter memory leak' },
  ],
  ['a whole number in a log', /^P9: a whole number/, { logs: 'dialling 40722000001' }],
  ['a secret in a log', /^P9: a secret/, { logs: 'password hunter2' }],
  ['a rejection', /^P10/, { logs: 'UnhandledRejection: x' }],
  ['a call that its process took along', /^P11/, { survivors: [{ number: '1', reached: false, silence: 0 }] }],
]

for (const [what, sentence, change] of wrong)
  t.test(`${what} is told`, async (t) => {
    const told = broken({ ...sound, ...change })
    t.ok(
      told.some((each) => sentence.test(each)),
      told.join('; ') || 'nothing was told',
    )
  })
