import t from 'tap'
import { byHand, flow, hears, press, pressInto, says, silent, talk } from './talk.ts'

const ask = (more = '') =>
  flow(`
start: ask
vars: { misses: 0 }
steps:
  ask:
    menu: "Press 1, please."
    options: { "1": { say: "One.", goto: hangup } }
${more}
`)

const words = (said: string[]) => said.filter((line) => !line.startsWith('>'))

t.test('a silent line hears two phrases and then our hang-up', async (t) => {
  for (const [direction, second] of [
    ['outbound', 'I am sorry, I cannot hear you. I will call you back.'],
    ['inbound', 'Please call us back, we cannot hear you.'],
  ] as const) {
    const { said, result } = talk(ask(), [], { direction })
    t.strictSame(said, ['Press 1, please.', 'Please speak, I am listening.', second, '[hangs up]'])
    t.match(result, { disposition: 'silent', hangup_by: 'flow', outcome: null, last_step: 'ask' })
  }
})

t.test(
  'after a rung that is not the last the step listens again for a full timeout, without asking again',
  async (t) => {
    const { times, said } = talk(ask(), [])
    const rung = said[1]!
    t.equal(Math.round((times[2]! - times[1]! - rung.length * 0.06) * 1000), 5000)
  },
)

t.test('a nomatch asks again by default, three times in all', async (t) => {
  const { said, result } = talk(ask(), [press('7'), press('8'), press('9')])
  t.strictSame(words(said), [
    'Press 1, please.',
    'I am sorry, I did not understand.',
    'Press 1, please.',
    'I am sorry, I did not understand. Please press one of the keys.',
    'Press 1, please.',
    'I am sorry, we do not understand each other. Goodbye.',
    '[hangs up]',
  ])
  t.equal(result.disposition, 'nomatch')
})

t.test('a single text is a ladder of one', async (t) => {
  t.strictSame(talk(ask('    noinput: "Goodbye then."'), []).said, ['Press 1, please.', 'Goodbye then.', '[hangs up]'])
})

t.test('reprompt says whether the question is asked again', async (t) => {
  const program = ask(`
    noinput: [ { say: "Hello?", reprompt: true }, "Goodbye." ]
    nomatch: [ { say: "No.", reprompt: false }, "Goodbye." ]
`)
  t.strictSame(talk(program, []).said.slice(1, 3), ['Hello?', 'Press 1, please.'])
  t.strictSame(talk(program, [press('9')]).said.slice(2, 4), ['No.', 'Hello?'], 'listens at once after the nomatch')
})

t.test('after the last rung its goto decides first, then give_up, then the end of the call', async (t) => {
  const rungs = ask(`
    noinput: [ { say: "Hello?", goto: other } ]
    on: { give_up: end }
  other: { say: "Elsewhere.", next: hangup }
  end: { say: "Given up.", next: hangup }
`)
  t.strictSame(talk(rungs, []).said.slice(1), ['Hello?', 'Elsewhere.', '[hangs up]'])
  const on = ask(`
    noinput: [ "Hello?" ]
    on: { give_up: end }
  end: { say: "Given up.", next: hangup }
`)
  const { said, result } = talk(on, [])
  t.strictSame(said.slice(1), ['Hello?', 'Given up.', '[hangs up]'])
  t.equal(result.disposition, 'completed')
})

t.test('a rung in the middle may lead elsewhere', async (t) => {
  const program = ask(`
    noinput: [ { say: "One moment.", goto: other }, "Goodbye." ]
  other: { say: "Elsewhere.", next: hangup }
`)
  t.strictSame(talk(program, []).said.slice(1), ['One moment.', 'Elsewhere.', '[hangs up]'])
})

t.test('a rung sets and keeps an outcome before it speaks', async (t) => {
  const program = ask(`
    noinput: [ { set: { misses: "misses + 1" }, outcome: quiet, say: "Missed {misses}." }, "Goodbye." ]
`)
  const { said, result } = talk(program, [])
  t.equal(said[1], 'Missed 1.')
  t.match(result, { outcome: 'quiet', disposition: 'silent', vars: { misses: 1 } })
})

t.test('max_attempts counts both kinds; reached, the last rung of the kind that just happened is taken', async (t) => {
  const program = ask('    max_attempts: 3')
  const { said, result } = talk(program, [press('9'), silent, press('8')])
  t.equal(words(said).at(-2), 'I am sorry, we do not understand each other. Goodbye.')
  t.equal(result.disposition, 'nomatch')
  const quiet = talk(program, [press('9'), press('8'), silent])
  t.equal(words(quiet.said).at(-2), 'I am sorry, I cannot hear you. I will call you back.')
  t.equal(quiet.result.disposition, 'silent')
})

t.test('the flow sets its own ladders for all its steps', async (t) => {
  const program = flow(`
start: ask
defaults: { timeout: 2s, max_attempts: 2, noinput: ["Hm?", "Bye."] }
steps:
  ask: { menu: "Press 1.", options: { "1": hangup } }
`)
  const { said, times } = talk(program, [])
  t.strictSame(said, ['Press 1.', 'Hm?', 'Bye.', '[hangs up]'])
  t.equal(times[1], 'Press 1.'.length * 0.06 + 2)
})

const around = `
start: ask
situations: { again: { key: "*", goto: repeat } }
steps:
  ask:
    menu: "Press 1 or 2."
    options: { "1": aside, "2": repeat }
    noinput: [ { say: "Hello?", goto: aside }, "Goodbye." ]
  aside: { menu: "Aside. Press 1.", options: { "1": ask }, noinput: { say: "Back.", goto: ask }, nomatch: "No." }
`

t.test('counters of a step stay over repeat and situations', async (t) => {
  const program = ask(`
    noinput: [ "First.", "Second.", "Third." ]
situations: { again: { key: "*", goto: repeat } }
`)
  const { said } = talk(program, [silent, press('*'), silent, press('*'), silent])
  t.strictSame(
    said.filter((line) => /First|Second|Third/.test(line)),
    ['First.', 'Second.', 'Third.'],
  )
})

t.test('a step that leads around to itself without a key is refused by check', async (t) => {
  t.throws(() => flow(around), /cycle/)
})

t.test('counters start anew when the step is entered from another, after a key', async (t) => {
  const both = flow(`
start: ask
steps:
  ask: { menu: "Ask.", options: { "1": aside }, noinput: [ "First.", "Second." ] }
  aside: { menu: "Aside.", options: { "1": ask }, noinput: "No." }
`)
  const { said } = talk(both, [silent, press('1'), press('1'), silent])
  t.strictSame(
    said.filter((line) => /First|Second/.test(line)),
    ['First.', 'First.', 'Second.'],
    'the second visit begins with its first rung',
  )
})

t.test('they go on when there was no key and no talk since', async (t) => {
  const program = flow(`
start: ask
situations: { back: { goto: ask } }
steps:
  ask: { menu: "Ask.", options: { "1": hangup }, noinput: [ { say: "First.", goto: aside }, "Second." ] }
  aside: { menu: "Aside.", options: { "1": hangup }, noinput: "No." }
`)
  const come = (sign: (call: ReturnType<typeof byHand>) => void) => {
    const call = byHand(program)
    call.start()
    call.played()
    call.talk(true)
    call.wait(300).fire('talk')
    call.wait(100).talk(false)
    call.fire('timeout')
    call.played()
    call.played()
    call.fire('timeout')
    call.played()
    t.equal(call.state.step, 'aside', 'the signs of life lie before the silence')
    sign(call)
    call.raise('back')
    call.played()
    call.fire('timeout')
    return call.said().at(-1)
  }
  t.equal(
    come(() => {}),
    'Second.',
  )
  t.equal(
    come((call) => {
      call.talk(true)
      call.wait(400).talk(false)
    }),
    'First.',
    'a voice is a sign of life',
  )
})

t.test('a coughing line cannot go on for ever: talk in each round ends as nomatch', async (t) => {
  const { result, said } = talk(ask(), [says(1), hears('did not'), says(1), hears('one of the keys'), says(1)])
  t.equal(result.disposition, 'nomatch')
  t.equal(words(said).at(-1), '[hangs up]')
})

t.test('a key in a rung that is not the last is taken by the step', async (t) => {
  const { said } = talk(ask(), [silent, hears('Please speak'), pressInto('1')])
  t.strictSame(said.slice(-3), ['> 1', 'One.', '[hangs up]'])
})
