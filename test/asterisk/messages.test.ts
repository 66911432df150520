/** Messages that people leave, keys that we press, wishes that we keep: flows on a real Asterisk, with phones that speak. */
import { dirname } from 'node:path'
import t from 'tap'
import { trim } from '../../src/media/ulaw.ts'
import { answers, calls } from '../../src/phones/behaviours.ts'
import { isIn } from '../../src/phones/ear.ts'
import { speech, tone } from '../../src/phones/speech.ts'
import { recording, recordings } from '../support/recording.ts'
import { waitFor } from '../support/wait.ts'
import { programOf } from '../unit/call/a-call.ts'
import { startStage } from './conversation-stage.ts'

t.setTimeout(120_000)
t.jobs = 6

const stage = await startStage()
t.teardown(() => stage.stop())
const folder = dirname(stage.asterisk.soundsDir)

const message = programOf(
  `
  leave: { record: "Please leave a message after the tone.", save: word, final_silence: 1s }
  thanks: { say: "Thank you. Goodbye.", outcome: left, next: hangup }`,
  'vars: { word: "" }',
)

t.test('a message has in it what was spoken after the beep, and ends when they fall silent', async (t) => {
  const voice = trim(await speech('This is Ana. Please call me back about the visit.'))
  for (const way of ['out', 'in'] as const) {
    let said = 0
    const speaks = async (call: Parameters<Parameters<typeof answers>[0] & object>[0]) => {
      // The prompt and the beep may sound as one.
      await call.heard(1)
      await call.after(300)
      await call.say(voice)
      said = Date.now()
    }
    const told = way === 'out' ? await stage.dial(message, answers(speaks)) : await stage.ring(message, calls(speaks))
    const { record, phone } = told
    const name = record.recordings[0] ?? ''
    t.match(record, { disposition: 'completed', outcome: 'left', recordings: [name], vars: { word: name } })
    t.ok(name.startsWith(`${record.id}.`), name)
    t.ok(isIn(recording(folder, name) ?? Buffer.alloc(0), voice), 'their voice is in it')
    t.ok(await stage.heard(told, message, 'Thank you. Goodbye.'))
    const waited = phone.ear.phrases.at(-1)!.from - said
    t.ok(waited > 830 && waited < 1500, `we thanked ${waited} ms after the last word`)
  }
})

t.test('the key ends a message at once', async (t) => {
  const voice = await speech('Tell them that I agree')
  let pressed = 0
  const { record, phone } = await stage.dial(
    message,
    answers(async (call) => {
      await call.heard(1)
      await call.say(voice)
      await call.press('#')
      pressed = Date.now()
    }),
  )
  t.match(record, { disposition: 'completed', outcome: 'left', recordings: [String] })
  t.ok(isIn(recording(folder, record.recordings[0]!) ?? Buffer.alloc(0), voice))
  t.ok(phone.ear.phrases.at(-1)!.from - pressed < 400)
})

t.test('who says nothing is asked again and leaves no file; who hangs up has left what they said', async (t) => {
  const silent = await stage.dial(message, answers())
  t.match(silent.record, { disposition: 'silent', recordings: [], vars: { word: '' } })
  t.notOk(recordings(folder).some((path) => path.includes(silent.record.id)))
  const voice = await speech('I have to go now')
  const { record } = await stage.dial(
    message,
    answers(async (call) => {
      await call.heard(1)
      await call.say(voice)
      await call.hangUp()
    }),
  )
  t.match(record, { disposition: 'hangup', hangup_by: 'callee', recordings: [String] })
  t.equal(record.vars.word, record.recordings[0])
  const kept = await waitFor(() => recording(folder, record.recordings[0]!), { what: 'the message' })
  t.ok(isIn(kept, voice))
})

t.test('they are listened to until they have finished, and interrupted politely when they never do', async (t) => {
  const program = programOf(
    `
  what: { listen: "How can we help you?", save: question, max_talk: 3s, on: { spoke: bye, too_long: long, give_up: bye } }
  long: { say: "We will read that.", outcome: long, next: hangup }
  bye: { say: "I see. Goodbye.", outcome: heard, next: hangup }`,
    'vars: { question: "" }',
  )
  const voice = await speech('Where is my parcel?')
  const short = await stage.dial(
    program,
    answers(async (call) => {
      await call.heard(1)
      await call.say(voice)
    }),
  )
  t.match(short.record, { outcome: 'heard', recordings: [String] })
  t.ok(isIn(recording(folder, short.record.recordings[0]!) ?? Buffer.alloc(0), voice))
  const long = await stage.dial(
    program,
    answers(async (call) => {
      await call.heard(1)
      await call.say(tone(6000))
    }),
  )
  t.match(long.record, { outcome: 'long', recordings: [String] })
  t.ok(await stage.heard(long, program, 'We will read that.'))
})

t.test('an auto attendant hears our keys, and we wait for its end to go on', async (t) => {
  const program = programOf(`
  choose: { press: "12#", gap: 150ms }
  hello: { say: "Good morning.", next: hangup }`)
  const told = await stage.dial(program, answers())
  t.equal(told.phone.ear.keys, '12#')
  t.ok(await stage.heard(told, program, 'Good morning.'))
})

t.test('a word for a machine comes after its greeting and its beep', async (t) => {
  const program = programOf(`
  word: { voicemail: "Please call us back.", final_silence: 1s, next: hangup }`)
  let over = 0
  const told = await stage.dial(
    program,
    answers(async (call) => {
      await call.say(await speech('You have reached the machine of Ana. Leave a message.'))
      await call.after(500)
      await call.say(tone(500, 1000))
      over = Date.now()
    }),
  )
  t.ok(await stage.heard(told, program, 'Please call us back.'))
  const waited = told.phone.ear.phrases[0]!.from - over
  t.ok(waited > 850 && waited < 1600, `we spoke ${waited} ms after the beep`)
})

t.test('who does not want to be called is put on the list before they are told so', async (t) => {
  const program = programOf(`
  never: { opt_out: "We will not call you again. Goodbye." }`)
  const told = await stage.dial(program, answers())
  t.match(told.record, { disposition: 'opted_out', hangup_by: 'flow' })
  t.ok(stage.optOuts.includes(told.record.number))
  t.ok(await stage.heard(told, program, 'We will not call you again. Goodbye.'))
})
