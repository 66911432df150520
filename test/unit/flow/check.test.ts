import t from 'tap'
import { loadFlows } from '../../../src/flow/load.ts'
import { faults, flow, talk } from './talk.ts'

t.test('steps that nobody reaches', async (t) => {
  t.match(faults('\nstart: a\nsteps:\n  a: { hangup: true }\n  b: { say: "B.", next: b2 }\n  b2: { goto: b }'), [
    /6:3 unreachable nothing leads to the step "b"/,
    /7:3 unreachable/,
  ])
})

t.test('a step is reached by any target, start, on_error, a situation, and the place of a callback', async (t) => {
  flow(`
start: { human: a, machine: word }
on_error: sorry
situations: { s: { goto: asked }, u: { steps: [ { menu: "M.", options: { "1": deep } } ] } }
steps:
  a: { callback: "When?", at: agreed, on: { scheduled: hangup, declined: hangup } }
  word: { hangup: true }
  sorry: { hangup: true }
  asked: { hangup: true }
  deep: { hangup: true }
  agreed: { hangup: true }
`)
  t.pass()
})

t.test('a callback of one flow may begin in another', async (t) => {
  const one = `flow: one\nstart: a\nsteps:\n  a: { callback: "When?", flow: two, at: there, on: { scheduled: hangup, declined: hangup } }\n`
  const two = (name: string) => `flow: two\nstart: a\nsteps:\n  a: { hangup: true }\n  ${name}: { hangup: true }\n`
  const load = (name: string) =>
    loadFlows([
      { path: 'flows/one.yaml', text: one },
      { path: 'flows/two.yaml', text: two(name) },
    ])
  t.strictSame(load('there').problems, [])
  t.match(
    load('their').problems.map((p) => p.message),
    ['the flow "two" has no step "there": did you mean "their"?', /nothing leads to/],
  )
})

t.test('ways without an end', async (t) => {
  t.match(faults('\nstart: a\nsteps:\n  a: { say: "A." }'), [/5:3 no-end there is no step below/])
  t.match(faults('\nstart: a\nsteps:\n  a: { menu: "M.", options: { "1": { say: "x" } } }'), [
    /"option 1" leads nowhere/,
  ])
  t.match(faults('\nstart: a\nsteps:\n  a: { hold: true, task: { external: x }, on: { done: hangup } }'), [
    /"failed" leads nowhere/,
  ])
  t.match(
    faults(
      '\nstart: a\nsteps:\n  a: { menu: "M.", options: { "1": b }, noinput: { say: "x", goto: b }, nomatch: { say: "x", goto: b } }\n  b: { menu: "M.", options: { "1": a }, noinput: { say: "x", goto: a }, nomatch: { say: "x", goto: a } }',
    ),
    [/cycle/],
  )
})

t.test('a `next` that only says or keeps something goes on to the step below, if there is one', async (t) => {
  const { said, result } = talk(
    '\nstart: a\nsteps:\n  a: { say: "A.", next: { say: "And.", outcome: x } }\n  b: { hangup: { say: "B." } }',
    [],
  )
  t.strictSame(said, ['A.', 'And.', 'B.', '[hangs up]'])
  t.equal(result.outcome, 'x')
  t.match(faults('\nstart: a\nsteps:\n  a: { say: "A.", next: { outcome: x } }'), [/no-end there is no step below/])
})

t.test('rounds that can be walked without the other side doing anything', async (t) => {
  for (const [name, steps] of Object.entries({
    'steps that go on': '  a: { say: "A." }\n  b: { say: "B.", next: a }',
    'a goto to itself': '  a: { goto: a }',
    'a last rung': '  a: { menu: "M.", options: { "1": hangup }, noinput: { say: "x", goto: repeat } }',
    give_up: '  a: { menu: "M.", options: { "1": hangup }, on: { give_up: b } }\n  b: { say: "B.", next: a }',
    waiting: '  a: { hold: true, task: { external: x }, on: { waiting: a, done: hangup, failed: hangup } }',
    'an outcome of a machine':
      '  a: { http: { url: "http://x/" }, on: { ok: hangup, error: b, timeout: hangup } }\n  b: { say: "Again.", next: a }',
    'declined by silence': '  a: { callback: "When?", on: { scheduled: hangup, declined: a } }',
    'a branch': '  a: { branch: [{ if: "true", goto: b }], else: hangup }\n  b: { set: {}, next: a }',
  }))
    t.match(faults(`\nstart: a\nsteps:\n${steps}`).join('\n'), /cycle .* a -> /, name)
})

t.test('a round through an option or typed digits is legal', async (t) => {
  flow(`
start: a
vars: { code: "" }
steps:
  a: { menu: "M.", options: { "1": b, "2": repeat, "3": a } }
  b: { gather: "Code?", save: code, next: a }
`)
  flow(
    '\nstart: a\nsteps:\n  a: { menu: "M.", options: { "1": hangup }, noinput: [ { say: "x", goto: repeat }, "Bye." ] }',
  )
  t.pass('and a rung in the middle that only asks again')
})

t.test('an apology that offers a callback is not a round', async (t) => {
  flow(`
start: a
on_error: sorry
steps:
  a: { http: { url: "http://x/" }, on: { ok: hangup } }
  sorry: { say: "Sorry." }
  later: { callback: "When?", on: { scheduled: hangup, declined: hangup } }
`)
  t.pass()
})

t.test('nobody is left in silence', async (t) => {
  const pauses = (n: number) =>
    faults(
      `\nstart: a\nsteps:\n  a: { say: "A." }\n${Array.from({ length: n }, (_, i) => `  p${i}: { pause: 2s }`).join('\n')}\n  z: { hangup: true }`,
    )
  t.strictSame(pauses(1), [])
  t.match(pauses(2), [/silence pauses of 4 s in a row/])
  t.match(faults('\nstart: a\nsteps:\n  a: { pause: 4s, next: hangup }'), [/a pause is at most 3s/])
  const ask = (timeout: string) =>
    faults(
      `\nstart: a\nsteps:\n  a: { http: { url: "http://x/" }, timeout: ${timeout}, on: { ok: hangup, error: hangup, timeout: hangup } }`,
    )
  t.strictSame(ask('10s'), [])
  t.match(ask('30s'), [/silence the other side may wait 30 s here without a sound/])
  t.match(faults('\nstart: a\nsteps:\n  a: { menu: "", options: { "1": hangup } }'), [
    /silence "menu" has nothing to say/,
  ])
  t.match(
    faults('\nstart: a\nsteps:\n  a: { menu: "M.", options: { "1": hangup }, noinput: [{ outcome: x }, "Bye."] }'),
    [/leaves them in silence/],
  )
})

t.test('keys with two meanings', async (t) => {
  const both = (step: string) =>
    faults(`\nstart: a\nsituations: { s: { key: "1", goto: repeat } }\nsteps:\n  a: { ${step} }`)
  t.match(both('menu: "M.", options: { "1": hangup }'), [/6:3 shadowed-key the key 1 .* situation "s"/])
  t.match(both('callback: "W?", on: { scheduled: hangup, declined: hangup }'), [/shadowed-key/])
  t.strictSame(both('menu: "M.", options: { "2": hangup }'), [])
  t.match(
    faults(
      '\nstart: a\nsituations: { s: { key: "1", goto: repeat }, r: { key: "1", goto: repeat } }\nsteps:\n  a: { hangup: true }',
    ),
    [/the key 1 already belongs to the situation "s"/],
  )
})

t.test('an outcome without a target is a warning', async (t) => {
  const { problems, programs } = loadFlows([
    {
      path: 't.yaml',
      text: 'flow: t\nstart: a\nsteps:\n  a: { hold: true, task: { external: x }, on: { done: b } }\n  b: { hangup: true }\n',
    },
  ])
  t.match(problems, [{ severity: 'warning', code: 'outcome', line: 4, column: 3, message: /failed/ }])
  t.ok(programs.has('t'), 'and the flow is loaded')
})

t.test('a sound that is not there, a host that is not allowed', async (t) => {
  const facts = { sounds: (name: string) => name === 'beep', allowHost: (host: string) => host === 'crm.test:8080' }
  t.match(faults('\nstart: a\nsteps:\n  a: { say: [{ sound: beep }, { sound: boop }], next: hangup }', facts), [
    /5:\d+ missing-sound there is no sound "boop" in "en"/,
  ])
  const url = (text: string) =>
    faults(
      `\nstart: a\nsteps:\n  a: { http: { url: "${text}" }, on: { ok: hangup, error: hangup, timeout: hangup } }`,
      facts,
    )
  t.strictSame(url('http://crm.test:8080/x'), [])
  t.match(url('http://crm.test/x'), [/http-host the host "crm.test"/])
  t.match(url('ftp://crm.test/x'), [/http-host/])
  t.strictSame(url('{contact.url}'), [], 'judged when it is asked')
})

t.test('all faults of all files are told together, and the others load', async (t) => {
  const { programs, problems } = loadFlows([
    {
      path: 'flows/bad.yaml',
      text: 'flow: bad\nstart: a\nsteps:\n  a: { sey: "A.", next: hangup }\n  b: { say: "{x}", next: hangup, timout: 5s }\n',
    },
    { path: 'flows/worse.yaml', text: 'flow: [' },
    { path: 'flows/good.yaml', text: 'flow: good\nstart: a\nsteps:\n  a: { hangup: true }\n' },
    { path: 'library/situations.yaml', text: 'situations: {}' },
  ])
  t.strictSame([...programs.keys()], ['good'])
  t.match(
    problems.map(({ file, line, code }) => `${file}:${line} ${code}`),
    [
      'flows/bad.yaml:4 unknown-key',
      'flows/bad.yaml:5 unknown-variable',
      'flows/bad.yaml:5 unknown-key',
      /^flows\/worse.yaml:1 yaml/,
    ],
  )
})

t.test('what is wrong inside a step does not hide what is wrong with the ways', async (t) => {
  t.match(faults('\nstart: a\nsteps:\n  a: { say: "{x}", next: hangup }\n  b: { hangup: true }'), [
    /5:13 unknown-variable/,
    /6:3 unreachable/,
  ])
})

t.test('the flow is called like its file', async (t) => {
  const { problems } = loadFlows([
    { path: 'flows/one.yaml', text: 'flow: two\nstart: a\nsteps:\n  a: { hangup: true }\n' },
  ])
  t.match(problems, [{ line: 1, column: 7, code: 'flow-name', message: /called "two" but its file "one"/ }])
})

t.test('the version is that of the text', async (t) => {
  const version = (body: string) => flow(body).version
  const a = '\nstart: a\nsteps:\n  a: { hangup: true }'
  t.equal(version(a), version(a))
  t.not(version(a), version(`${a}\n`))
  t.match(version(a), /^[0-9a-f]{12}$/)
})

t.test('a wrong word in a map is told in its own place', async (t) => {
  t.match(faults('\nstart: a\nsteps:\n  a: { hangup: { disposition: busy } }'), [
    /^5:31 wrong-type disposition: expected completed, .* or technical$/,
  ])
  t.match(faults('\nstart: a\nsteps:\n  a: { hangup: maybe }'), [/^5:16 wrong-type hangup: expected true or \{/])
})

t.test('a sound has a name, and no path', async (t) => {
  const say = (name: string) => faults(`\nstart: a\nsteps:\n  a: { say: { sound: "${name}" }, next: hangup }`)
  t.same(say('greeting_1-b'), [])
  for (const name of ['a/b', '../x', 'a.b', '_a', '', 'x'.repeat(65)])
    t.match(say(name), [/^5:22 wrong-type sound: the name of a sound has letters/], name)
})
