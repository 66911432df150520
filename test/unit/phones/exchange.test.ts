/** Two exchanges call each other: SIPp against SIPp, with sound and keys between them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { answers, calls, neverAnswers, refuses } from '../../../src/phones/behaviours.ts'
import { startExchange } from '../../../src/phones/exchange.ts'
import { tone } from '../../../src/phones/speech.ts'

t.setTimeout(60_000)

const folder = mkdtempSync(join(tmpdir(), 'apel-phones-'))
const here = await startExchange({ folder: join(folder, 'here') })
const there = await startExchange({ folder: join(folder, 'there'), asterisk: here.port })
const callerNumber = '+40799999999'
const logged = async (callId: string) =>
  [await here.dialogs(), await there.dialogs()].map((dialogs) => dialogs.find((dialog) => dialog.callId === callId))

t.teardown(async () => {
  await Promise.all([here.stop(), there.stop()])
  rmSync(folder, { recursive: true })
})

t.test('a call is answered, sound and keys arrive with their times, and the log tells who hung up', async (t) => {
  const phone = here.phone(
    '+40700000001',
    answers(async (call) => {
      await call.heard(1)
      await call.press('1630#')
      await call.heard(2)
      await call.hangUp()
    }),
  )
  const call = await there.call(
    '+40700000001',
    callerNumber,
    calls(async (call) => {
      await call.say(tone(500))
      await call.until('four keys', () => call.ear.keys.length === 5)
      await call.say(tone(300))
    }),
  )
  await call.behaved
  const callee = phone.calls[0]!
  await callee.behaved
  t.same([call.fault, callee.fault], [null, null])
  t.equal(call.ear.keys, '1630#')
  t.equal(callee.ear.phrases.length, 2)
  const [first] = callee.ear.phrases
  t.ok(Math.abs(first!.to - first!.from - 500) < 120, `a tone of 500 ms was heard for ${first!.to - first!.from} ms`)
  t.ok(callee.ear.heard(tone(300)))
  t.notOk(callee.ear.heard(tone(300, 1000)))
  t.equal(call.endedBy, 'far')
  for (const [index, dialog] of (await logged(call.callId)).entries()) {
    t.match(dialog, { to: '+40700000001', from: callerNumber, code: 200, invites: 1, byeBy: index ? 'far' : 'phone' })
    t.equal(dialog?.by, index ? 'phone' : 'far')
    t.ok(Math.abs(dialog!.answeredAt! - callee.answeredAt!) < 250)
    t.ok(dialog!.ringingAt! <= dialog!.answeredAt! && dialog!.answeredAt! < dialog!.byeAt!)
  }
})

for (const code of [486, 603, 404, 480, 503]) {
  t.test(`a phone refuses with ${code}`, async (t) => {
    const number = `+40700000${code}`
    here.phone(number, refuses(code, 50))
    const call = await there.call(number, callerNumber, calls())
    await call.behaved
    t.match(await logged(call.callId), [
      { code, byeAt: null },
      { code, byeAt: null },
    ])
    t.equal(call.code, code)
  })
}

t.test('a number without a phone is unknown', async (t) => {
  const call = await there.call('+40700000009', callerNumber, calls())
  await call.behaved
  t.equal(call.code, 404)
})

t.test('a caller gives up while it rings', async (t) => {
  const phone = here.phone('+40700000002', neverAnswers)
  const call = await there.call('+40700000002', callerNumber, async (call) => {
    await call.until('a ring', () => call.ringingAt !== null)
    await call.hangUp()
  })
  await Promise.all([call.behaved, (await phone.call()).behaved])
  const [callee, caller] = await logged(call.callId)
  t.match(callee, { code: 487, answeredAt: null, byeAt: null })
  t.match(caller, { code: 487 })
  t.ok(callee!.cancelledAt && caller!.cancelledAt)
})

t.test('the far side hangs up, and a phone that sends nothing is not heard', async (t) => {
  const phone = here.phone(
    '+40700000003',
    answers(async (call) => await call.after(10_000), { silence: false }),
    refuses(486),
  )
  const call = await there.call('+40700000003', callerNumber, async (call) => {
    await call.answered({ silence: true })
    await call.after(300)
    await call.hangUp()
  })
  await call.behaved
  const callee = await phone.call(1)
  await callee.behaved
  t.equal(callee.endedBy, 'far')
  t.equal(call.ear.packets, 0)
  t.ok(callee.ear.packets > 5)
  t.same(callee.ear.phrases, [])
  const second = await there.call('+40700000003', callerNumber, calls())
  await second.behaved
  t.equal(second.code, 486, 'the second call takes the second behaviour')
})

t.test('twenty calls at once keep apart', async (t) => {
  const numbers = Array.from({ length: 20 }, (_, index) => `+407000001${String(index).padStart(2, '0')}`)
  for (const [index, number] of numbers.entries()) {
    here.phone(
      number,
      answers(async (call) => {
        await call.at(200)
        await call.press(String(index % 10).repeat(2))
        await call.after(100)
        await call.hangUp()
      }),
    )
  }
  const made = await Promise.all(numbers.map(async (number) => await there.call(number, callerNumber, calls())))
  await Promise.all(made.map((call) => call.behaved))
  t.same(
    made.map((call) => call.ear.keys),
    numbers.map((_, index) => String(index % 10).repeat(2)),
  )
})
