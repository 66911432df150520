/** SIPp's log read as dialogs, on a log as SIPp 3.6.1 writes it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readSipLog } from '../../../src/phones/sip-log.ts'

function entry(second: string, sent: boolean, first: string, callId: string, cseq: string): string {
  const size = sent ? 'sent (286 bytes)' : 'received [286] bytes '
  const lines = [
    first,
    'From: "Clinic" <sip:+40311234567@127.0.0.1>;tag=a',
    'To: <sip:+40700000001@h>',
    `Call-ID: ${callId}`,
  ]
  return `----------------------------------------------- 2026-11-24 02:27:${second}\nUDP message ${size}:\n\n${lines.join('\n')}\nCSeq: ${cseq}\n\n\n`
}

const at = (second: string) => Date.parse(`2026-11-24T02:27:${second}Z`)
const invite = 'INVITE sip:+40700000001@127.0.0.1:5999 SIP/2.0'

t.test('dialogs are told apart by their Call-ID, in the order of their INVITEs', (t) => {
  const file = join(t.testdir({}), 'log')
  writeFileSync(
    file,
    [
      entry('01.000100', false, invite, 'one', '7 INVITE'),
      entry('01.500000', false, invite, 'one', '7 INVITE'),
      entry('01.600000', false, invite, 'two', '1 INVITE'),
      entry('01.700000', false, 'RING sip:phone@127.0.0.1 SIP/2.0', 'one', '7 INVITE'),
      entry('01.701000', true, 'SIP/2.0 180 Ringing', 'one', '7 INVITE'),
      entry('02.000000', true, 'SIP/2.0 200 OK', 'one', '7 INVITE'),
      entry('02.100000', false, 'ACK sip:phone@h SIP/2.0', 'one', '7 ACK'),
      entry('02.200000', false, 'CANCEL sip:+40700000001@h SIP/2.0', 'two', '1 CANCEL'),
      entry('02.201000', true, 'SIP/2.0 200 OK', 'two', '1 CANCEL'),
      entry('02.202000', true, 'SIP/2.0 487 Request Terminated', 'two', '1 INVITE'),
      entry('03.250000', false, 'BYE sip:phone@h SIP/2.0', 'one', '8 BYE'),
      entry('03.260000', true, 'SIP/2.0 200 OK', 'one', '8 BYE'),
    ].join(''),
  )
  t.strictSame(readSipLog(file, join(file, 'not-there')), [
    {
      ...{ callId: 'one', to: '+40700000001', from: '+40311234567', by: 'far', invites: 2, invitedAt: at('01.000') },
      ...{ ringingAt: at('01.701'), code: 200, answeredAt: at('02.000'), cancelledAt: null, byeAt: at('03.250') },
      byeBy: 'far',
    },
    {
      ...{ callId: 'two', to: '+40700000001', from: '+40311234567', by: 'far', invites: 1, invitedAt: at('01.600') },
      ...{ ringingAt: null, code: 487, answeredAt: null, cancelledAt: at('02.200'), byeAt: null, byeBy: null },
    },
  ])
  t.end()
})
