import t from 'tap'
import { byHand, flow, hears, press, pressInto, talk } from './talk.ts'

const two = flow(`
start: greet
vars: { code: "" }
steps:
  greet: { say: "Good morning." }
  first: { menu: "First question.", options: { "1": second, "2": { say: "Two.", goto: hangup } } }
  second: { menu: "Second question.", options: { "1": { say: "Done.", goto: hangup }, "2": code } }
  code: { gather: "Code?", save: code, num_digits: 3 }
  bye: { say: "Code {code}.", next: hangup }
`)

t.test('a key during a say stops it, and the next question takes it without being asked', async (t) => {
  const { said } = talk(two, [pressInto('1'), hears('Second')])
  t.strictSame(said.slice(0, 3), ['Good morning.', '> 1', 'Second question.'])
})

t.test('one buffer holds for the call: keys typed ahead answer several questions in turn', async (t) => {
  const { said, result } = talk(two, [pressInto('12345')])
  t.strictSame(
    said.filter((line) => !line.startsWith('>')),
    ['Good morning.', 'Second question.', 'Code?', 'Code 345.', '[hangs up]'],
    'the keys come 200 ms apart, each stops the prompt that plays',
  )
  t.equal(result.disposition, 'completed')
})

t.test('a key during a prompt stops it and is the answer', async (t) => {
  const { said, times } = talk(two, [hears('First'), pressInto('2')])
  t.strictSame(said.slice(1, 4), ['First question.', '> 2', 'Two.'])
  t.ok(times[2]! - times[1]! < 0.5, 'long before the prompt would have ended')
})

t.test('with barge_in false keys during a prompt are dropped, also in its rungs', async (t) => {
  const deaf = flow(`
start: ask
steps:
  ask:
    menu: "Listen to the end."
    barge_in: false
    options: { "1": { say: "One.", goto: hangup } }
    noinput: [ "Are you there?", "Goodbye." ]
`)
  const { said } = talk(deaf, [pressInto('1'), hears('Are you there'), pressInto('1'), press('1')])
  t.strictSame(said, ['Listen to the end.', '> 1', 'Are you there?', '> 1', '> 1', 'One.', '[hangs up]'])
})

t.test('a say with barge_in false drops keys: the question after it is asked in full', async (t) => {
  const { said } = talk(
    `
start: law
steps:
  law: { say: "This call is recorded.", barge_in: false }
  ask: { menu: "Press 1.", options: { "1": hangup } }
`,
    [pressInto('1'), hears('Press 1'), press('1')],
  )
  t.strictSame(said, ['This call is recorded.', '> 1', 'Press 1.', '> 1', '[hangs up]'])
})

t.test('a key from a say answers a question that may not be interrupted, too: it is not asked', async (t) => {
  const { said } = talk(
    `
start: greet
steps:
  greet: { say: "Hello." }
  ask: { menu: "Press 1.", barge_in: false, options: { "1": hangup } }
`,
    [pressInto('1')],
  )
  t.strictSame(said, ['Hello.', '> 1', '[hangs up]'])
})

t.test('the words of an inline target are a say: a key stops them and waits for the next question', async (t) => {
  const { said } = talk(
    `
start: ask
steps:
  ask: { menu: "Press 1.", options: { "1": { say: "A long explanation.", goto: next_one } } }
  next_one: { menu: "And now?", options: { "7": { say: "Seven.", goto: hangup } } }
`,
    [press('1'), pressInto('7')],
  )
  t.strictSame(said, ['Press 1.', '> 1', 'A long explanation.', '> 7', 'Seven.', '[hangs up]'])
})

t.test('a key in a rung stops it and is the answer', async (t) => {
  const { said } = talk(two, [{ silent: true }, hears('Please speak'), pressInto('2')])
  t.strictSame(said.slice(1), ['First question.', 'Please speak, I am listening.', '> 2', 'Two.', '[hangs up]'])
})

t.test('in the last rung keys are dropped', async (t) => {
  const { said, result } = talk(two, [{ silent: true }, { silent: true }, hears('call you back'), pressInto('1')])
  t.equal(said.at(-2), '> 1')
  t.equal(said.at(-1), '[hangs up]')
  t.equal(result.disposition, 'silent')
})

const later = flow(`
start: quiet
steps:
  quiet: { pause: 2s }
  ask: { menu: "Press 1.", options: { "1": { say: "One.", goto: hangup } } }
`)

t.test('keys during a pause are kept for the next question', async (t) => {
  const call = byHand(later)
  call.start()
  call.key('1')
  call.fire('pause')
  t.strictSame(call.said(), ['One.'])
})

t.test('the buffer is emptied when a rung begins: what was typed after a wrong key is forgotten with it', async (t) => {
  const call = byHand(later)
  call.start()
  call.key('9')
  call.key('1')
  call.fire('pause')
  t.strictSame(call.said(), ['I am sorry, I did not understand.'])
  t.equal(call.state.buffer, '')
})

t.test('what is no key of a telephone is ignored', async (t) => {
  const call = byHand(two)
  call.start()
  t.strictSame(call.key('A'), [])
  t.strictSame(call.key(''), [])
  t.strictSame(call.key('12'), [])
})
