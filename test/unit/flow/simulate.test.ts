import t from 'tap'
import { flow, hangsUp, hears, press, pressInto, says, silent, talk, waits } from './talk.ts'

const program = flow(`
start: greet
vars: { answer: {}, body: {} }
steps:
  greet: { say: "Good  Morning, {contact.name}." }
  ask: { menu: "Press 1 to wait, 2 to ask.", options: { "1": wait, "2": look } }
  wait: { hold: "One minute, please.", task: { external: look }, save: answer, on: { done: told, failed: told } }
  told: { say: "The answer is {answer}.", next: hangup }
  look: { http: { url: "http://crm.test/orders" }, save: body, on: { ok: got, error: bad, timeout: late } }
  got: { say: "Got {body}.", next: hangup }
  bad: { say: "Bad.", next: hangup }
  late: { say: "Late.", next: hangup }
`)
const ana = { contact: { name: 'Ana' } }

t.test('hears meets the next utterance with the text, case and blanks apart, and passes over others', async (t) => {
  t.strictSame(
    talk(program, [hears('good morning, ana'), hears('2 to ask'), silent, hears('please   SPEAK')], ana).unmet,
    [],
  )
  t.strictSame(talk(program, [hears('2 to ask'), hears('good morning')], ana).unmet, ['hears "good morning"'])
})

t.test('what was said before something was done is not heard after it', async (t) => {
  t.strictSame(talk(program, [press('1'), hears('good morning')], ana).unmet, ['hears "good morning"'])
  t.strictSame(talk(program, [press('1'), hears('One minute'), waits(70), hears('To wait on')], ana).unmet, [])
})

t.test('an item that is left over is told', async (t) => {
  t.strictSame(talk(program, [hangsUp, silent, press('1')], ana).unmet, ['silent', 'press 1'])
})

t.test('press waits for the next listening; into a prompt it stops it', async (t) => {
  const waited = talk(program, [press('1')], ana)
  t.equal(waited.times[2], ('Good  Morning, Ana.Press 1 to wait, 2 to ask.'.length * 60) / 1000)
  const cut = talk(program, [hears('Press'), pressInto('1')], ana)
  t.equal(Math.round((cut.times[2]! - cut.times[1]!) * 10), 3)
})

t.test('silent is exactly one noinput', async (t) => {
  const { said, unmet } = talk(program, [silent, press('9'), silent], ana)
  t.strictSame(unmet, [])
  t.equal(said.filter((line) => line.startsWith('Please speak')).length, 1)
})

t.test('says talks from the next listening', async (t) => {
  const { times, said } = talk(program, [says(2)], ana)
  t.strictSame(said.slice(2, 4), ['> talks', '> stops talking'])
  t.equal(times[3]! - times[2]!, 2)
  const listens = flow(
    '\nstart: a\nsteps:\n  a: { listen: "Tell me.", on: { spoke: hangup, too_long: b } }\n  b: { hangup: true }\n',
  )
  t.strictSame(talk(listens, [says(60), hears('Excuse me')]).unmet, [], 'who is hung up on has talked until then')
})

t.test('an answer goes to who waits for it, or is kept for the next who does', async (t) => {
  const after = { task: { name: 'look', result: { x: 1 }, after: 5000 } }
  for (const script of [
    [after, press('1')],
    [press('1'), after],
    [press('1'), hears('One minute'), after, hears('The answer')],
  ])
    t.match(talk(program, script, ana), { unmet: [], said: /./ })
  const kept = talk(program, [after, press('1')], ana)
  const asked = kept.times[kept.said.indexOf('One minute, please.')]!
  t.equal(kept.times[kept.said.indexOf('Thank you for waiting.')]! - asked, 5)
})

t.test('without an answer a task never answers and a service times out', async (t) => {
  t.ok(talk(program, [press('1'), waits(200)], ana).said.filter((line) => line.includes('To wait on')).length >= 2)
  t.equal(talk(program, [press('2')], ana).said.at(-2), 'Late.')
})

t.test('http answers in their order, by url where one is given', async (t) => {
  const said = (...script: Parameters<typeof talk>[1]) => talk(program, script, ana).said.at(-2)
  t.equal(said({ http: { json: { a: 1 } } }, press('2')), 'Got {"a":1}.')
  t.equal(said(press('2'), { http: { status: 404 } }), 'Bad.')
  t.equal(said({ http: { url: '/other', json: {} } }, { http: { url: '/orders', status: 500 } }, press('2')), 'Bad.')
  t.equal(said({ http: { after: 6000 } }, press('2')), 'Late.')
})

t.test('the same script gives the same conversation', async (t) => {
  const script = [silent, press('1'), waits(30), { task: { name: 'look', result: { x: 1 } } }]
  t.strictSame(talk(program, script, ana).lines, talk(program, script, ana).lines)
})

t.test('a call that never ends is left after a virtual hour', async (t) => {
  const endless = flow(`
start: wait
limits: { max_call_time: 4h }
vars: { answer: {} }
steps:
  wait: { hold: true, task: { external: x }, max_hold: 1h, on: { done: hangup, failed: hangup } }
`)
  t.ok(talk(endless, []).duration <= 3_600_000)
})
