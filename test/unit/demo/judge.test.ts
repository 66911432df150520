/** The judge of the demo must not be lenient: every account that differs in one point is noticed. */
import t from 'tap'
import { dispositionsByWire, type JudgedRecord, judge, type Person } from '../../../demo/judge.ts'
import type { Dialog } from '../../../src/phones/sip-log.ts'

const at = Date.parse('2026-01-05T10:00:00Z')
const iso = (ms: number) => new Date(at + ms).toISOString()

const people: Person[] = [
  {
    name: 'key at once',
    number: '+40722000001',
    attempts: [{ kind: 'first', disposition: 'completed', outcome: 'confirmed', code: 200, byeBy: 'far' }],
  },
  {
    name: 'busy',
    number: '+40722000002',
    attempts: [{ kind: 'first', disposition: 'busy', outcome: null, code: 486, byeBy: null }],
  },
  {
    name: 'calls in',
    number: '+40733000001',
    attempts: [{ kind: 'inbound', disposition: 'silent', outcome: null, code: 200, byeBy: 'far' }],
  },
]

const base = {
  invites: 1,
  invitedAt: at,
  ringingAt: null,
  cancelledAt: null,
  byeBy: null,
  answeredAt: null,
  byeAt: null,
}
const dialogs: Dialog[] = [
  {
    ...base,
    callId: 'a',
    to: '+40722000001',
    from: 'x',
    by: 'far',
    code: 200,
    answeredAt: at + 300,
    byeAt: at + 9000,
    byeBy: 'far',
  },
  { ...base, callId: 'b', to: '+40722000002', from: 'x', by: 'far', code: 486 },
  {
    ...base,
    callId: 'c',
    to: 'y',
    from: '+40733000001',
    by: 'phone',
    code: 200,
    answeredAt: at + 500,
    byeAt: at + 9000,
    byeBy: 'far',
  },
]

const open = { attempt: 1, outcome: null, answered_at: null, last_step: null, dialed_at: iso(0), ended_at: iso(9000) }
const records: JudgedRecord[] = [
  {
    ...open,
    id: '1',
    number: '+40722000001',
    kind: 'first',
    disposition: 'completed',
    outcome: 'confirmed',
    answered_at: iso(320),
  },
  { ...open, id: '2', number: '+40722000002', kind: 'first', disposition: 'busy' },
  {
    ...open,
    id: '3',
    number: '+40733000001',
    kind: 'inbound',
    disposition: 'silent',
    answered_at: iso(510),
    dialed_at: null,
  },
]

t.test('three accounts that agree leave nothing to say', (t) => {
  t.strictSame(judge(people, dialogs, records), [])
  t.strictSame(dispositionsByWire(people, dialogs), { completed: 1, busy: 1, silent: 1 })
  t.end()
})

const spoiled: [string, Dialog[], JudgedRecord[], RegExp][] = [
  ['a dialog without a record', dialogs, records.slice(1), /0 attempts in the ledger for 1 dialogs/],
  ['a record without a dialog', dialogs.slice(1), records, /0 dialogs on the wire, expected 1/],
  ['a second dialog for one attempt', [...dialogs, { ...dialogs[0]!, callId: 'd' }], records, /2 dialogs on the wire/],
  ['a stranger on the wire', [...dialogs, { ...dialogs[0]!, to: '+40799999999' }], records, /nobody's number/],
  [
    'another disposition',
    dialogs,
    [{ ...records[0]!, disposition: 'hangup' }, ...records.slice(1)],
    /disposition hangup/,
  ],
  [
    'another outcome',
    dialogs,
    [{ ...records[0]!, outcome: null }, ...records.slice(1)],
    /outcome null, expected confirmed/,
  ],
  ['another code on the wire', [dialogs[0]!, { ...dialogs[1]!, code: 603 }, dialogs[2]!], records, /the wire has 603/],
  [
    'the wrong one hung up',
    [{ ...dialogs[0]!, byeBy: 'phone' }, ...dialogs.slice(1)],
    records,
    /phone hung up, expected far/,
  ],
  [
    'an answer that only the ledger knows',
    dialogs,
    [records[0]!, { ...records[1]!, answered_at: iso(1) }, records[2]!],
    /answered on the wire: false/,
  ],
  [
    'an answer at another time',
    dialogs,
    [{ ...records[0]!, answered_at: iso(4000) }, ...records.slice(1)],
    /answered on the wire at/,
  ],
]

for (const [name, wire, ledger, complaint] of spoiled) {
  t.test(`${name} is noticed`, (t) => {
    t.match(judge(people, wire, ledger).join('\n'), complaint)
    t.end()
  })
}
