import t from 'tap'
import { byHand, flow, hears, lasts, press, says, talk, waits } from './talk.ts'

const ask = flow(`
start: ask
steps:
  ask: { menu: "Press 1, please.", options: { "1": { say: "One.", goto: hangup } } }
`)

/** A call that has asked and listens. */
function listening(program = ask) {
  const call = byHand(program)
  call.start()
  call.wait(1000).played()
  return call
}

t.test('the timeout starts when the prompt has ended', async (t) => {
  const { times } = talk(ask, [hears('Please speak')])
  t.equal(times[1], lasts('Press 1, please.') + 5)
})

t.test('run out without a sound it is a noinput, after talk in this round a nomatch', async (t) => {
  t.match(talk(ask, []).said[1], 'Please speak')
  t.match(talk(ask, [says(2)]).said.slice(1, 4), ['> talks', '> stops talking', 'I am sorry, I did not understand.'])
})

t.test('while they talk the timeout does not run; it starts anew when they stop', async (t) => {
  const call = listening()
  call.wait(4000).talk(true)
  call.wait(300).fire('talk')
  t.equal(call.state.timers.timeout, null)
  const effects = call.wait(3000).talk(false)
  t.match(
    effects.filter((e) => e.type === 'timer'),
    [{ ms: 5000 }],
  )
  t.match(call.wait(5000).fire('timeout')[1], { type: 'play', parts: [{ text: 'I am sorry, I did not understand.' }] })
})

t.test('less than 300 ms of talk is a cough: the timeout runs on as if nothing had been', async (t) => {
  const call = listening()
  const before = call.state.timers.timeout
  call.wait(2000).talk(true)
  call.wait(250).talk(false)
  t.equal(call.state.timers.timeout, before)
  call.wait(2750).fire('timeout')
  t.match(call.said().at(-1), 'Please speak')
})

t.test('talk that begins just before the timeout is waited for, until it is clear that it is talk', async (t) => {
  const voice = listening()
  voice.wait(4900).talk(true)
  t.strictSame(voice.wait(100).fire('timeout'), [], 'nothing happens yet')
  voice.wait(200).fire('talk')
  voice.wait(1000).talk(false)
  voice.wait(5000).fire('timeout')
  t.match(voice.said().at(-1), 'did not understand')

  const cough = listening()
  cough.wait(4900).talk(true)
  cough.wait(100).fire('timeout')
  cough.wait(100).talk(false)
  t.match(cough.said().at(-1), 'Please speak', 'a cough does not save them from the timeout')
})

t.test('a round begins with its own prompt: talk during the prompt counts', async (t) => {
  const call = byHand(ask)
  call.start()
  call.wait(100).talk(true)
  call.wait(500).talk(false)
  call.wait(400).played()
  call.wait(5000).fire('timeout')
  t.match(call.said().at(-1), 'did not understand')
})

const greeted = flow(`
start: greet
steps:
  greet: { say: "Good morning." }
  ask: { menu: "Press 1, please.", options: { "1": hangup } }
`)

t.test('talk during an earlier say does not count', async (t) => {
  const call = byHand(greeted)
  call.start()
  call.wait(100).talk(true)
  call.wait(700).talk(false)
  call.wait(10).played()
  call.wait(1000).played()
  call.wait(5000).fire('timeout')
  t.match(call.said().at(-1), 'Please speak')
})

t.test('talk that is still going on when a round begins counts in it from that moment', async (t) => {
  const call = byHand(greeted)
  call.start()
  call.wait(100).talk(true)
  call.wait(900).played()
  call.wait(200).talk(false)
  call.wait(800).played()
  call.wait(5000).fire('timeout')
  t.match(call.said().at(-1), 'Please speak', '200 ms of it lie in the round')

  const longer = byHand(greeted)
  longer.start()
  longer.wait(100).talk(true)
  longer.wait(900).played()
  longer.wait(400).talk(false)
  longer.wait(600).played()
  longer.wait(5000).fire('timeout')
  t.match(longer.said().at(-1), 'did not understand', '400 ms of it lie in the round')
})

t.test('talk from before the round has to last 300 ms within it', async (t) => {
  const call = byHand(greeted)
  call.start()
  call.wait(100).talk(true)
  call.wait(2000).played()
  t.match(call.wait(100).played(), [
    { type: 'timer', ms: 5000 },
    { type: 'timer', ms: 200 },
  ])
  call.wait(200).fire('talk')
  t.equal(call.state.timers.timeout, null)
})

t.test('talk in the first round does not make a nomatch of a silent second one', async (t) => {
  const { said } = talk(ask, [says(1), hears('did not understand')])
  t.match(said.slice(-5), ['did not understand', 'Press 1', 'Please speak', 'I will call you back', 'hangs up'])
})

t.test('a voice never barges in', async (t) => {
  const call = byHand(ask)
  call.start()
  call.wait(10)
  t.strictSame(call.talk(true), [])
  t.strictSame(call.wait(600).talk(false), [])
})

t.test('a stretch of talk is interrupted after max_talk, and that is a nomatch', async (t) => {
  const { said, times } = talk(ask, [says(30)])
  t.match(said.slice(1, 3), ['> talks', 'Excuse me for interrupting. I am sorry, I did not understand.'])
  t.equal(times[2]! - times[1]!, 15)
})

t.test('a pause shorter than the timeout does not end a stretch of talk', async (t) => {
  const chatter = talk(ask, [says(4), waits(4), says(4), waits(2), says(4)])
  t.match(chatter.said.at(6), 'Excuse me for interrupting.')
  t.equal(chatter.times[6]! - chatter.times[1]!, 15, 'counted from the first word')
  const calm = talk(ask, [says(4), waits(5.5)])
  t.match(calm.said[3], /^I am sorry, I did not understand\.$/, 'a pause as long as the timeout ends it')
})

t.test('max_talk counts from the end of the prompt when they talked into it', async (t) => {
  const call = byHand(ask)
  call.start()
  call.wait(100).talk(true)
  const effects = call.wait(4000).played()
  t.match(effects, [{ type: 'timer', ms: 15_000 }])
  call.wait(15_000).fire('max_talk')
  t.match(call.said().at(-1), 'Excuse me for interrupting.')
})

t.test('a key answers while they talk', async (t) => {
  const { said } = talk(ask, [says(1), press('1')])
  t.match(said.slice(-3), ['> 1', 'One.', '[hangs up]'])
})

t.test('pace: slow stretches the timeout by half and slows the voice', async (t) => {
  const slow = flow(`
start: ask
voice: { name: en-gb, rate: 160 }
steps:
  ask: { menu: "Press 1, please.", pace: slow, options: { "1": hangup } }
`)
  const call = byHand(slow)
  const play = call.start().find((e) => e.type === 'play')
  t.match(play, { parts: [{ voice: 'en-gb', rate: 120 }] })
  t.match(call.wait(1000).played(), [{ type: 'timer', ms: 7500 }])
})

t.test('events of talk in any order are harmless', async (t) => {
  const call = byHand(ask)
  call.talk(true)
  call.start()
  call.talk(false)
  call.talk(true)
  call.talk(true)
  call.played()
  call.talk(false)
  call.talk(false)
  t.equal(call.state.talking, null)
})
