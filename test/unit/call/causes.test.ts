import fc from 'fast-check'
import t from 'tap'
import { dispositionOf, type Ended } from '../../../src/call/causes.ts'

const refused = (sip: number, cause: number): Ended => ({ sip, cause, by: 'callee' })

t.test('each answer of the far side has its disposition', async (t) => {
  // What Asterisk 22 makes of the SIP code, measured.
  const table: [number, number, string][] = [
    [401, 21, 'trunk_error'],
    [403, 21, 'trunk_error'],
    [407, 21, 'trunk_error'],
    [404, 1, 'invalid_number'],
    [604, 1, 'invalid_number'],
    [410, 22, 'invalid_number'],
    [484, 28, 'invalid_number'],
    [486, 17, 'busy'],
    [600, 17, 'busy'],
    [603, 21, 'rejected'],
    [408, 18, 'no_answer'],
    [480, 19, 'no_answer'],
    [500, 38, 'congestion'],
    [502, 27, 'congestion'],
    [503, 34, 'congestion'],
    [504, 102, 'congestion'],
    [420, 3, 'trunk_error'],
    [488, 58, 'trunk_error'],
    [501, 29, 'trunk_error'],
    [405, 127, 'trunk_error'],
    [487, 127, 'trunk_error'],
  ]
  for (const [sip, cause, disposition] of table) t.equal(dispositionOf(refused(sip, cause)), disposition, String(sip))
})

t.test('each cause of the list has its disposition without a SIP code', async (t) => {
  const table = {
    17: 'busy',
    18: 'no_answer',
    19: 'no_answer',
    20: 'unreachable',
    21: 'rejected',
    44: 'congestion',
    41: 'congestion',
    42: 'congestion',
    5: 'trunk_error',
  }
  for (const [cause, disposition] of Object.entries(table)) {
    t.equal(dispositionOf({ cause: Number(cause), sip: null, by: 'unknown' }), disposition, cause)
  }
})

t.test('our ring timeout is no answer, our hang-up before it a cancellation', async (t) => {
  t.equal(dispositionOf({ cause: 19, sip: 480, by: 'us' }), 'no_answer')
  t.equal(dispositionOf({ cause: 16, sip: null, by: 'us' }), 'cancelled')
  t.equal(dispositionOf({ cause: null, sip: null, by: 'us' }), 'cancelled')
  t.equal(dispositionOf({ cause: 16, sip: null, by: 'limit' }), 'no_answer')
})

t.test('whatever was lost with the node or in a gap of the link is unknown', async (t) => {
  fc.assert(
    fc.property(fc.option(fc.nat(200)), fc.option(fc.nat(700)), (cause, sip) => {
      return dispositionOf({ cause, sip, by: 'network' }) === 'unknown'
    }),
  )
  t.equal(dispositionOf({ cause: null, sip: null, by: 'unknown' }), 'unknown')
})
