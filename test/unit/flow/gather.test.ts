import t from 'tap'
import { byHand, faults, flow, hears, press, pressInto, silent, talk, waits } from './talk.ts'

const gather = (more: string, vars = 'code: ""') =>
  flow(`
start: ask
vars: { ${vars} }
steps:
  ask:
    gather: "Code?"
    save: code
${more}
    next: said
  said: { say: "It is {code}.", next: hangup }
`)

const words = (said: string[]) => said.filter((line) => !line.startsWith('>'))

t.test('num_digits ends the entry with its last key', async (t) => {
  const { said, result } = talk(gather('    num_digits: 4'), [press('1234')])
  t.strictSame(words(said), ['Code?', 'It is 1234.', '[hangs up]'])
  t.equal(result.vars.code, '1234')
})

t.test('leading noughts are kept', async (t) => {
  t.equal(talk(gather('    num_digits: 4'), [press('0012')]).result.vars.code, '0012')
})

t.test('finish_on_key ends it earlier, and is # by default', async (t) => {
  t.equal(talk(gather('    min_digits: 2'), [press('123#')]).result.vars.code, '123')
  t.equal(talk(gather('    finish_on_key: "*"'), [press('55*')]).result.vars.code, '55')
})

t.test('without a finishing key it ends inter_digit_timeout after the last one', async (t) => {
  const { said, times } = talk(gather('    inter_digit_timeout: 2s'), [press('12')])
  t.strictSame(said, ['Code?', '> 1', '> 2', 'It is 12.', '[hangs up]'])
  t.equal(times[3]! - times[2]!, 2)
})

t.test('a full date or time is taken at once, and the finish key after it still belongs to it', async (t) => {
  const program = (type: string) =>
    flow(
      `start: a\nvars: { x: "" }\nsteps:\n  a: { gather: "When?", save: x, type: ${type} }\n  b: { menu: "{x}?", options: { "1": hangup } }\n`,
    )
  const call = talk(program('time'), [press('1630#'), hears('16:30?'), press('1')])
  t.match(call.result, { disposition: 'completed', vars: { x: '16:30' } })
  t.equal(call.state.misses.nomatch, 0, 'the finish key is not the answer to the next question')
  t.equal(talk(program('date'), [press('24122026#'), press('1')]).result.vars.x, '2026-12-24')
  t.equal(talk(program('date'), [press('2412'), hears('2026-12-24?'), press('1')]).result.vars.x, '2026-12-24')
  const ahead = talk(program('time'), [{ press: '1630#1', during: 'prompt' }])
  t.match(ahead.result, { disposition: 'completed', vars: { x: '16:30' } })
  t.equal(talk(program('time'), [press('1630'), hears('16:30?'), waits(4), press('#')]).state.misses.nomatch, 1)
})

t.test('a number that cannot be kept to its last digit does not fit', async (t) => {
  const program = flow(
    '\nstart: a\nvars: { n: 0 }\nsteps:\n  a: { gather: "How many?", save: n, type: number, next: hangup }\n',
  )
  const { result, state } = talk(program, [press('12345678901234567890#'), press('0042#')])
  t.match([result.vars.n, state.misses.nomatch], [42, 1])
})

t.test('max_digits is 32 unless the step says otherwise', async (t) => {
  t.equal(talk(gather(''), [press('1'.repeat(40))]).result.vars.code, '1'.repeat(32))
  t.equal(talk(gather('    max_digits: 3'), [press('98765')]).result.vars.code, '987')
})

t.test('what is too short is a nomatch', async (t) => {
  const { said } = talk(gather('    min_digits: 4\n    max_digits: 6'), [press('12#'), press('4321#')])
  t.strictSame(words(said), ['Code?', 'I am sorry, I did not understand.', 'Code?', 'It is 4321.', '[hangs up]'])
  t.equal(words(talk(gather(''), [press('#')]).said)[1], 'I am sorry, I did not understand.', 'and so is nothing')
})

t.test('a key that is no digit does not fit', async (t) => {
  t.match(words(talk(gather('    num_digits: 3'), [press('1*3')]).said)[1], 'did not understand')
})

t.test('a first key stops the prompt and begins the entry', async (t) => {
  t.strictSame(talk(gather('    num_digits: 2'), [pressInto('42')]).said, [
    'Code?',
    '> 4',
    '> 2',
    'It is 42.',
    '[hangs up]',
  ])
})

t.test('a number is kept as a number, within its limits', async (t) => {
  const program = gather('    type: number\n    min: 1\n    max: 10', 'code: 0')
  const { said, result } = talk(program, [press('11#'), press('0#'), press('007#')])
  t.equal(result.vars.code, 7)
  t.equal(words(said).at(-2), 'It is 7.')
})

t.test('a time is HHMM and kept as 16:30', async (t) => {
  const program = gather('    type: time')
  t.equal(talk(program, [press('2460'), press('0915')]).result.vars.code, '09:15')
})

t.test('a date is DDMMYYYY, or DDMM for the next such day', async (t) => {
  const program = gather('    type: date')
  const typed = (keys: string) => talk(program, [press(keys)]).result.vars.code
  t.equal(typed('24122027'), '2027-12-24')
  t.equal(typed('0412#'), '2026-12-04')
  t.equal(typed('0401#'), '2027-01-04', 'the fourth of January was yesterday')
  t.equal(typed('0501#'), '2026-01-05', 'today is a day to come')
  t.equal(typed('2902#'), '2028-02-29', 'the next year that has one')
  t.equal(typed('3102#'), '', 'no such day')
  t.equal(typed('29022027'), '')
})

t.test('limits of dates and times', async (t) => {
  const program = gather('    type: date\n    min: 2026-02-01\n    max: 2026-12-31')
  t.equal(talk(program, [press('15012026'), press('15022026')]).result.vars.code, '2026-02-15')
})

t.test('a telephone number is kept in E.164, in the country of the call', async (t) => {
  const program = gather('    type: phone')
  const typed = (keys: string) => talk(program, [press(keys)]).result.vars.code
  t.equal(typed('0712345678#'), '+40712345678')
  t.equal(typed('00442079460018#'), '+442079460018')
  t.equal(typed('12345#'), '')
})

const confirmed = gather('    num_digits: 2\n    confirm: "You typed {code}. 1 yes, 2 no."')

t.test('confirm reads the entry back: 1 keeps it', async (t) => {
  const { said, result } = talk(confirmed, [press('42'), hears('You typed 42'), press('1')])
  t.strictSame(words(said), ['Code?', 'You typed 42. 1 yes, 2 no.', 'It is 42.', '[hangs up]'])
  t.equal(result.vars.code, '42')
})

t.test('2 is a nomatch that asks anew, and what was refused is not kept', async (t) => {
  const { said, result } = talk(confirmed, [press('42'), press('2')])
  t.strictSame(words(said).slice(2, 4), ['I am sorry, I did not understand.', 'Code?'])
  t.equal(result.vars.code, '')
  const quiet = gather(
    '    num_digits: 2\n    confirm: "{code}?"\n    nomatch: [{ say: "No.", reprompt: false }, "Bye."]',
  )
  t.strictSame(
    words(talk(quiet, [press('42'), press('2')]).said).slice(2, 4),
    ['No.', 'Code?'],
    'whatever the rung says',
  )
})

t.test('silence at confirm is a noinput, after which it is read back again', async (t) => {
  const { said, result } = talk(confirmed, [press('42'), silent, press('1')])
  t.strictSame(words(said).slice(1, 4), [
    'You typed 42. 1 yes, 2 no.',
    'Please speak, I am listening.',
    'You typed 42. 1 yes, 2 no.',
  ])
  t.equal(result.vars.code, '42')
})

t.test('the buffer is emptied at confirm: nobody says yes before the question', async (t) => {
  const call = byHand(confirmed)
  call.start()
  call.played()
  for (const key of '42') call.key(key)
  t.equal(call.state.buffer, '')
  const ahead = byHand(
    flow(`
start: quiet
vars: { code: "" }
steps:
  quiet: { pause: 1s }
  ask: { gather: "Code?", save: code, num_digits: 2, confirm: "{code}?", next: hangup }
`),
  )
  ahead.start()
  for (const key of '421') ahead.key(key)
  ahead.fire('pause')
  t.equal(ahead.said().at(-1), '42?')
  t.equal(ahead.state.phase, 'on')
})

t.test('keys typed ahead are the entry; what is left over answers the next question', async (t) => {
  const program = flow(`
start: greet
vars: { code: "" }
steps:
  greet: { say: "Hello." }
  ask: { gather: "Code?", save: code, num_digits: 3 }
  then: { menu: "And?", options: { "7": { say: "Seven.", goto: hangup } } }
`)
  t.strictSame(words(talk(program, [pressInto('1237')]).said), ['Hello.', 'And?', 'Seven.', '[hangs up]'])
})

t.test('a situation acts in a gather only on * and #, and only if the step does not use them', async (t) => {
  const program = (finish: string) =>
    flow(`
start: ask
vars: { code: "" }
situations: { again: { key: "#", goto: repeat }, other: { key: "5", goto: repeat } }
steps:
  ask: { gather: "Code?", save: code, max_digits: 4, ${finish}next: hangup }
`)
  t.strictSame(words(talk(program('finish_on_key: "*", '), [press('#')]).said).slice(0, 2), ['Code?', 'Code?'])
  t.match(words(talk(program(''), [press('#')]).said)[1], 'did not understand', '# ends the entry here')
  t.equal(talk(program(''), [press('5#')]).result.vars.code, '5', '5 is a digit like any other')
})

t.test('digits that are sensitive are not in the result', async (t) => {
  const { result } = talk(gather('    num_digits: 4\n    sensitive: true'), [press('1234')])
  t.notOk('code' in result.vars)
})

t.test('give_up after the ladder', async (t) => {
  const program = flow(`
start: ask
vars: { code: "" }
steps:
  ask: { gather: "Code?", save: code, on: { give_up: lost }, next: hangup }
  lost: { say: "Never mind.", next: hangup }
`)
  t.equal(words(talk(program, [waits(60)]).said).at(-2), 'Never mind.')
})

t.test('check tells where an entry cannot be kept', async (t) => {
  const wrong = (more: string, vars: string) =>
    faults(`
start: ask
vars: { ${vars} }
steps:
  ask: { gather: "Code?", save: code, ${more} next: hangup }
`)
  t.match(wrong('type: number,', 'code: ""'), [/6:\d+ save-type .*"code", which is a text: expected a number/])
  t.match(wrong('', 'code: 0'), [/save-type/])
  t.match(wrong('', 'kode: ""'), [/unknown-variable "code" is not declared under vars: did you mean "kode"/])
  t.match(wrong('num_digits: 3, max_digits: 4,', 'code: ""'), [/num_digits, or min_digits and max_digits, not both/])
  t.match(wrong('min_digits: 5, max_digits: 4,', 'code: ""'), [/min_digits is larger than max_digits/])
  t.match(wrong('type: time, min: soon,', 'code: ""'), [/min: expected a time as 16:30/])
})
