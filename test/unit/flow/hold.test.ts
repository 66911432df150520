import t from 'tap'
import { byHand, faults, flow, hears, press, pressInto, talk, waits } from './talk.ts'

const hold = (more = '', after = '') =>
  flow(`
start: wait
vars: { answer: {} }
steps:
  wait:
    hold: "One minute, please."
    task: { external: look }
    save: answer
${more}
    on: { done: told, failed: sorry${after} }
  told: { say: "It is {answer.x}.", next: hangup }
  sorry: { say: "It failed.", next: hangup }
`)

const words = (said: string[]) => said.filter((line) => !line.startsWith('>'))
const done = (x: number, after = 0) => ({ task: { name: 'look', result: { x }, after } })

t.test('it asks to wait, plays music, thanks, and goes on with the answer', async (t) => {
  const { said, times } = talk(hold(), [hears('One minute'), done(42, 20_000)])
  t.strictSame(said, [
    'One minute, please.',
    '[music]',
    '[music stops]',
    'Thank you for waiting.',
    'It is 42.',
    '[hangs up]',
  ])
  t.equal(times[3], 20)
})

t.test('a failed task is thanked for, too', async (t) => {
  const { said } = talk(hold(), [{ task: { name: 'look', status: 'failed', after: 5000 } }])
  t.strictSame(words(said).slice(-3), ['Thank you for waiting.', 'It failed.', '[hangs up]'])
})

t.test('an answer during the text waits for its end; one that was there before counts at once', async (t) => {
  t.strictSame(words(talk(hold(), [done(1)]).said), [
    'One minute, please.',
    'Thank you for waiting.',
    'It is 1.',
    '[hangs up]',
  ])
  const call = byHand(hold())
  call.start()
  call.task('look', { x: 2 })
  call.played()
  t.equal(call.said().at(-1), 'Thank you for waiting.')
})

t.test('its text has a default, and never the word hold', async (t) => {
  const { said } = talk(
    flow(`
start: wait
steps:
  wait: { hold: true, check_back: 5s, on: { waiting: hangup } }
`),
    [],
  )
  t.equal(said[0], 'One minute, please.')
})

t.test('after check_back it comes back by itself and offers to wait on or to be called', async (t) => {
  const { said, times } = talk(hold(), [hears('To wait on'), press('1'), hears('To wait on')])
  t.equal(
    said[3],
    'Thank you for waiting. I do not have the answer yet. To wait on, press 1. To be called back, press 2.',
  )
  t.equal(times[3]! - times[1]!, 60, 'counted from the end of the text')
  const [back, again] = [times[said.lastIndexOf('[music]', 6)]!, times[7]!]
  t.equal(again - back, 60, 'and again from each return to the music')
})

t.test('in the offer any other key, or five seconds of silence, waits on', async (t) => {
  for (const script of [[press('7')], [press('*')], []])
    t.equal(
      talk(hold(), [hears('To wait on'), ...script])
        .said.slice(3)
        .find((l) => l.startsWith('[')),
      '[music]',
    )
  const { times, said } = talk(hold(), [])
  const offer = said.findIndex((line) => line.includes('To wait on'))
  t.equal(Math.round((times[offer + 1]! - times[offer]! - said[offer]!.length * 0.06) * 10), 50)
})

t.test('2 agrees on a callback in half an hour, which ends the call', async (t) => {
  const { said, result, callbackIn } = talk(hold(), [hears('To wait on'), press('2'), press('1')])
  t.match(words(said).slice(-3), [
    'When may we call you? In half an hour, press 1. If you do not wish a call, press 9.',
    /I will call you today at 10:\d\d\. Thank you\./,
    '[hangs up]',
  ])
  t.match(result, { disposition: 'callback', hangup_by: 'flow' })
  t.equal(callbackIn, 1_800_000)
})

t.test('a callback that is declined, cannot be had, or meets silence, waits on', async (t) => {
  t.equal(words(talk(hold(), [hears('To wait on'), press('2'), press('9')]).said).at(5), '[music]')
  const none = talk(hold(), [hears('To wait on'), press('2'), done(5, 1000)], { callbacks: 'unavailable' })
  t.strictSame(words(none.said).slice(4), [
    '[music]',
    '[music stops]',
    'Thank you for waiting.',
    'It is 5.',
    '[hangs up]',
  ])
  const quiet = talk(hold(), [hears('To wait on'), press('2'), { silent: true }, { silent: true }])
  t.ok(words(quiet.said).slice(6).includes('[music]'))
})

t.test('an answer during the offer goes on at once', async (t) => {
  const { said } = talk(hold(), [hears('To wait on'), done(7, 1000)])
  t.strictSame(words(said).slice(3), [
    'Thank you for waiting. I do not have the answer yet. To wait on, press 1. To be called back, press 2.',
    'Thank you for waiting.',
    'It is 7.',
    '[hangs up]',
  ])
})

const more = flow(`
start: wait
vars: { answer: {} }
steps:
  wait:
    hold: "One minute, please."
    task: { external: look }
    save: answer
    check_back: 20s
    max_hold: 50s
    on: { done: hangup, failed: hangup, waiting: not_yet }
  not_yet: { menu: "Not yet. To wait, press 1.", options: { "1": wait } }
`)

t.test('with waiting named it comes back to that instead, after its thanks', async (t) => {
  const { said, times } = talk(more, [])
  t.strictSame(said.slice(3, 5), ['Thank you for waiting.', 'Not yet. To wait, press 1.'])
  t.equal(times[3]! - times[1]!, 20)
})

t.test('entering it again goes on waiting: no second task, and max_hold counts from the first entry', async (t) => {
  const { said, times, result } = talk(more, [hears('Not yet'), press('1'), hears('Not yet'), press('1')])
  t.equal(said.filter((line) => line === 'One minute, please.').length, 3)
  t.strictSame(words(said).slice(-3), ['Thank you for waiting.', 'Thank you. Goodbye.', '[hangs up]'])
  t.equal(times.at(-3)! - times[1]!, 50)
  t.match(result, { disposition: 'completed', hangup_by: 'flow' })
})

t.test('a result that came while it was away counts at once on the next entry', async (t) => {
  const { said } = talk(more, [hears('Not yet'), { waits: 1000 }])
  t.ok(said.length)
  const call = byHand(more)
  call.start()
  call.played()
  call.fire('check_back')
  call.played()
  call.task('look', { x: 1 })
  t.equal(call.state.step, 'not_yet')
  call.key('1')
  t.strictSame(call.said().slice(-1), ['Thank you for waiting.'], 'without asking to wait')
})

t.test('max_hold in the end, politely or where it is named', async (t) => {
  const polite = talk(hold('    max_hold: 30s'), [])
  t.strictSame(words(polite.said).slice(-3), ['Thank you for waiting.', 'Thank you. Goodbye.', '[hangs up]'])
  const named = talk(hold('    max_hold: 30s', ', max_hold: sorry'), [])
  t.strictSame(words(named.said).slice(-3), ['Thank you for waiting.', 'It failed.', '[hangs up]'])
  t.equal(named.times.at(-3)! - named.times[1]!, 30)
})

t.test('without a task it plays music for check_back and goes on to waiting', async (t) => {
  const program = flow(`
start: wait
steps:
  wait: { hold: "A moment.", check_back: 10s, thanks: "Here we are.", on: { waiting: bye } }
  bye: { say: "Now then.", next: hangup }
`)
  const { said, times } = talk(program, [])
  t.strictSame(said, ['A moment.', '[music]', '[music stops]', 'Here we are.', 'Now then.', '[hangs up]'])
  t.equal(times[3]! - times[1]!, 10)
})

const leaving = flow(`
start: wait
situations: { again: { key: "*", goto: repeat }, who: { key: "8", steps: [{ say: "We are a clinic." }] } }
steps:
  wait:
    hold: "One minute, please."
    task: { external: look }
    options: { "0": desk }
    on: { done: hangup, failed: hangup }
  desk: { say: "The desk.", next: hangup }
`)

t.test('keys of options leave it, without thanks; others are dropped, in the text and in the music', async (t) => {
  t.strictSame(talk(leaving, [hears('One minute'), pressInto('5'), pressInto('0')]).said, [
    'One minute, please.',
    '> 5',
    '> 0',
    'The desk.',
    '[hangs up]',
  ])
  const { said } = talk(leaving, [press('5'), waits(2), press('0')])
  t.strictSame(said, ['One minute, please.', '[music]', '> 5', '> 0', '[music stops]', 'The desk.', '[hangs up]'])
})

t.test('a key of options acts in the offer as well', async (t) => {
  t.strictSame(words(talk(leaving, [hears('To wait on'), pressInto('0')]).said).slice(-2), ['The desk.', '[hangs up]'])
})

t.test('a key that was typed before it and is named leaves at once', async (t) => {
  const program = flow(`
start: greet
steps:
  greet: { say: "Hello." }
  wait: { hold: "Wait.", options: { "0": desk }, on: { waiting: hangup } }
  desk: { say: "The desk.", next: hangup }
`)
  t.strictSame(talk(program, [pressInto('0')]).said, ['Hello.', '> 0', 'The desk.', '[hangs up]'])
  t.strictSame(talk(program, [pressInto('5'), waits(1)]).said.slice(0, 3), ['Hello.', '> 5', 'Wait.'])
})

t.test('after a situation it goes on waiting, without its text', async (t) => {
  const { said } = talk(leaving, [press('8'), waits(5)])
  t.strictSame(said.slice(0, 6), [
    'One minute, please.',
    '[music]',
    '> 8',
    '[music stops]',
    'We are a clinic.',
    '[music]',
  ])
})

t.test('the silence ladder sleeps and talk changes nothing', async (t) => {
  const call = byHand(hold())
  call.start()
  call.played()
  const before = call.state.timers
  call.talk(true)
  call.wait(20_000).talk(false)
  t.strictSame(call.state.timers, before)
})

const asked = flow(`
start: wait
vars: { answer: {}, id: "A 7" }
steps:
  wait:
    hold: "One minute, please."
    task: { http: { url: "http://crm.test/orders/{id}?n={call.number}", json: { id: "{id}", tries: "{call.attempt}" } } }
    save: answer
    on: { done: told, failed: sorry }
  told: { say: "It is {answer.x}.", next: hangup }
  sorry: { say: "It failed.", next: hangup }
`)

t.test('an http task is asked once, at the start of the text, with max_hold as its timeout', async (t) => {
  const call = byHand(asked)
  const [, , http] = call.start()
  t.strictSame(http, {
    type: 'http',
    id: 'task:wait',
    timeout: 300_000,
    request: {
      method: 'POST',
      url: 'http://crm.test/orders/A%207?n=%2B40712345678',
      headers: {},
      json: { id: 'A 7', tries: 1 },
    },
  })
  call.played()
  call.http({ body: { x: 9 } })
  call.played()
  t.equal(call.said().at(-1), 'It is 9.')
})

t.test('entering the hold again asks the service no second time', async (t) => {
  const program = flow(`
start: wait
vars: { answer: {} }
steps:
  wait:
    hold: "Wait."
    task: { http: { url: "http://crm.test/" } }
    max_hold: 50s
    options: { "0": aside }
    on: { done: hangup, failed: hangup }
  aside: { menu: "Aside.", options: { "1": wait } }
`)
  const call = byHand(program)
  call.start()
  call.wait(500).key('0')
  call.wait(9500).key('1')
  t.equal(call.effects.filter((e) => e.type === 'http').length, 1)
  call.wait(1000).played()
  t.match(
    call.effects.findLast((e) => e.type === 'timer' && e.ms !== 60_000),
    { ms: 39_500 },
    'max_hold counts from the end of the first text, also of one that was cut',
  )
  call.http({ body: {} })
  t.equal(call.said().at(-1), 'Thank you for waiting.')
})

t.test('an answer to a request of the hold that comes while it is left counts on the next entry', async (t) => {
  const call = byHand(asked)
  call.start()
  call.http({ body: { x: 3 } })
  call.played()
  call.played()
  t.equal(call.said().at(-1), 'It is 3.')
})

t.test('2xx is done, all else failed', async (t) => {
  for (const [fields, said] of [
    [{ status: 204, body: {} }, 'told'],
    [{ status: 302, body: {} }, 'sorry'],
    [{ result: 'error' as const, status: 500 }, 'sorry'],
    [{ result: 'timeout' as const, status: null }, 'sorry'],
  ] as const) {
    const call = byHand(asked)
    call.start()
    call.played()
    call.http({ ...fields })
    call.played()
    t.equal(call.state.step, said === 'told' ? '@error/say' : said, 'an answer without x cannot be told')
  }
})

t.test('an answer of another type is a technical fault', async (t) => {
  const call = byHand(asked)
  call.start()
  call.played()
  call.http({ body: 'just words' })
  call.played()
  t.match(call.said().at(-1), /technical reasons/)
})

t.test('a task finished after an earlier call is the result when that call enters the same hold', async (t) => {
  for (const tasks of [{ look: { x: 4 } }, { look: { status: 'done', result: { x: 4 } } }])
    t.strictSame(talk(hold(), [], { kind: 'callback', previous: { tasks } }).said, [
      'Thank you for waiting.',
      'It is 4.',
      '[hangs up]',
    ])
  t.strictSame(
    talk(hold(), [], { kind: 'callback', previous: { tasks: { look: { status: 'failed', result: null } } } }).said[1],
    'It failed.',
  )
  t.strictSame(
    talk(hold(), [], { previous: { tasks: { look: { x: 4 } } } }).said[0],
    'One minute, please.',
    'any other call asks anew: what was found last time may be old',
  )
})

t.test('a key that was pressed before the hold and raises a situation does so', async (t) => {
  const program = flow(`
start: one
situations: { where: { key: "8", steps: [{ say: "A clinic." }] } }
vars: { order: "" }
steps:
  one: { gather: "Order?", save: order, num_digits: 1 }
  two: { pause: 1s }
  wait: { hold: true, task: { external: look }, on: { done: hangup, failed: hangup } }
`)
  const call = talk(program, [press('18'), { task: { name: 'look', after: 9000 } }])
  t.match(call.said.slice(3), ['A clinic.', '[music]'])
})

t.test('finished tasks are in the result of the call', async (t) => {
  const { result } = talk(hold(), [done(42, 1000)])
  t.strictSame(result.tasks, { look: { status: 'done', result: { x: 42 } } })
})

t.test('the name of an external task defaults to the step', async (t) => {
  const call = byHand(
    flow(`
start: find_it
vars: { answer: "" }
steps:
  find_it: { hold: true, task: { external: null }, save: answer, on: { done: hangup, failed: hangup } }
`),
  )
  call.start()
  call.played()
  call.task('find_it', 'words')
  call.played()
  t.equal(call.result().vars.answer, 'words')
})

t.test('check refuses music of nobody and keys that a situation has', async (t) => {
  t.match(faults('\nstart: w\nsteps:\n  w: { hold: true, music: none, on: { waiting: hangup } }'), [
    /nobody is left in silence/,
  ])
  t.match(
    faults(
      '\nstart: w\nsituations: { a: { key: "0", goto: repeat } }\nsteps:\n  w: { hold: true, options: { "0": hangup }, on: { waiting: hangup } }',
    ),
    [/shadowed-key the key 0/],
  )
})
