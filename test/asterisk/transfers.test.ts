/** Somebody is called beside a call and the two are put together, on a real Asterisk, with everybody hanging up at any moment. */

import { dirname } from 'node:path'
import t, { type Test } from 'tap'
import type { LineEvent } from '../../src/call/ports.ts'
import { type DialEffect, Transfer } from '../../src/call/transfer.ts'
import { answers, hangsUp, neverAnswers, refuses } from '../../src/phones/behaviours.ts'
import type { Behaviour, PhoneCall } from '../../src/phones/phone.ts'
import { speech } from '../../src/phones/speech.ts'
import { bridgesIn } from '../support/bridges.ts'
import { recording } from '../support/recording.ts'
import { waitFor } from '../support/wait.ts'
import { recordOf } from '../unit/call/a-call.ts'
import { startStage } from './conversation-stage.ts'

t.setTimeout(180_000)

const stage = await startStage()
t.teardown(() => stage.stop())
const { telephony, ports, exchange } = stage
let count = 0

/** A caller who hears music while somebody is called for them. */
async function aTalk(caller: Behaviour, callee: Behaviour, given: Partial<DialEffect> = {}) {
  count += 1
  const id = `conn-${String(count).padStart(4, '0')}`
  const numbers = [`+4072200${String(count).padStart(4, '0')}`, `+4073300${String(count).padStart(4, '0')}`] as const
  const phones = [exchange.phone(numbers[0], caller), exchange.phone(numbers[1], callee)] as const
  const events: LineEvent[] = []
  const said: { what: string; at: number }[] = []
  const recordings: string[] = []
  let transfer: Transfer | null = null
  const line = await telephony.dial(
    {
      id,
      endpoint: `PJSIP/${numbers[0]}@carrier`,
      callerId: '+40311234567',
      ring: 10_000,
      absolute: 90_000,
      amd: false,
    },
    (event) => {
      events.push(event)
      if (event.type === 'ended') transfer?.stop()
    },
  )
  const has = (type: LineEvent['type']) => events.some((event) => event.type === type)
  await waitFor(() => has('answered') || has('ended'), { what: 'the caller', every: 5 })
  await line.startMusic('default').catch(() => {})
  const effect: DialEffect = {
    type: 'dial',
    id: 'd1',
    to: { number: numbers[1] },
    timeout: 4_000,
    timeLimit: null,
    record: null,
    ...given,
  }
  transfer = new Transfer({
    effect,
    id: `${id}.1`,
    call: { ...recordOf(id), number: numbers[0] },
    line,
    telephony,
    longest: 60_000,
    ports,
    quiet: () => line.stopMusic(),
    connected: () => said.push({ what: 'connected', at: Date.now() }),
    dialed: (result) => said.push({ what: result, at: Date.now() }),
    recording: (name) => recordings.push(name),
  })
  if (has('ended')) transfer.stop()
  await transfer.over
  return {
    id,
    line,
    said,
    what: said.map(({ what }) => what),
    recordings,
    caller: await phones[0].call(),
    callee: phones[1].calls[0] as PhoneCall | undefined,
    leg: stage.finished.find((record) => record.id === `${id}.1`),
    ended: () => waitFor(() => has('ended'), { what: 'the end of the caller' }),
  }
}

async function nothingLeft(t: Test): Promise<void> {
  await waitFor(async () => (await stage.channels()) === 0, { what: 'the end of every channel' })
  t.same(bridgesIn(await stage.asterisk.cli('bridge show all')), [], 'no bridge is left')
  t.equal(telephony.size(), 0)
}

const again = (voice: Buffer): Behaviour =>
  answers(async (call) => {
    for (;;) {
      await call.after(200)
      await call.say(voice)
    }
  })

t.test(
  'the two hear each other, what they say is recorded, and the caller stays when the other one hangs up',
  async (t) => {
    const [mine, yours] = await Promise.all([speech('I would like to speak to somebody'), speech('Here I am')])
    const told = await aTalk(
      again(mine),
      answers(async (call) => {
        for (let n = 0; n < 3; n += 1) await call.say(yours)
        await call.until('the voice of the caller', () => call.ear.heard(mine))
        await call.hangUp()
      }),
      { record: 'conn-both.d1' },
    )
    t.same(told.what, ['connected', 'completed'])
    t.ok(told.caller.ear.heard(yours), 'the caller heard them')
    const delay = told.said[0]!.at - told.callee!.answeredAt!
    t.ok(delay < 300, `they hear each other ${delay} ms after the answer`)
    t.comment(`connected ${delay} ms after the answer`)
    t.equal(told.caller.endedAt, null, 'the caller is still there')
    t.match(told.leg, { kind: 'leg', disposition: 'completed', hangup_by: 'callee', answered_at: Number })
    t.same(told.recordings, ['conn-both.d1'])
    const both = await waitFor(() => recording(dirname(stage.asterisk.soundsDir), 'conn-both.d1'), {
      what: 'a recording',
    })
    t.ok(both.length > 8_000)
    await told.line.hangup()
    await told.ended()
    await nothingLeft(t)
  },
)

t.test('each way of not answering is an outcome, and the caller stays', async (t) => {
  const cases: [Behaviour, string, string][] = [
    [refuses(486), 'busy', 'busy'],
    [refuses(603, 300), 'busy', 'rejected'],
    [refuses(480), 'no_answer', 'no_answer'],
    [neverAnswers, 'no_answer', 'no_answer'],
    [refuses(404), 'failed', 'invalid_number'],
    [refuses(503), 'failed', 'congestion'],
  ]
  await Promise.all(
    cases.map(async ([callee, result, disposition]) => {
      const told = await aTalk(answers(), callee)
      t.same(told.what, [result])
      t.equal(told.leg?.disposition, disposition)
      t.equal(told.caller.endedAt, null)
      await told.line.hangup()
      await told.ended()
    }),
  )
  await nothingLeft(t)
})

t.test('the time limit lets the other side go', async (t) => {
  const told = await aTalk(answers(), answers(), { timeLimit: 1_000 })
  t.same(told.what, ['connected', 'completed'])
  const length = told.said[1]!.at - told.said[0]!.at
  t.ok(length >= 1_000 && length < 1_600, `after ${length} ms`)
  t.equal(told.callee?.endedBy, 'far')
  t.match(told.leg, { disposition: 'completed', hangup_by: 'limit' })
  await told.line.hangup()
  await told.ended()
  await nothingLeft(t)
})

t.test('either side hangs up at any moment, and nothing is left', async (t) => {
  const moments = [0, 5, 20, 60, 150, 400]
  await Promise.all(
    moments.map(async (ms) => {
      const callee = await aTalk(answers(), hangsUp(ms))
      t.equal(callee.what.at(-1), 'completed', `the other one after ${ms} ms: ${callee.what.join()}`)
      t.equal(callee.leg?.disposition, 'completed')
      await callee.line.hangup()
      await callee.ended()
    }),
  )
  // The other phone rings for 200 ms: the caller goes while it is dialled, rings, answers and talks.
  await Promise.all(
    [0, 40, 120, 180, 200, 220, 240, 300, 600].map(async (ms) => {
      const caller = await aTalk(hangsUp(ms), answers())
      await caller.ended()
      t.notOk(caller.what.includes('completed'), `the caller after ${ms} ms: ${caller.what.join()}`)
      t.ok(['cancelled', 'completed'].includes(caller.leg?.disposition ?? ''), String(caller.leg?.disposition))
    }),
  )
  await nothingLeft(t)
  const legs = stage.finished.filter(({ kind }) => kind === 'leg')
  t.equal(new Set(legs.map(({ id }) => id)).size, legs.length, 'each record was finished once')
})
