/**
 * Conversations on a whole system: the service as users start it, real Asterisk and Redis, phones with ears. All calls
 * run side by side on one system, each on its own number. What is claimed about sound is measured by the phone.
 */
import t from 'tap'
import { answers, calls, hangsUp, presses } from '../../src/phones/behaviours.ts'
import { speech } from '../../src/phones/speech.ts'
import { startSystem } from '../support/system.ts'

t.setTimeout(200_000)
t.jobs = 12

const question = `
flow: question
language: en
voice: { name: en-gb, rate: 190 }
vars: { hour: "" }
defaults: { timeout: 2s }
start: greet
steps:
  greet: { say: "Good morning." }
  ask:
    menu: "To confirm, press 1. To type an hour, press 2."
    options:
      "1": { say: "Thank you.", outcome: confirmed, goto: hangup }
      "2": hour
  hour:
    gather: "Please type the hour."
    type: time
    num_digits: 4
    save: hour
    confirm: "{hour}. If so, press 1, else press 2."
  done: { hangup: { say: "Goodbye.", outcome: typed } }
`
const waiting = `
flow: waiting
language: en
voice: { name: en-gb, rate: 190 }
vars: { answer: {} }
defaults: { timeout: 2s }
start: look_up
steps:
  look_up:
    hold: "One minute, please."
    task: { external: desk }
    save: answer
    on: { done: tell, failed: sorry }
  tell: { say: "It is {answer.text}.", outcome: told, next: hangup }
  sorry: { say: "I am sorry.", outcome: failed, next: hangup }
`
const patient = `
flow: patient
language: en
voice: { name: en-gb, rate: 190 }
vars: { answer: {} }
start: look_up
steps:
  look_up:
    hold: "One minute, please."
    task: { external: desk }
    save: answer
    on: { done: back, failed: back, waiting: back }
  back: { say: "I do not know it yet. Goodbye.", outcome: came_back, next: hangup }
`
const desk = `
flow: desk
language: en
voice: { name: en-gb, rate: 190 }
defaults: { timeout: 2s }
start: ask
steps:
  ask: { menu: "Press 5 to hear the news.", options: { "5": { say: "There are none.", outcome: heard, goto: hangup } } }
`

const system = await startSystem({
  flows: { question, waiting, patient, desk },
  config: { inbound: { '+40311234567': 'desk' } },
})
t.teardown(() => system.stop())
const { exchange } = system

async function dial(to: string, flow: string): Promise<string> {
  return (await system.api('POST', '/v1/calls', { to, flow })).id
}

t.test('a silent line hears two phrases and then our BYE within a second', async (t) => {
  const phone = exchange.phone('+40721000001', answers())
  const record = await system.ended(await dial('+40721000001', 'question'))
  t.match(record, { disposition: 'silent', hangup_by: 'flow', outcome: null, last_step: 'ask' })
  const call = await phone.call()
  const dialog = (await exchange.dialogs()).find(({ callId }) => callId === call.callId)
  const last = call.ear.phrases.at(-1)!
  t.equal(dialog?.byeBy, 'far')
  const after = dialog!.byeAt! - last.to
  t.ok(after >= -60 && after < 1000, `BYE ${after} ms after the end of the last phrase`)
  t.comment(`from the end of the second phrase to our BYE: ${after} ms`)
  // The prompts are one stretch of sound or more; the two rungs are each 2 s apart from what was before.
  const pauses = call.ear.phrases.slice(1).map(({ from }, index) => from - call.ear.phrases[index]!.to)
  t.equal(pauses.filter((pause) => pause > 1800 && pause < 3000).length, 2, `pauses ${pauses.join(', ')} ms`)
})

t.test('a phone that sends nothing at all is as silent', async (t) => {
  exchange.phone(
    '+40721000002',
    answers(async () => {}, { silence: false }),
  )
  t.match(await system.ended(await dial('+40721000002', 'question')), { disposition: 'silent', hangup_by: 'flow' })
})

t.test('a voice without a key is a nomatch', async (t) => {
  const voice = await speech('Yes? Who is this? I do not have time now.')
  exchange.phone(
    '+40721000003',
    answers(async (call) => {
      for (let phrase = 1; ; phrase += 1) {
        await call.heard(phrase)
        await call.say(voice)
      }
    }),
  )
  t.match(await system.ended(await dial('+40721000003', 'question')), { disposition: 'nomatch', hangup_by: 'flow' })
})

t.test('a key before the question answers it, and the question is not asked', async (t) => {
  const phone = exchange.phone('+40721000004', presses('1', 100))
  const record = await system.ended(await dial('+40721000004', 'question'))
  t.match(record, { disposition: 'completed', outcome: 'confirmed', hangup_by: 'flow' })
  const call = await phone.call()
  t.ok(call.endedAt! - call.answeredAt! < 4000, `over after ${call.endedAt! - call.answeredAt!} ms`)
})

t.test('an hour is typed into the prompt and confirmed', async (t) => {
  exchange.phone(
    '+40721000005',
    answers(async (call) => {
      await call.at(3000)
      await call.press('2')
      await call.after(1500)
      await call.press('1630')
      await call.after(2000)
      await call.press('1')
    }),
  )
  const record = await system.ended(await dial('+40721000005', 'question'))
  t.match(record, { disposition: 'completed', outcome: 'typed', vars: { hour: '16:30' } })
})

t.test('who hangs up at once is a hang-up by the callee', async (t) => {
  exchange.phone('+40721000006', hangsUp(0))
  t.match(await system.ended(await dial('+40721000006', 'question')), { disposition: 'hangup', hangup_by: 'callee' })
})

t.test('on hold there is music until the task is done, then thanks and the answer', async (t) => {
  const phone = exchange.phone('+40721000007', answers())
  const id = await dial('+40721000007', 'waiting')
  const call = await phone.call()
  await call.until('music', () => call.ear.hearing() && Date.now() - (call.answeredAt ?? Date.now()) > 5000)
  await system.api('POST', `/v1/calls/${id}/tasks/desk`, { status: 'done', result: { text: 'Thursday' } })
  t.match(await system.ended(id), { disposition: 'completed', outcome: 'told', vars: { answer: { text: 'Thursday' } } })
})

t.test('a hold without an answer comes back at 60 s', async (t) => {
  const phone = exchange.phone('+40721000008', answers())
  const record = await system.ended(await dial('+40721000008', 'patient'), 90_000)
  t.match(record, { disposition: 'completed', outcome: 'came_back', last_step: 'back' })
  const call = await phone.call()
  const { steps } = await system.api('GET', `/v1/calls/${record.id}`)
  const back = Date.parse(steps.find(({ step }: { step: string }) => step === 'back').at)
  // "One minute, please." is heard for a second and a half; the minute counts from its end.
  const held = (back - call.answeredAt!) / 1000
  t.comment(`the hold came back ${held.toFixed(1)} s after the answer`)
  t.ok(held > 59.5 && held < 64.5, `back ${held} s after the answer`)
  t.ok(call.ear.phrases.length > 0 && call.endedAt! - back < 6000)
})

t.test('without a step for it the hold offers a callback by itself, and schedules it', async (t) => {
  exchange.phone(
    '+40721000009',
    answers(async (call) => {
      // In the middle of the offer, which begins at a minute and takes eight seconds.
      await call.at(66_000)
      await call.press('2')
      for (;;) {
        await call.after(5000)
        await call.press('1')
      }
    }),
  )
  const record = await system.ended(await dial('+40721000009', 'waiting'), 110_000)
  t.match(record, { disposition: 'callback' })
  const minutes = (Date.parse(record.callback_at) - Date.now()) / 60_000
  t.ok(minutes > 28 && minutes < 31, `in ${minutes} minutes`)
})

t.test('a call from outside reaches the flow of its number', async (t) => {
  const call = await exchange.call(
    '+40311234567',
    '+40731000001',
    calls(async (call) => {
      await call.at(1500)
      await call.press('5')
    }),
  )
  await call.behaved
  t.match(call, { code: 200, endedBy: 'far' })
  const { items } = await system.api('GET', '/v1/calls?kind=inbound&limit=100')
  const { id } = items.find((item: { number: string }) => item.number === '+40731000001')
  const record = await system.ended(id)
  t.match(record, { kind: 'inbound', called: '+40311234567', disposition: 'completed', outcome: 'heard' })
})

t.test('a number without a flow hears that it is not in use', async (t) => {
  const call = await exchange.call('+40311230000', '+40731000002', calls())
  await call.behaved
  t.match(call, { endedBy: 'far' })
  const { items } = await system.api('GET', '/v1/calls?kind=inbound&limit=100')
  const { id } = items.find((item: { number: string }) => item.number === '+40731000002')
  t.match(await system.ended(id), { disposition: 'blocked' })
})

t.test('what the gate refuses is 422 and never reaches the wire', async (t) => {
  const refusal = async (number: string) =>
    await dial(number, 'question').then(
      () => 0,
      ({ status }) => status,
    )
  t.same([await refusal('+49301234567'), await refusal('112')], [422, 422])
  t.notOk((await exchange.dialogs()).some(({ to }) => to === '112' || to.startsWith('+49')))
})

t.test('how long requests and steps took is measured', async (t) => {
  exchange.phone('+40721000031', presses('1', 600))
  await system.ended(await dial('+40721000031', 'question'))
  const metrics: string = await system.api('GET', '/metrics')
  for (const name of ['apel_ari_request_seconds', 'apel_step_seconds'])
    t.ok(Number(new RegExp(`^${name}_count (\\d+)`, 'm').exec(metrics)?.[1]) >= 3, name)
})
