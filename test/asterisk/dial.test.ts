/** A flow that connects its caller to somebody, on a real Asterisk: what they hear before, meanwhile and afterwards. */
import t, { type Test } from 'tap'
import { answers, calls, hangsUp, neverAnswers, refuses } from '../../src/phones/behaviours.ts'
import type { Behaviour } from '../../src/phones/phone.ts'
import { speech, tone } from '../../src/phones/speech.ts'
import { bridgesIn } from '../support/bridges.ts'
import { waitFor } from '../support/wait.ts'
import { programOf } from '../unit/call/a-call.ts'
import { startStage } from './conversation-stage.ts'

t.setTimeout(120_000)

const stage = await startStage({ transfers: (number) => number !== '+40799999999' })
t.teardown(() => stage.stop())
async function nothingLeft(t: Test): Promise<void> {
  await waitFor(async () => (await stage.channels()) === 0, { what: 'the end of every channel' })
  t.same(bridgesIn(await stage.asterisk.cli('bridge show all')), [], 'no bridge is left')
  t.equal(stage.calls.registry.size, 0)
}

let count = 0

/** A flow that connects to a phone of its own, which does this. */
function connecting(colleague: Behaviour, more = '', head = '') {
  count += 1
  const number = `+4074400${String(count).padStart(4, '0')}`
  const phone = stage.exchange.phone(number, colleague)
  const program = programOf(
    `
  hello: { say: "One moment." }
  reach:
    dial: { number: "${number}" }
    timeout: 2s
    ${more}
    on: { completed: after, busy: busy, no_answer: nobody, failed: failed }
  after: { say: "Was that of help?", outcome: spoke, next: hangup }
  busy: { say: "They are busy.", outcome: busy, next: hangup }
  nobody: { say: "Nobody is there.", outcome: nobody, next: hangup }
  failed: { say: "That is not possible.", outcome: failed, next: hangup }`,
    head,
  )
  return { program, phone }
}

t.test('caller and colleague hear each other, and the flow goes on when the colleague has hung up', async (t) => {
  const [mine, yours] = await Promise.all([speech('I have a question'), speech('And I have the answer')])
  for (const way of ['out', 'in'] as const) {
    const { program, phone } = connecting(
      answers(async (call) => {
        await call.say(yours)
        await call.until('the question', () => call.ear.heard(mine))
        await call.hangUp()
      }),
    )
    const asks: Behaviour = async (call) => {
      while (!call.ear.heard(yours)) await call.after(50)
      await call.say(mine)
    }
    const told = way === 'out' ? await stage.dial(program, answers(asks)) : await stage.ring(program, calls(asks))
    t.match(told.record, { disposition: 'completed', outcome: 'spoke', hangup_by: 'flow' })
    t.ok(await stage.heard(told, program, 'Was that of help?'))
    const leg = stage.finished.find(({ id }) => id === `${told.record.id}.1`)
    t.match(leg, { kind: 'leg', disposition: 'completed', hangup_by: 'callee' })
    const there = await phone.call()
    t.ok(there.ear.heard(mine))
    t.ok(leg!.ended_at! <= told.record.ended_at!)
  }
  await nothingLeft(t)
})

t.test('busy, nobody, impossible: the caller hears so', async (t) => {
  const cases: [Behaviour, string, string][] = [
    [refuses(486), 'busy', 'They are busy.'],
    [refuses(603), 'busy', 'They are busy.'],
    [neverAnswers, 'nobody', 'Nobody is there.'],
    [refuses(404), 'failed', 'That is not possible.'],
  ]
  await Promise.all(
    cases.map(async ([colleague, outcome, sentence]) => {
      const { program } = connecting(colleague)
      const told = await stage.dial(program, answers())
      t.match(told.record, { disposition: 'completed', outcome })
      t.ok(await stage.heard(told, program, sentence))
    }),
  )
  await nothingLeft(t)
})

t.test('whom the gate refuses is not called', async (t) => {
  const program = programOf(`
  reach: { dial: { number: "+40799999999" }, on: { completed: no, busy: no, no_answer: no, failed: no } }
  no: { say: "That is not possible.", outcome: refused, next: hangup }`)
  const told = await stage.dial(program, answers())
  t.equal(told.record.outcome, 'refused')
  t.notOk((await stage.exchange.dialogs()).some(({ to }) => to === '+40799999999'))
  await nothingLeft(t)
})

t.test(
  'a caller who hangs up while they talk, while it rings, or as they answer takes the colleague along',
  async (t) => {
    const { program, phone } = connecting(answers())
    const gone = await stage.dial(
      program,
      answers(async (call) => {
        const there = await phone.call()
        await call.until('an answer', () => there.answeredAt !== null)
        await call.after(500)
        await call.hangUp()
      }),
    )
    t.match(gone.record, { disposition: 'hangup', hangup_by: 'callee', last_step: 'reach' })
    const there = await phone.call()
    await there.ended
    t.equal(there.endedBy, 'far')
    t.ok(there.endedAt! - gone.phone.endedAt! < 500)
    const length = await stage.length(program, 'One moment.')
    await Promise.all(
      [0, 100, 180, 200, 220, 260, 400].map(async (ms) => {
        const { program } = connecting(answers())
        const { record } = await stage.dial(program, hangsUp(length + ms))
        t.match(record, { disposition: 'hangup', hangup_by: 'callee' })
      }),
    )
  },
)

t.test('an operator who ends the call ends both sides', async (t) => {
  const { program, phone } = connecting(answers())
  const talking = stage.dial(program, answers())
  const id = stage.newest()
  await waitFor(() => phone.calls[0]?.answeredAt, { what: 'the answer' })
  stage.calls.registry.hangup(id)
  t.match((await talking).record, { disposition: 'cancelled', hangup_by: 'operator' })
  await phone.calls[0]!.ended
  t.equal(phone.calls[0]!.endedBy, 'far')
  await nothingLeft(t)
})

t.test('the time limit gives the caller back to the flow', async (t) => {
  const { program, phone } = connecting(
    answers(async (call) => await call.say(tone(5000))),
    'time_limit: 1s',
  )
  const told = await stage.dial(program, answers())
  t.match(told.record, { outcome: 'spoke' })
  const there = phone.calls[0]!
  t.ok(there.endedAt! - there.answeredAt! < 1800)
  t.ok(await stage.heard(told, program, 'Was that of help?'))
  await nothingLeft(t)
})

t.test('the longest call ends a talk politely', async (t) => {
  const { program, phone } = connecting(answers(), '', 'limits: { max_call_time: 4s }')
  const told = await stage.dial(program, answers())
  t.match(told.record, { disposition: 'completed', hangup_by: 'limit' })
  t.equal(phone.calls[0]?.endedBy, 'far')
  const last = told.phone.ear.phrases.at(-1)!
  t.ok(last.from > phone.calls[0]!.endedAt!, 'the caller, alone again, hears our good-bye')
  await nothingLeft(t)
})
