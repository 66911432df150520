/** Conversation tests: how they are read, what their items mean, and what makes one fail. */
import fc from 'fast-check'
import t from 'tap'
import { runTest } from '../../../src/flow/conversation-test.ts'
import { checkTests, readTests } from '../../../src/flow/conversation-test-file.ts'
import { Census, partsOf } from '../../../src/flow/coverage.ts'
import { flow } from './talk.ts'

const program = flow(`
vars: { code: "", body: {}, answer: "", pin: "" }
start: { human: greet, machine: word }
situations:
  again: { key: "*", goto: repeat }
  lost: { key: "8", steps: [ { say: "This is the clinic." } ] }
steps:
  greet: { say: "Good morning, {contact.name}." }
  ask:
    menu: "Press 1, 2, 3 or 4."
    options: { "1": { say: "Thank you.", outcome: done, goto: hangup }, "2": later, "3": code, "4": hangup }
    noinput: ["Are you there?", "I cannot hear you."]
  later: { callback: "When?", choices: [30m, "tomorrow 10:00"], on: { scheduled: hangup, declined: hangup, unavailable: hangup } }
  code: { gather: "Your code?", save: code, num_digits: 4 }
  look: { http: { url: "http://crm.test/{code}" }, save: body, on: { ok: wait, error: bad, timeout: bad } }
  wait: { hold: "One minute.", task: { external: price }, save: answer, on: { done: told, failed: bad, max_hold: bad } }
  told: { say: "It is {answer}.", next: hangup }
  bad: { say: "It did not work.", next: hangup }
  word: { say: "We will call again.", next: hangup }
`)

/** Runs tests written under \`tests:\`; each result as \`true\` or what failed. */
function results(...tests: string[]): (true | string[])[] {
  const file = readTests(
    't.test.yaml',
    `flow: t\ntests:\n${tests.map((one) => `  - { name: ${JSON.stringify(one)}, ${one} }`).join('\n')}\n`,
  )
  const problems = [...file.problems, ...checkTests(file, program)]
  if (problems.length > 0) throw new Error(problems.map((p) => `${p.line}:${p.column} ${p.message}`).join('\n'))
  return file.tests.map((test) => {
    const { ok, failures } = runTest(program, test)
    return ok || failures
  })
}

/** The faults of a file, as \`LINE:COL code message\`. */
function faults(text: string): string[] {
  const file = readTests('t.test.yaml', text)
  return [...file.problems, ...(file.flow === null ? [] : checkTests(file, program))].map(
    (p) => `${p.line}:${p.column} ${p.code} ${p.message}`,
  )
}

t.test('every item waits for its moment', async (t) => {
  const right = [
    'contact: { name: Ana }, script: [ { hears: "good   MORNING, ana" }, silent, { hears: there }, silent, { hears: "cannot hear" } ], ends: { disposition: silent, within: 40s }',
    'script: [ { press: "2" }, { press: 1 } ], ends: { disposition: callback, callback_in: 30m }',
    'script: [ { press: 2 }, { press: 2 } ], ends: { callback_at: "2026-01-06T10:00:00+02:00" }',
    'now: "2026-03-02 12:00", script: [ { press: 2 }, { press: 2 } ], ends: { callback_at: "2026-03-03 10:00" }',
    'script: [ { hears: "Good morning" }, { press: "1", during: prompt }, { hears: "Thank you" } ], ends: { outcome: done, within: 3s }, not_heard: ["Press 1, 2"]',
    'script: [ { press: 3 }, { press: "4711" }, { http: { url: crm.test/4711, json: { a: 1 } } }, { task: { name: price, result: "ten", after: 20s } }, { hears: "It is ten." } ], ends: { last_step: told, vars: { code: 4711, body: { a: 1 }, answer: ten } }',
    'script: [ { http: { status: 500 } }, { press: 3 }, { press: "4711" }, { hears: "did not work" } ], ends: { last_step: bad }',
    'script: [ { press: 3 }, { press: "4711" }, { http: { json: {} } }, { hears: "One minute" } ], ends: { last_step: bad }',
    'script: [ { amd: machine }, { hears: "call again" } ], ends: { disposition: machine }',
    'script: [ { hears: "Press" }, { situation: lost }, { hears: "the clinic" }, { hears: "Press" }, hangs_up ], ends: { disposition: hangup, outcome: null }',
    'script: [ { says: 2s }, { hears: "did not understand" }, hangs_up ], not_heard: ["Are you there"]',
    'script: [ { waits: 9s }, { hears: "Are you there" }, { press: 4 } ], ends: { disposition: completed }',
    'call: { number: "+442079460000" }, script: [ { press: 2 }, { press: 2 } ], ends: { callback_at: "2026-01-06T10:00:00Z" }',
    'contact: { timezone: Asia/Tokyo }, now: "2026-01-05 10:00", script: [ { press: 2 }, { press: 2 } ], ends: { callback_at: "2026-01-06T01:00:00Z" }',
    'campaign: { timezone: Europe/London }, script: [ { press: 2 }, { press: 2 } ], ends: { callback_at: "2026-01-06T10:00:00Z" }',
    'campaign: { window: { tue: "14:00-15:00" } }, script: [ { press: 2 }, { press: 1 }, { hears: tomorrow at 14:00 } ], ends: { callback_at: "2026-01-06 14:00" }',
    'campaign: { holidays: [2026-01-06] }, script: [ { press: 2 }, { press: 2 } ], ends: { callback_at: "2026-01-07 08:00" }',
    'call: { direction: inbound, number: "" }, script: [ { press: 2 } ], ends: { disposition: completed, callback_at: null }',
  ]
  t.strictSame(
    results(...right),
    right.map(() => true),
  )
})

t.test('what does not come, what is left over and what ends otherwise fails the test', async (t) => {
  const cases: [string, RegExp[]][] = [
    ['script: [ { hears: "Good evening" }, { press: 1 } ]', [/never came: hears "Good evening"/, /left over.*press 1/]],
    ['script: [ { hears: "Press" }, { hears: "Good morning" } ]', [/never came: hears "Good morning"/]],
    ['script: [ { press: 1 }, silent ]', [/never came: silent/]],
    ['script: [ { press: 1 }, { http: { status: 200 } } ]', [/nobody needed it: http/]],
    [
      'script: [ { press: 3 }, { press: "4711" }, { http: { json: {} } }, { task: { name: price, result: a } }, { task: { name: price, result: b } } ]',
      [/nobody needed it: task price/],
    ],
    ['script: [ { press: 1 } ], not_heard: ["thank  YOU"]', [/not_heard: "thank {2}YOU" was said/]],
    [
      'script: [ { press: 1 } ], ends: { disposition: callback, outcome: none_such, last_step: later, within: 1s, callback_in: 30m, vars: { code: "1" } }',
      [
        /^disposition: expected callback, was completed$/,
        /^outcome: .*was done/,
        /^last_step/,
        /^within/,
        /^callback_in/,
        /^vars.code/,
      ],
    ],
    [
      'script: [ { press: 2 }, { press: 1 } ], ends: { callback_in: 31m }',
      [/callback_in: expected 31:00.0, was 30:00.0/],
    ],
    ['script: [ { press: 2 }, { press: 1 } ], ends: { callback_at: "2026-01-05 10:32" }', [/callback_at/]],
  ]
  const failed = results(...cases.map(([text]) => text))
  for (const [index, [text, wanted]] of cases.entries()) {
    const failures = failed[index]!
    t.not(failures, true, text)
    if (failures === true) continue
    t.equal(failures.length, wanted.length, `${text}: ${failures.join(' | ')}`)
    for (const [i, pattern] of wanted.entries()) t.match(failures[i], pattern)
  }
})

t.test('all faults of a file are told together, each with its place and a near name', async (t) => {
  t.strictSame(
    faults(`flow: t
tests:
  - name: a
    scrpt: []
  - name: b
    script: [ sillent, { heers: x }, { press: "a" }, { says: 2 }, { hears: "x", during: prompt }, 7 ]
    ends: { disposition: compleeted, within: 5 }
  - { name: c, call: { kind: frist }, script: [ { task: { status: done } } ] }
`),
    [
      '4:5 unknown-key "scrpt" is not known here: did you mean "script"?',
      '6:15 wrong-type "sillent" is no item of a script: did you mean "silent"?',
      '6:26 unknown-key "heers" is not known here: did you mean "hears"?',
      '6:47 wrong-type press: expected keys: 0 to 9, * and #',
      '6:62 wrong-type says: expected a duration as 500ms, 5s, 10m or 2h',
      '6:81 unknown-key "during" is not known here: use hears',
      '6:99 wrong-type expected an item of a script: hears, press, silent, says, waits, hangs_up, situation, agent, amd, http, task',
      '7:26 wrong-type disposition: expected completed, hangup, silent, nomatch, callback, opted_out, abandoned, machine, technical or cancelled: did you mean "completed"?',
      '7:46 wrong-type within: expected a duration as 500ms, 5s, 10m or 2h',
      '8:51 missing-key "name" is missing: expected a text',
      '8:30 wrong-type kind: expected first, retry, callback, manual or inbound: did you mean "first"?',
    ],
  )
  t.match(faults('flow: t\ntests: []\n'), [/at least one test/])
  t.match(faults('tests: [ { name: a } ]\n'), [/"flow" is missing/])
  t.match(faults('flow: t\ntests: [ { name: a, now: tomorrow } ]\n'), [/expected a time/])
})

t.test('what a test says of its flow must be there', async (t) => {
  t.strictSame(
    faults(`flow: t
tests:
  - name: a
    vars: { cod: "1" }
    script: [ { situation: los }, { task: { name: prise } } ]
    ends: { last_step: latr, vars: { pinn: 1 } }
`),
    [
      '5:28 unknown-target the flow "t" has no situation "los": did you mean "lost"?',
      '5:51 unknown-target the flow "t" has no external task "prise": did you mean "price"?',
      '4:13 unknown-target the flow "t" has no variable "cod": did you mean "code"?',
      '6:38 unknown-target the flow "t" has no variable "pinn": did you mean "pin"?',
      '6:24 unknown-target the flow "t" has no step "latr": did you mean "later"?',
    ],
  )
})

/** What is not covered after these tests. */
function missing(...tests: string[]): string[] {
  const file = readTests(
    't.test.yaml',
    `flow: t\ntests:\n${tests.map((one, i) => `  - { name: "${i}", ${one} }`).join('\n')}\n`,
  )
  t.strictSame(file.problems, [])
  const census = new Census(program)
  for (const test of file.tests) {
    const { watch, count } = census.test()
    count(runTest(program, test, watch))
  }
  return census.parts().flatMap(({ part: { kind, name }, seen }) => (seen ? [] : [`${kind} ${name}`]))
}

t.test('a test counts only if it hears what the step says, says how it ends, and passes', async (t) => {
  const all = partsOf(program).map(({ kind, name }) => `${kind} ${name}`)
  const covered = (...tests: string[]) => {
    const left = missing(...tests)
    return all.filter((part) => !left.includes(part))
  }
  t.ok(all.includes('rung ask noinput 2') && all.includes('option ask 4') && all.includes('situation again'))
  const rungs = flow(
    'defaults:\n  noinput:\n    - "Hello?"\n    - { say: "Bye." }\nstart: a\nsteps:\n  a: { menu: "One?", options: { "1": hangup } }\n',
  )
  t.match(
    partsOf(rungs).filter(({ kind }) => kind === 'rung'),
    [{ place: { line: 4 } }, { place: { line: 5 } }],
    'a rung is found where its words stand',
  )
  t.notOk(
    all.some((part) => part.includes('nomatch')),
    'the ladders of the language are not the author’s',
  )
  t.strictSame(covered('script: [ { press: 1 } ], ends: { outcome: done }'), [])
  t.strictSame(covered('script: [ { hears: "Press" }, { press: 1 } ]'), [])
  t.strictSame(covered('script: [ { hears: "Press" }, { press: 1 } ], ends: { outcome: other }'), [])
  t.strictSame(covered('script: [ { hears: "Press" }, { press: 1 } ], ends: {}'), ['step ask', 'option ask 1'])
  t.strictSame(covered('script: [ { hears: "Press" }, { press: 4 } ], ends: {}'), ['step ask', 'option ask 4'])
  t.strictSame(covered('script: [ { hears: "Good" }, { press: 4 } ], ends: {}'), ['step greet'])
  t.strictSame(covered('script: [ { hears: "Press" }, silent, { press: 4 } ], ends: {}'), ['step ask', 'option ask 4'])
  t.strictSame(covered('script: [ { hears: "Good" }, silent, { hears: "Are you" }, { press: 4 } ], ends: {}'), [
    'step greet',
    'step ask',
    'option ask 4',
    'rung ask noinput 1',
  ])
  t.strictSame(covered('script: [ { press: 8 }, { hears: "the clinic" }, hangs_up ], ends: {}'), ['situation lost'])
  t.strictSame(covered('script: [ { hears: "Press" }, { press: "*" }, hangs_up ], ends: {}'), [
    'step ask',
    'situation again',
  ])
  t.strictSame(covered('script: [ { hears: "Good" }, { press: 8, during: prompt }, hangs_up ], ends: {}'), [
    'step greet',
  ])
})

t.test('tests can go through everything', async (t) => {
  const look = '{ hears: "Press" }, { press: 3 }, { hears: "Your code" }, { press: "4711" }'
  t.strictSame(
    missing(
      'script: [ { hears: "Good" }, { hears: "Press" }, { press: 1 } ], ends: {}',
      'script: [ silent, { hears: "Are" }, silent, { hears: "cannot" } ], ends: {}',
      'script: [ { hears: "Press" }, { press: 2 }, { hears: "When" }, { press: 1 } ], ends: {}',
      `script: [ ${look}, { http: { json: {} } }, { hears: "One" }, { task: { name: price, result: ten } }, { hears: ten } ], ends: {}`,
      `script: [ ${look}, { hears: "did not work" } ], ends: {}`,
      'script: [ { hears: "Press" }, { press: 4 } ], ends: {}',
      'script: [ { hears: "Press" }, { press: "*" }, { press: 8 }, { hears: clinic }, hangs_up ], ends: {}',
      'script: [ { amd: machine }, { hears: "call again" } ], ends: {}',
    ),
    [],
  )
})

t.test('the end of a call is its hang-up, whatever is cleaned up after it', async (t) => {
  const tidy = flow(`
start: a
steps: { a: { menu: "Press 1.", options: { "1": hangup } } }
on_hangup: [ { http: { url: "http://crm.test/" } } ]
`)
  const text = 'flow: t\ntests: [ { name: a, script: [ { press: "1" } ], ends: { within: 1s } } ]\n'
  t.match(runTest(tidy, readTests('t.test.yaml', text).tests[0]!), { ok: true, simulation: { duration: 480 } })
})

t.test('whatever stands in a file of tests, it is read or refused, and a test that is read can be run', async () => {
  const words = fc.constantFrom('hears', 'press', 'says', 'task', 'http', 'constructor', 'agent', 'situation', 'during')
  const value = fc.oneof(fc.constantFrom('1', 'silent', 'hangs_up', '2s', 'Press', 'lost', 'price'), fc.jsonValue())
  const item = fc.oneof(value, fc.dictionary(words, value, { maxKeys: 2 }))
  const one = fc.record(
    {
      name: fc.oneof(fc.constant('a'), fc.jsonValue()),
      script: fc.oneof(fc.array(item, { maxLength: 5 }), fc.jsonValue()),
      contact: fc.dictionary(fc.string(), value),
      call: fc.dictionary(fc.constantFrom('direction', 'number', 'at', 'kind'), value),
      ends: fc.dictionary(fc.constantFrom('within', 'vars', 'disposition', 'callback_at', 'not_heard'), value),
      now: value,
      campaign: fc.dictionary(fc.constantFrom('window', 'timezone', 'holidays', 'name'), value),
    },
    { requiredKeys: ['name', 'script'] },
  )
  fc.assert(
    fc.property(fc.array(one, { maxLength: 3 }), (tests) => {
      const file = readTests('t.test.yaml', JSON.stringify({ flow: 't', tests }))
      const problems = [...file.problems, ...checkTests(file, program)]
      for (const { line, column, message } of problems) if (!(line >= 1 && column >= 1 && message !== '')) return false
      return file.tests.every((test) => typeof runTest(program, test).ok === 'boolean')
    }),
    { numRuns: 300 },
  )
})

t.test('an answer is for the next request, not for one that nobody waits for any more', async (t) => {
  const again = flow(`
vars: { body: {} }
start: ask
steps:
  ask: { menu: "Press 1.", options: { "1": look } }
  look: { http: { url: "http://crm.test/" }, save: body, on: { ok: good, error: ask, timeout: ask } }
  good: { say: "Good.", next: hangup }
`)
  const script = '{ press: "1" }, { waits: 6s }, { http: { json: {} } }, { press: "1" }, { hears: Good }'
  const { tests } = readTests('t.test.yaml', `flow: t\ntests: [ { name: a, script: [ ${script} ] } ]\n`)
  t.strictSame(runTest(again, tests[0]!).failures, [])
})
