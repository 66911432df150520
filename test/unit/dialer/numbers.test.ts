import fc from 'fast-check'
import t from 'tap'
import { dialString, judgeNumber, type NumberFormat, normalise, normaliseInbound } from '../../../src/dialer/numbers.ts'

const policy = { default_country: 'RO', allow: ['+40', '100', '112'] }

t.test('a number in any usual spelling becomes E.164', async (t) => {
  const table: [string, string | null][] = [
    ['+40712345678', '+40712345678'],
    [' 0712 345 678 ', '+40712345678'],
    ['(0712) 345-678', '+40712345678'],
    ['0040712345678', '+40712345678'],
    ['0712.345.678', '+40712345678'],
    ['0712/345 678', '+40712345678'],
    ['+4915112345678', '+4915112345678'],
    ['100', '100'],
    ['101', null],
    ['', null],
    ['abc', null],
    ['+40', null],
    ['+4071234567', null],
    ['+407123456789', null],
    ['+0712345678', null],
    ['0712345678x5', null],
    ['+40712345678;ext=5', null],
    ['tel:+40712345678', null],
    ['100@other/sip:x@y', null],
    ['1&PJSIP/2', null],
    ['+40712345678@evil', null],
    ['+40712345678&PJSIP/1', null],
    ['+4071234\u00005678', null],
    ['٠٧١٢٣٤٥٦٧٨', null],
    ['+40712345678\n', '+40712345678'],
    ['9'.repeat(10_000), null],
  ]
  for (const [raw, number] of table) t.equal(normalise(raw, policy), number, JSON.stringify(raw.slice(0, 40)))
})

t.test('a caller is normalised; an extension of the PBX stays, a withheld one is empty', async (t) => {
  for (const [raw, number] of [
    ['0712345678', '+40712345678'],
    ['204', '204'],
    ['anonymous', ''],
    ['', ''],
    ['unknown', ''],
    ['<script>', ''],
  ] as const)
    t.equal(normaliseInbound(raw, policy), number)
})

t.test('emergency and premium numbers are refused whatever the policy allows', async (t) => {
  const anything = { default_country: 'RO', allow: ['+', '+40', '+1', '112', '911'] }
  for (const number of ['112', '911', '+40906123456', '+19005550123'])
    t.match(judgeNumber(normalise(number, anything), anything), { rule: 'number' }, number)
  t.match(judgeNumber('110', { default_country: 'DE', allow: ['110'] }), { rule: 'number' })
  t.equal(judgeNumber('110', { default_country: 'RO', allow: ['110'] }), null, 'elsewhere it is an extension')
})

t.test('only what the policy allows may be dialled; nothing by default', async (t) => {
  t.equal(judgeNumber('+40712345678', policy), null)
  t.equal(judgeNumber('100', policy), null)
  t.match(judgeNumber('+4915112345678', policy), { rule: 'destination', reason: /policy\.allow/ })
  t.match(judgeNumber('101', policy), { rule: 'destination' })
  t.match(judgeNumber('+40712345678', { default_country: 'RO', allow: [] }), { rule: 'destination' })
  t.match(judgeNumber(null, policy), { rule: 'number' })
  t.match(judgeNumber('+4071', policy), { rule: 'number' })
})

t.test('a trunk dials the number in its format', async (t) => {
  const table: [NumberFormat, string, string][] = [
    ['e164', '+40712345678', 'PJSIP/+40712345678@carrier'],
    ['digits', '+40712345678', 'PJSIP/40712345678@carrier'],
    ['national', '+40712345678', 'PJSIP/0712345678@carrier'],
    ['national', '+40719999999', 'PJSIP/0719999999@carrier'],
    ['idd', '+40712345678', 'PJSIP/0040712345678@carrier'],
    ['e164', '100', 'PJSIP/100@carrier'],
    ['national', '100', 'PJSIP/100@carrier'],
  ]
  for (const [format, number, dialled] of table) t.equal(dialString('PJSIP/{number}@carrier', number, format), dialled)
  t.throws(() => dialString('PJSIP/x@carrier', '+40712345678', 'e164'), { code: 'number' })
  t.throws(() => dialString('PJSIP/{number}@carrier', '+4071@x', 'e164'), { code: 'number' })
  t.equal(dialString('PJSIP/{number}@$&', '+40712345678', 'e164'), 'PJSIP/+40712345678@$&', 'no replacement patterns')
})

t.test('whatever comes in, nothing but digits reaches a dial string', async () => {
  const parts = fc.array(
    fc.constantFrom('+40', '0712', '345', '678', '@', '&', '/', ';', 'PJSIP', ' ', '-', '\u0000', '１', '100'),
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string({ unit: 'binary' }),
        parts.map((list) => list.join('')),
      ),
      (raw) => {
        const number = normalise(raw, policy)
        if (number === null || judgeNumber(number, policy) !== null) return true
        return (['e164', 'digits', 'national', 'idd'] as const).every((format) =>
          /^PJSIP\/\+?[0-9*#]{1,18}@c$/.test(dialString('PJSIP/{number}@c', number, format)),
        )
      },
    ),
    { numRuns: 2000 },
  )
})
