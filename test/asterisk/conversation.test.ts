/** Conversations on a real Asterisk, with phones that press, speak, are silent and hang up. Side by side, on own numbers. */
import t from 'tap'
import { answers, calls, hangsUp, refuses } from '../../src/phones/behaviours.ts'
import { speech, tone } from '../../src/phones/speech.ts'
import { waitFor } from '../support/wait.ts'
import { programOf } from '../unit/call/a-call.ts'
import { startStage } from './conversation-stage.ts'

t.setTimeout(120_000)
t.jobs = 8

const stage = await startStage()
t.teardown(() => stage.stop())

const survey = programOf(`
  greet: { say: "Good morning." }
  ask:
    menu: "To confirm your visit, please press one. To speak to us, press two. If you are busy now, press three."
    options:
      "1": { say: "Thank you. We expect you.", outcome: confirmed, goto: hangup }
      "2": { outcome: declined, goto: hangup }`)

const question = programOf(`
  ask:
    menu: "Press one."
    timeout: 2s
    options: { "1": { outcome: yes, goto: hangup } }`)

t.test('a silent phone hears two phrases, and our hang-up follows the end of the second', async (t) => {
  for (const silence of [true, false]) {
    const told = await stage.dial(question, answers(undefined, { silence }))
    const { record, phone } = told
    t.match(record, { disposition: 'silent', hangup_by: 'flow', answered_at: Number, ringing_at: Number })
    const phrases = phone.ear.phrases
    // "I am sorry, I cannot hear you." and "I will call you back." may have a pause between them.
    t.ok(phrases.length === 3 || phrases.length === 4, `${phrases.length} phrases`)
    t.ok(await stage.heard(told, question, 'Please speak, I am listening.'))
    t.ok(await stage.heard(told, question, 'I am sorry, I cannot hear you. I will call you back.'))
    const gap = phone.endedAt! - phrases.at(-1)!.to
    t.ok(gap >= 0 && gap < 1000, `our BYE came ${gap} ms after the end of the second phrase`)
    t.comment(`BYE ${gap} ms after the end of the second phrase`)
    t.equal(phone.endedBy, 'far')
    const waited = phrases[1]!.from - phrases[0]!.to
    t.ok(waited > 1950 && waited < 2300, `the first phrase came ${waited} ms after the question`)
  }
})

t.test('a key in the prompt stops it and is the answer', async (t) => {
  let pressed = 0
  const told = await stage.dial(
    survey,
    answers(async (call) => {
      await call.hears(1)
      await call.after(2500)
      await call.press('1', { hold: 60, gap: 20 })
      pressed = Date.now()
    }),
  )
  t.match(told.record, { disposition: 'completed', outcome: 'confirmed', last_step: 'ask' })
  t.ok(await stage.heard(told, survey, 'Thank you. We expect you.'))
  const more = told.phone.endedAt! - pressed - (await stage.length(survey, 'Thank you. We expect you.'))
  t.ok(more < 300, `the question was left and the answer ended ${more} ms later than the answer is long`)
  t.comment(`from the key to the end of the call: ${more} ms over the length of the answer`)
})

t.test('keys that come before the question are its answer', async (t) => {
  const { record, phone } = await stage.dial(
    survey,
    answers(async (call) => {
      await call.hears(1)
      await call.press('1')
    }),
  )
  t.match(record, { disposition: 'completed', outcome: 'confirmed' })
  t.ok(phone.ear.phrases.length <= 2, 'the question is not asked')
})

t.test('a voice without a key is not understood', async (t) => {
  const voice = await speech('Hello? Who is this? I do not understand what you want from me.')
  for (const silence of [true, false]) {
    const told = await stage.dial(
      question,
      answers(
        async (call) => {
          await call.heard(1)
          await call.say(voice)
          await call.heard(2)
          await call.hangUp()
        },
        { silence },
      ),
    )
    t.match(told.record, { disposition: 'hangup', hangup_by: 'callee' })
    t.ok(told.journal.filter(({ type }) => type === 'talk').length >= 2)
    t.ok(await stage.heard(told, question, 'I am sorry, I did not understand.'))
    t.notOk(await stage.heard(told, question, 'Please speak, I am listening.'))
  }
})

t.test('the timeout starts when they stop to talk, also when the phone then stops sending', async (t) => {
  const voice = tone(1500)
  for (const [silence, least, most] of [
    [true, 2000, 2200],
    // 1.5 s without a packet are silence, and are looked for twice a second.
    [false, 3500, 4350],
  ] as const) {
    let stopped = 0
    const { phone } = await stage.dial(
      question,
      answers(
        async (call) => {
          await call.heard(1)
          await call.say(voice)
          stopped = Date.now()
          await call.hears(2)
          await call.hangUp()
        },
        { silence },
      ),
    )
    const waited = phone.ear.phrases[1]!.from - stopped
    t.ok(waited > least - 50 && waited < most, `${waited} ms after the end of the voice`)
    t.comment(`${silence ? 'silence' : 'no packets'}: the next phrase ${waited} ms after the voice`)
  }
})

t.test('a cough is no talk', async (t) => {
  const { record, phone } = await stage.dial(
    question,
    answers(async (call) => {
      await call.heard(1)
      await call.say(tone(200))
    }),
  )
  t.match(record, { disposition: 'silent' })
  const waited = phone.ear.phrases[1]!.from - phone.ear.phrases[0]!.to
  t.ok(waited < 2400, `the first phrase came ${waited} ms after the question`)
})

t.test('they hang up at any moment', async (t) => {
  const moments = [0, 0, 50, 100, 200, 300, 400, 500, 900, 1300, 1700, 2500]
  const all = await Promise.all(moments.map((at) => stage.dial(survey, hangsUp(at))))
  for (const [n, { record }] of all.entries())
    t.match(record, { disposition: 'hangup', hangup_by: 'callee', answered_at: Number }, `after ${moments[n]} ms`)
})

t.test('a call that is not answered has the disposition of its cause', async (t) => {
  const dialled = await Promise.all([
    stage.dial(survey, refuses(486, 100)),
    stage.dial(survey, refuses(603)),
    stage.dial(survey, refuses(404)),
    stage.dial(survey, async (call) => void (await call.ring(60_000)), { order: { ring: 2000 } }),
  ])
  t.match(
    dialled.map(({ record }) => record),
    [
      { disposition: 'busy', sip_code: 486, hangup_by: 'callee', answered_at: null },
      { disposition: 'rejected', sip_code: 603 },
      { disposition: 'invalid_number', sip_code: 404 },
      { disposition: 'no_answer', hangup_by: 'limit' },
    ],
  )
})

t.test('an operator ends a call that rings, and one that talks', async (t) => {
  const ringing = stage.dial(survey, async (call) => void (await call.ring(60_000)))
  const first = stage.newest()
  await waitFor(() => stage.calls.registry.get(first)?.state === 'ringing', { what: 'ringing' })
  stage.calls.registry.hangup(first)
  t.match((await ringing).record, { disposition: 'cancelled', hangup_by: 'operator', answered_at: null })
  const talking = stage.dial(survey, answers())
  const second = stage.newest()
  await waitFor(() => stage.calls.registry.get(second)?.state === 'up', { what: 'an answer' })
  stage.calls.registry.hangup(second)
  const { record, phone } = await talking
  t.match(record, { disposition: 'cancelled', hangup_by: 'operator', answered_at: Number })
  t.equal(phone.endedBy, 'far')
})

t.test('a caller hears ringing, then the flow; a silent one is asked to call again', async (t) => {
  const told = await stage.ring(question, calls())
  const { record, phone } = told
  t.ok(await stage.heard(told, question, 'Please call us back, we cannot hear you.'))
  t.match(record, { disposition: 'silent', hangup_by: 'flow', kind: 'inbound' })
  t.ok(phone.ringingAt! <= phone.answeredAt!)
  const gap = phone.endedAt! - phone.ear.phrases.at(-1)!.to
  t.ok(gap < 1000, `our BYE came ${gap} ms after the end of the second phrase`)
})

t.test('a caller who presses the key is done', async (t) => {
  const { record } = await stage.ring(
    question,
    calls(async (call) => {
      await call.hears(1)
      await call.press('1')
    }),
  )
  t.match(record, { disposition: 'completed', outcome: 'yes' })
})

t.test('a number without a flow says that it is not in use', async (t) => {
  const { record, phone } = await stage.ring(null, calls())
  t.match(record, { disposition: 'blocked', hangup_by: 'flow' })
  t.ok(phone.ear.phrases.length >= 1)
  t.equal(phone.endedBy, 'far')
})

t.test('a caller who gives up while it rings, or at the first word, is gone', async (t) => {
  const { record } = await stage.ring(
    question,
    calls(async (call) => await call.hangUp()),
  )
  t.match(record, { disposition: 'hangup', hangup_by: 'callee' })
})
