import t from 'tap'
import type { ScriptItem } from '../../../src/flow/script.ts'
import { byHand, flow, hangsUp, hears, press, pressInto, says, silent, talk, waits } from './talk.ts'

const words = (said: string[]) => said.filter((line) => !line.startsWith('>'))

t.test('a verb that goes on takes next, else the step below', async (t) => {
  const program = flow(`
start: a
steps:
  a: { say: "A.", next: c }
  b: { say: "B.", next: hangup }
  c: { say: "C.", next: d }
  d: { set: { x: "x + 1" } }
  e: { branch: [ { if: "x == 1", goto: b } ], else: hangup }
vars: { x: 0 }
`)
  t.strictSame(talk(program, []).said, ['A.', 'C.', 'B.', '[hangs up]'])
})

t.test('an inline target sets, keeps its outcome, speaks and goes', async (t) => {
  const program = flow(`
start: ask
vars: { n: 1 }
steps:
  ask:
    menu: "Press."
    options:
      "1": { set: { n: "n + 1" }, outcome: chosen, say: "Now {n}.", goto: other }
      "2": { say: "On." }
    next: other
  other: { say: "Other {n}.", next: hangup }
`)
  const { said, result } = talk(program, [press('1')])
  t.strictSame(words(said), ['Press.', 'Now 2.', 'Other 2.', '[hangs up]'])
  t.equal(result.outcome, 'chosen')
  t.strictSame(
    words(talk(program, [press('2')]).said),
    ['Press.', 'On.', 'Other 1.', '[hangs up]'],
    'without goto: next',
  )
})

t.test('repeat asks the step again', async (t) => {
  const program = flow(`
start: ask
steps:
  ask: { menu: "Press.", options: { "1": repeat, "2": { say: "Again.", goto: repeat }, "3": hangup } }
`)
  t.strictSame(words(talk(program, [press('1'), press('2'), press('3')]).said), [
    'Press.',
    'Press.',
    'Again.',
    'Press.',
    '[hangs up]',
  ])
})

t.test('the outcome of a step is kept when it is left by its own end, the last one kept is the record’s', async (t) => {
  const program = flow(`
start: a
steps:
  a: { say: "A long sentence to be heard.", outcome: heard }
  b: { menu: "Press.", outcome: asked, options: { "1": { outcome: yes, goto: c }, "2": c } }
  c: { pause: 1s, next: hangup }
`)
  t.equal(talk(program, [hears('long'), hangsUp]).result.outcome, null, 'they hung up before its end')
  t.equal(talk(program, [hears('Press'), hangsUp]).result.outcome, 'heard')
  t.equal(talk(program, [press('2')]).result.outcome, 'asked')
  t.equal(talk(program, [press('1')]).result.outcome, 'yes')
  t.equal(talk(program, []).result.outcome, 'heard', 'giving up is not its own end')
})

t.test('who hung up, and what that makes of the call', async (t) => {
  const program = flow(`
start: a
steps:
  a: { menu: "Press.", options: { "1": { outcome: yes, goto: b } } }
  b: { say: "A long good-bye.", next: hangup }
`)
  t.match(talk(program, [hears('Press'), hangsUp]).result, { disposition: 'hangup', hangup_by: 'callee' })
  t.match(talk(program, [press('1'), hangsUp]).result, {
    disposition: 'completed',
    hangup_by: 'callee',
    outcome: 'yes',
  })
  t.match(talk(program, [press('1')]).result, { disposition: 'completed', hangup_by: 'flow', last_step: 'b' })
  const ended = (by: 'operator' | 'network' | 'unknown' | 'limit') => {
    const call = byHand(program)
    call.start()
    call.hangup(by)
    return call.result().disposition
  }
  t.equal(ended('operator'), 'cancelled')
  t.equal(ended('network'), 'technical')
  t.equal(ended('unknown'), 'hangup')
  t.equal(ended('limit'), 'completed')
})

t.test('hangup says its last words and gives its disposition and outcome', async (t) => {
  const program = flow(`
start: a
steps:
  a: { hangup: { say: "Bye.", disposition: nomatch, outcome: lost } }
`)
  const { said, result } = talk(program, [pressInto('1')])
  t.strictSame(said, ['Bye.', '> 1', '[hangs up]'], 'keys change nothing any more')
  t.match(result, { disposition: 'nomatch', outcome: 'lost', hangup_by: 'flow' })
})

t.test('after the hang-up nothing more is done and nothing is heard', async (t) => {
  const call = byHand(flow('\nstart: a\nsteps:\n  a: { say: "A.", next: hangup }'))
  call.start()
  const end = call.played()
  t.match(end.slice(0, 1), [{ type: 'hangup', by: 'flow' }])
  t.match(end.at(-1), { type: 'done' })
  t.strictSame(call.key('1'), [])
  t.strictSame(call.hangup(), [])
  t.strictSame(call.start(), [])
  t.equal(call.result().hangup_by, 'flow')
})

t.test('start by verdict', async (t) => {
  const program = flow(`
start: { human: a, machine: word, unsure: check }
steps:
  a: { say: "Human.", next: hangup }
  word: { say: "Machine.", next: hangup }
  check: { say: "Unsure.", next: hangup }
`)
  const begun = (verdict: 'human' | 'machine' | 'unsure') => talk(program, [{ amd: verdict }])
  t.match(begun('human'), { said: ['Human.', /./], result: { disposition: 'completed' } })
  t.match(begun('machine'), { said: ['Machine.', /./], result: { disposition: 'machine', hangup_by: 'flow' } })
  t.match(begun('unsure'), { said: ['Unsure.', /./], result: { disposition: 'completed' } })
})

t.test('without machine a machine is hung up; without unsure it counts as human', async (t) => {
  for (const start of ['a', '{ human: a }']) {
    const program = flow(`\nstart: ${start}\nsteps:\n  a: { say: "Hello {call.amd}.", next: hangup }`)
    t.match(talk(program, [{ amd: 'machine' }]), { said: ['[hangs up]'], result: { disposition: 'machine' } })
    t.equal(talk(program, [{ amd: 'unsure' }]).said[0], 'Hello unsure.')
  }
})

t.test('an agreed callback begins at its step', async (t) => {
  const program = flow(`
start: a
steps:
  a: { say: "A." }
  b: { callback: "When?", at: c, choices: [1h], on: { scheduled: hangup, declined: hangup } }
  c: { say: "As agreed.", next: hangup }
`)
  t.match(talk(program, [], { kind: 'callback', start_at: 'c' }), {
    said: ['As agreed.', '[hangs up]'],
    steps: [{ step: 'c', event: 'callback' }],
  })
  t.equal(talk(program, [], { start_at: 'gone' }).said[0], 'A.', 'a step that is not there any more: the start')
  t.equal(talk(program, [], { start_at: '@error/say' }).said[0], 'A.')
})

t.test('max_steps ends politely, by the limit', async (t) => {
  const program = flow(`
start: a
limits: { max_steps: 3 }
steps:
  a: { menu: "Press.", options: { "1": b } }
  b: { menu: "Again.", options: { "1": a } }
`)
  const { said, result } = talk(program, [press('1'), press('1'), press('1')])
  t.strictSame(words(said), ['Press.', 'Again.', 'Press.', 'Thank you. Goodbye.', '[hangs up]'])
  t.match(result, { disposition: 'completed', hangup_by: 'limit' })
})

t.test('max_call_time ends politely, whatever is going on', async (t) => {
  const program = flow(`
start: a
limits: { max_call_time: 20s }
steps:
  a: { hold: "Wait.", check_back: 1m, on: { waiting: hangup } }
`)
  const { said, times, result } = talk(program, [])
  t.strictSame(said, ['Wait.', '[music]', '[music stops]', 'Thank you. Goodbye.', '[hangs up]'])
  t.equal(times[3], 20)
  t.match(result, { disposition: 'completed', hangup_by: 'limit' })
  const stuck = byHand(program)
  stuck.start()
  stuck.fire('limit')
  t.match(stuck.fire('limit').at(-2), { type: 'hangup', by: 'limit' }, 'a good-bye that never ends is cut')
})

t.test('a long chain of silent steps needs no stack', async (t) => {
  const many = Array.from({ length: 4000 }, (_, i) => `  s${i}: { set: { n: "n + 1" } }`).join('\n')
  const program = flow(
    `\nstart: s0\nvars: { n: 0 }\nlimits: { max_steps: 5000 }\nsteps:\n${many}\n  end: { say: "{n}", next: hangup }`,
  )
  t.equal(talk(program, []).said[0], '4000')
})

t.test('a technical fault goes to on_error', async (t) => {
  const program = (more: string) =>
    flow(`
start: a
vars: { order: {} }
${more}
steps:
  a: { say: "{order.total}", next: hangup }
  sorry: { say: "Something is wrong.", next: hangup }
`)
  t.strictSame(talk(program('on_error: sorry'), []).said, ['Something is wrong.', '[hangs up]'])
})

t.test('the built-in apology offers a callback and ends', async (t) => {
  const program = flow('\nstart: a\nvars: { order: {} }\nsteps:\n  a: { say: "{order.total}", next: hangup }')
  const agreed = talk(program, [pressInto('1'), hears('When may we call'), press('1')])
  t.strictSame(words(agreed.said), [
    'I am sorry, for technical reasons I cannot give you this information now.',
    'When may we call you? In half an hour, press 1. To choose the time, press 2. If you do not wish a call, press 9.',
    'I will call you today at 10:30. Thank you.',
    '[hangs up]',
  ])
  t.equal(agreed.result.disposition, 'callback')
  t.match(words(talk(program, [press('9')]).said).slice(-2), ['Thank you. Goodbye.', '[hangs up]'])
  t.match(words(talk(program, [], { number: '' }).said).slice(1), [
    'Please call again in a few minutes.',
    'Thank you. Goodbye.',
    '[hangs up]',
  ])
})

t.test('a fault on the way of on_error ends politely, and one that cannot even be spoken as technical', async (t) => {
  const program = flow(`
start: a
on_error: sorry
vars: { order: {} }
steps:
  a: { say: "{order.total}" }
  sorry: { say: "{order.reason}", next: hangup }
`)
  t.match(talk(program, []), {
    said: ['Thank you. Goodbye.', '[hangs up]'],
    result: { disposition: 'completed', hangup_by: 'flow' },
    steps: [{ step: 'a' }, { step: 'sorry', event: 'on_error' }],
  })
  t.equal(talk(program, []).steps.length, 2)
  const mute = byHand(flow('\nstart: a\nsteps:\n  a: { say: "A.", next: hangup }'))
  mute.start()
  t.match(mute.played(false).at(-1), { parts: [{ text: /technical reasons/ }] }, 'a missing sound is a fault')
  t.match(mute.played(false), [{ type: 'hangup' }, { type: 'cancel_timer' }, { type: 'done' }])
  t.match(mute.result(), { disposition: 'technical', hangup_by: 'flow' })
})

t.test('a later fault is apologised for anew when they have done something since', async (t) => {
  const program = flow(`
start: a
on_error: sorry
steps:
  a: { http: { url: "http://x.test/" }, on: { ok: hangup } }
  sorry: { menu: "Sorry. To try again, press 1.", options: { "1": a } }
`)
  const call = byHand(program)
  call.start()
  call.http({ result: 'error', status: 500 })
  call.key('1')
  call.http({ result: 'error', status: 500 })
  t.strictSame(call.said(), ['Sorry. To try again, press 1.', 'Sorry. To try again, press 1.'])
})

t.test('http: ok, error and timeout, with what is kept', async (t) => {
  const program = flow(`
start: ask
vars: { body: {}, lines: [], text: "" }
steps:
  ask: { http: { method: POST, url: "http://x.test/a?q={contact.name}", headers: { X-Call: "{call.id}" }, json: { who: "{contact.name}", list: [1, "{text}"] } }, timeout: 2s, save: body, on: { ok: got, error: bad, timeout: late } }
  got: { say: "Got {body.a}.", next: hangup }
  bad: { say: "Bad.", next: hangup }
  late: { say: "Late.", next: second }
  second: { http: { url: "http://x.test/b", save: text }, on: { ok: hangup, error: hangup, timeout: third } }
  third: { http: { url: "http://x.test/b", save: lines }, on: { ok: hangup, error: hangup, timeout: hangup } }
`)
  const call = byHand(program, { contact: { name: 'Ana & Co' } })
  t.match(
    call.start().find((e) => e.type === 'http'),
    {
      id: /^h/,
      timeout: 2000,
      request: {
        method: 'POST',
        url: 'http://x.test/a?q=Ana%20%26%20Co',
        headers: { 'X-Call': 'test' },
        json: { who: 'Ana & Co', list: [1, ''] },
      },
    },
  )
  call.http({ id: 'another' })
  t.equal(call.said().length, 0, 'an answer that was not asked for is nothing')
  call.http({ body: { a: 5 } })
  t.equal(call.said()[0], 'Got 5.')
  t.equal(talk(program, [{ http: { status: 500 } }]).said[0], 'Bad.')
  t.equal(talk(program, [{ http: { status: 302 } }]).said[0], 'Bad.')
  const late = talk(program, [{ http: { url: '/zzz' } }])
  t.equal(late.said[0], 'Late.')
  t.equal(late.times[0], 2)
})

t.test('an http answer of another type than its variable is a technical fault', async (t) => {
  const program = flow(`
start: ask
vars: { body: {} }
steps:
  ask: { http: { url: "http://x.test/" }, save: body, on: { ok: hangup, error: hangup, timeout: hangup } }
`)
  t.match(talk(program, [{ http: { json: 'words' } }]).said[0], 'technical reasons')
  t.match(talk(program, [{ http: { json: [1] } }]).said[0], 'technical reasons')
  t.equal(talk(program, [{ http: { json: { a: 1 } } }]).said[0], '[hangs up]')
})

t.test('an http that is never answered does not hold the call', async (t) => {
  const call = byHand(
    flow(
      '\nstart: a\nsteps:\n  a: { http: { url: "http://x.test/" }, on: { ok: hangup, error: hangup, timeout: hangup } }',
    ),
  )
  call.start()
  t.match(call.wait(7000).fire('guard')[0], { type: 'hangup' })
})

t.test('on_hangup runs once after the end, whoever ended it, at most 30 s', async (t) => {
  const program = flow(`
start: a
vars: { done: "" }
on_hangup:
  - { set: { done: '"yes"' } }
  - { http: { method: POST, url: "http://x.test/", json: { outcome: "{done}" } }, on: { ok: { outcome: told }, error: { outcome: untold } } }
steps:
  a: { say: "A.", next: hangup }
`)
  const call = byHand(program)
  call.start()
  const end = call.played()
  t.match(end, [
    { type: 'hangup' },
    { type: 'cancel_timer' },
    { type: 'timer', ms: 30_000 },
    { type: 'http', request: { json: { outcome: 'yes' } } },
    {},
  ])
  t.strictSame(call.hangup(), [], 'the hang-up that we asked for')
  t.match(call.http({}).at(-1), { type: 'done' })
  t.match(call.result(), { outcome: 'told', hangup_by: 'flow', vars: { done: 'yes' }, disposition: 'completed' })

  const gone = byHand(program)
  gone.start()
  gone.hangup()
  t.match(gone.fire('after').at(-1), { type: 'done' })
  t.match(gone.result(), { disposition: 'hangup', hangup_by: 'callee' })
})

const situations = flow(`
start: ask
vars: { told: 0 }
situations:
  not_heard: { key: "*", goto: repeat }
  who: { key: "8", steps: [ { set: { told: "told + 1" } }, { say: "You are on our list {told}." } ] }
  sure: { key: "7", steps: [ { menu: "Really?", options: { "1": elsewhere, "2": return } } ] }
  threats: { strikes: 1, warn: "If you do not stop, I will have to hang up.", then: hangup }
  insults: { then: hangup }
  child: { say: "Hello, young one.", outcome: child, goto: elsewhere }
  slow: { pace: slow, goto: repeat }
  loud: { strikes: 2, warn: "Please.", then: { say: "Goodbye.", goto: hangup } }
steps:
  ask: { menu: "Press 1.", options: { "1": hangup } }
  elsewhere: { say: "Elsewhere.", next: hangup }
`)

t.test('a situation’s key acts at once, and then the question is asked again', async (t) => {
  t.strictSame(
    words(talk(situations, [pressInto('*'), press('8'), pressInto('1')]).said),
    ['Press 1.', 'Press 1.', 'You are on our list 1.', '[hangs up]'],
    'a key in its words is the answer to the question that comes back',
  )
})

t.test('a situation raised within one takes its place', async (t) => {
  t.strictSame(words(talk(situations, [press('7'), hears('Really'), press('8'), press('1')]).said), [
    'Press 1.',
    'Really?',
    'You are on our list 1.',
    'Press 1.',
    '[hangs up]',
  ])
})

t.test('return comes back, a step leads away for good', async (t) => {
  t.strictSame(words(talk(situations, [press('7'), press('2'), press('1')]).said).slice(1), [
    'Really?',
    'Press 1.',
    '[hangs up]',
  ])
  t.strictSame(words(talk(situations, [press('7'), press('1')]).said).slice(1), ['Really?', 'Elsewhere.', '[hangs up]'])
})

t.test('steps that a situation leads to may come back, too', async (t) => {
  const program = flow(`
start: a
situations: { complains: { key: "7", goto: listen } }
steps:
  a: { menu: "One?", options: { "1": bye } }
  bye: { hangup: { say: "Bye." } }
  listen: { menu: "We are sorry. 1 to go on, 2 to end.", options: { "1": thanks, "2": bye } }
  thanks: { say: "Thank you.", next: return }
`)
  const said = (...script: ScriptItem[]) => talk(program, script).said.filter((line) => !line.startsWith('>'))
  t.strictSame(said(press('7'), press('1'), press('1')), [
    'One?',
    'We are sorry. 1 to go on, 2 to end.',
    'Thank you.',
    'One?',
    'Bye.',
    '[hangs up]',
  ])
  const silence = talk(program, [silent, press('7'), press('1'), silent])
  t.equal(silence.result.disposition, 'silent', 'coming back is no visit: the second silence is the last')
})

t.test('an inline target of a situation goes back where it says no way', async (t) => {
  const program = flow(`
start: a
situations:
  hours: { key: "8", goto: { say: "We are open until six.", outcome: asked } }
  shouts: { key: "9", strikes: 1, warn: "Please.", then: { say: "I understand." } }
steps:
  a: { menu: "One?", options: { "1": b }, next: b }
  b: { say: "Two.", next: hangup }
`)
  const { said, result } = talk(program, [press('8'), press('9'), press('9'), press('1')])
  t.strictSame(
    said.filter((line) => !line.startsWith('>')),
    ['One?', 'We are open until six.', 'One?', 'Please.', 'One?', 'I understand.', 'One?', 'Two.', '[hangs up]'],
  )
  t.equal(result.outcome, 'asked')
})

t.test('strikes are counted over the call: so often the warning, then the end', async (t) => {
  const threats = { situation: 'threats' }
  const { said, result } = talk(situations, [
    hears('Press'),
    threats,
    hears('If you do not stop'),
    hears('Press 1'),
    threats,
  ])
  t.strictSame(words(said).slice(1), ['If you do not stop, I will have to hang up.', 'Press 1.', '[hangs up]'])
  t.match(result, { disposition: 'completed', outcome: 'threats', hangup_by: 'flow' })
})

t.test('then with words says them; without strikes it is done at once', async (t) => {
  t.match(talk(situations, [waits(2), { situation: 'insults' }]), {
    said: ['Press 1.', /./, '[hangs up]'],
    result: { outcome: 'insults', disposition: 'completed' },
  })
  const loud = { situation: 'loud' }
  const { said } = talk(situations, [loud, hears('Please'), loud, waits(5), loud])
  t.strictSame(words(said).slice(-2), ['Goodbye.', '[hangs up]'])
})

t.test('a situation without a key is the operator’s alone', async (t) => {
  const { said, result } = talk(situations, [waits(1), { situation: 'child' }])
  t.strictSame(words(said), ['Press 1.', 'Hello, young one.', 'Elsewhere.', '[hangs up]'])
  t.equal(result.outcome, 'child')
})

t.test('a situation may slow the rest of the call down', async (t) => {
  const call = byHand(situations)
  call.start()
  call.raise('slow')
  t.match(call.played(), [{ type: 'timer', ms: 7500 }])
})

t.test('a situation’s key does not act in a prompt that may not be interrupted, nor in the last rung', async (t) => {
  const program = flow(`
start: ask
situations: { again: { key: "*", goto: repeat } }
steps:
  ask: { menu: "Press 1.", barge_in: false, options: { "1": hangup } }
`)
  t.strictSame(words(talk(program, [pressInto('*'), press('1')]).said), ['Press 1.', '[hangs up]'])
  t.equal(words(talk(situations, [silent, silent, pressInto('*')]).said).at(-1), '[hangs up]')
})

t.test('unknown situations and those after the end are ignored', async (t) => {
  const call = byHand(situations)
  t.strictSame(call.raise('who'), [])
  call.start()
  t.strictSame(call.raise('nobody'), [])
  call.hangup()
  t.strictSame(call.raise('who'), [])
})

t.test('the trace says how each step was reached', async (t) => {
  const program = flow(`
start: a
situations: { again: { key: "*", goto: repeat } }
steps:
  a: { say: "A." }
  b: { menu: "B.", options: { "1": c } }
  c: { branch: [ { if: "false", goto: a }, { if: "true", goto: d } ] }
  d: { menu: "D.", options: { "1": hangup }, noinput: { say: "Hm.", goto: e } }
  e: { goto: f }
  f: { http: { url: "http://x.test/" }, on: { ok: g, error: g, timeout: g } }
  g: { say: "G.", next: hangup }
`)
  const { steps } = talk(program, [press('*'), press('1'), says(1), silent, { http: {} }])
  t.strictSame(
    steps.map(({ step, event }) => `${step}: ${event}`),
    ['a: start', 'b: next', 'b: repeat', 'c: option 1', 'd: if 2', 'e: noinput', 'f: goto', 'g: ok'],
  )
})
