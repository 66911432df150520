import t from 'tap'
import type { Spoken } from '../../../src/flow/io.ts'
import { testCall } from '../../../src/flow/simulate.ts'
import { texts } from '../../../src/flow/texts.ts'
import { byHand, faults, flow, type Options, talk } from './talk.ts'

const saying = (text: string, more = '') => flow(`\nstart: a\n${more}\nsteps:\n  a: { say: ${text}, next: hangup }`)
const said = (text: string, more = '', options: Options = {}) => talk(saying(text, more), [], options).said[0]
const spoken = (text: string, more = '', options: Options = {}): Spoken[] => {
  const play = byHand(saying(text, more), options)
    .start()
    .find((e) => e.type === 'play')
  return play?.type === 'play' ? play.parts : []
}

t.test('holes are filled with what the flow knows', async (t) => {
  t.equal(
    said('"Hello {contact.name}, {clinic}."', `vars: { clinic: "St Luke's" }`, { contact: { name: 'Ana' } }),
    "Hello Ana, St Luke's.",
  )
  t.equal(
    said('"{call.direction} {call.kind} {call.attempt} {call.number} {call.id} {call.amd}"'),
    'outbound first 1 +40712345678 test human',
  )
  t.equal(said('"{call.answered_at}"'), '2026-01-05T08:00:00.000Z')
  t.equal(said('"{campaign.name}, {campaign.none}."', '', { campaign: { name: 'spring' } }), 'spring, .')
  t.equal(
    said('"{previous.outcome} {previous.tasks.look} {previous.spoke_with}!"', '', { previous: { outcome: 'yes' } }),
    'yes  !',
  )
  t.equal(said('"{previous.tasks.look.x}"', '', { previous: { tasks: { look: { x: 3 } } } }), '3')
})

t.test('a column that is missing, or an empty cell, reads as ""', async (t) => {
  t.equal(said('"Hello {contact.name}{contact[\'other\']}."'), 'Hello .')
  t.equal(said(`'{contact.name == "" ? "nobody" : "somebody"}'`), 'nobody')
  t.equal(said('"{contact.number}"'), '+40712345678')
})

t.test('{{ and }} are braces', async (t) => {
  t.equal(said('"{{x}} {1 + 1}"'), '{x} 2')
})

t.test('numbers, truth, lists and maps in a text', async (t) => {
  t.equal(
    said(`"{n} {half} {yes} {l} {size(l)} {n + 1} {n * 2} {7 % 2}"`, 'vars: { n: 3, half: 2.5, yes: true, l: [1, 2] }'),
    '3 2.5 true 1, 2 2 4 6 1',
  )
})

t.test('a whole number and a variable go together in every operator', async (t) => {
  for (const [expression, value] of [
    ['n + 1', '4'],
    ['10 - n', '7'],
    ['n * 2', '6'],
    ['n / 2', '1.5'],
    ['n % 2', '1'],
    ['n == 3', 'true'],
    ['3 == n', 'true'],
    ['n != 3', 'false'],
    ['n >= 3 && n < 4', 'true'],
    ['size(l) == n', 'false'],
    ['int("12") + n', '15'],
  ] as const)
    t.equal(said(`'{${expression}}'`, 'vars: { n: 3, l: [] }'), value, expression)
})

t.test('a text once is in the flow’s language; by language it follows the contact’s', async (t) => {
  const text = '{ en: "Hello.", ro: "Buna." }'
  t.equal(said(text), 'Hello.')
  t.match(spoken(text, '', { contact: { language: 'ro' } }), [{ text: 'Buna.', language: 'ro' }])
  t.equal(said(text, '', { contact: { language: 'RO ' } }), 'Buna.')
  t.equal(said(text, '', { contact: { language: 'ro-MD' } }), 'Buna.')
  t.match(spoken(text, '', { contact: { language: 'fr' } }), [{ text: 'Hello.', language: 'en' }])
  t.match(spoken('"Hello."', '', { contact: { language: 'ro' } }), [{ text: 'Hello.', language: 'en' }])
  t.equal(said(text, 'language: ro'), 'Buna.')
})

t.test('set changes the language for the rest of the call', async (t) => {
  const program = flow(`
start: a
steps:
  a: { say: { en: "Hello.", ro: "Buna." } }
  b: { set: { language: '"ro"' } }
  c: { say: { en: "Hello.", ro: "Buna." }, next: hangup }
`)
  t.strictSame(talk(program, []).said.slice(0, 2), ['Hello.', 'Buna.'])
})

t.test('parts are spoken one after another: words, values, recorded sounds', async (t) => {
  t.match(spoken('[ "Your code is", { say_as: digits, value: "{code}" }, { sound: beep } ]', 'vars: { code: "042" }'), [
    { text: 'Your code is' },
    { text: '0 4 2' },
    { sound: 'beep', language: 'en' },
  ])
  t.match(spoken('{ sound: good_morning }'), [{ sound: 'good_morning', language: 'en' }])
  t.match(spoken('{ en: { sound: hello }, ro: [ { sound: salut } ] }', '', { contact: { language: 'ro' } }), [
    { sound: 'salut', language: 'ro' },
  ])
})

t.test('say_as in English', async (t) => {
  for (const [kind, value, words] of [
    ['digits', '+40 712', '+ 4 0 7 1 2'],
    ['number', '0042', '42'],
    ['ordinal', '21', '21st'],
    ['ordinal', '12', '12th'],
    ['ordinal', '103', '103rd'],
    ['money', '12.50 EUR', '12 euros and 50 cents'],
    ['money', '1 USD', '1 dollar'],
    ['money', '3', '3'],
    ['date', '2026-12-01', '1 December 2026'],
    ['date', 'soon', 'soon'],
    ['time', '16:30', '16:30'],
    ['spell', 'ab3', 'A, B, 3'],
  ] as const)
    t.equal(said(`{ say_as: ${kind}, value: "${value}" }`), words, `${kind} ${value}`)
})

t.test('say_as in Romanian', async (t) => {
  for (const [kind, value, words] of [
    ['digits', '0712', '0 7 1 2'],
    ['number', '0042', '42'],
    ['ordinal', '1', 'primul'],
    ['ordinal', '21', 'al 21-lea'],
    ['money', '1 RON', 'un leu'],
    ['money', '0.01 RON', '0 lei și un ban'],
    ['money', '19,20 RON', '19 lei și 20 de bani'],
    ['money', '20 RON', '20 de lei'],
    ['money', '101 RON', '101 lei'],
    ['money', '1120.5 RON', '1120 de lei și 50 de bani'],
    ['money', '1 GBP', 'o liră sterlină'],
    ['money', '100 EUR', '100 de euro'],
    ['date', '2026-12-01', '1 decembrie 2026'],
    ['time', '16:30', '16:30'],
    ['spell', 'ab3', 'A, B, 3'],
  ] as const)
    t.equal(said(`{ say_as: ${kind}, value: "${value}" }`, 'language: ro'), words, `${kind} ${value}`)
})

t.test('the voice of the flow speaks its own language only', async (t) => {
  const voice = 'voice: { name: en-gb, rate: 150 }'
  t.match(spoken('"Hello."', voice), [{ voice: 'en-gb', rate: 150 }])
  t.match(spoken('{ en: "Hello.", ro: "Buna." }', voice, { contact: { language: 'ro' } }), [
    { voice: null, rate: null },
  ])
})

t.test('a text that comes out empty is passed over and not played', async (t) => {
  const program = flow('\nstart: a\nsteps:\n  a: { say: "{contact.greeting}" }\n  b: { say: "B.", next: hangup }')
  t.strictSame(talk(program, []).said, ['B.', '[hangs up]'])
})

t.test('vars of the call override the flow’s where their type fits', async (t) => {
  const program = (vars: Record<string, unknown>) =>
    talk(
      flow('\nstart: a\nvars: { n: 1, s: "x", b: false, m: {} }\nsteps:\n  a: { say: "{n} {s} {b}", next: hangup }'),
      [],
      { vars },
    ).said[0]
  t.equal(program({ n: 5, s: 'y', b: true }), '5 y true')
  t.equal(program({ n: '7', s: 8, b: 'true' }), '7 8 true', 'a command line gives text for everything')
  t.equal(
    program({ n: 'many', b: 'perhaps', m: 3, z: 1 }),
    '1 x false',
    'what does not fit, or is not declared, is left',
  )
})

t.test('set and branch', async (t) => {
  const program = flow(`
start: a
vars: { n: 0, s: "", ok: false, l: [], m: {} }
steps:
  a: { set: { n: "n + 2", s: '"n is " + string(n)', ok: "n > 1", l: "[n, 1.0]", m: '{"a": n}' } }
  b: { branch: [ { if: "ok && m.a == 2", goto: c } ], else: hangup }
  c: { say: "{s} {l}", next: hangup }
`)
  t.equal(talk(program, []).said[0], 'n is 2 2, 1', 'a later one sees the earlier')
})

t.test('a value of another type, or without one, is a technical fault', async (t) => {
  for (const set of ['n: "m.x"', 's: "m.y"', 'n: "int(s)"', 's: "s.substring(9)"'])
    t.match(
      talk(
        flow(
          `\nstart: a\nvars: { n: 0, s: "text", m: { x: "words", y: 5 } }\nsteps:\n  a: { set: { ${set} }, next: hangup }`,
        ),
        [],
      ).said[0],
      'technical',
      set,
    )
})

t.test('a text cannot grow without bounds', async (t) => {
  const program = flow(`
start: a
vars: { s: "0123456789" }
limits: { max_steps: 400 }
steps:
  a: { menu: "Press.", options: { "1": b } }
  b: { set: { s: "s + s" }, next: a }
`)
  const call = byHand(program)
  call.start()
  for (let i = 0; i < 60; i++) call.key('1')
  t.ok(String(call.state.vars.s).length <= 8192)
})

t.test('check knows the types of the variables', async (t) => {
  const wrong = (steps: string) =>
    faults(`\nstart: a\nvars: { n: 0, s: "", m: {} }\nsteps:\n  a: { ${steps}, next: hangup }`).join('\n')
  t.match(wrong('say: "{nn}"'), /unknown-variable "nn" is not declared under vars: did you mean "n"/)
  t.match(wrong('say: "{contcat.name}"'), /did you mean "contact"/)
  t.match(wrong('say: "{call.nmber}"'), /call has no "nmber": did you mean "number"/)
  t.match(wrong('say: "{1 +}"'), /expression/)
  t.match(wrong('say: "open {n"'), /a "{" without its "}"/)
  t.match(wrong('say: "shut n}"'), /a "}" without its "{"/)
  t.match(wrong('say: "{}"'), /nothing between/)
  t.match(wrong('set: { n: \'"x"\' }'), /expected a number, found a text/)
  t.match(wrong('set: { s: Ana }'), /"Ana" is not declared under vars; a text needs quotes of its own/)
  t.match(wrong('set: { z: 1 }'), /"z" is not declared/)
  t.match(wrong('branch: [{ if: "n + 1", goto: a }]'), /expected a boolean, found a number/)
  t.match(wrong('branch: [{ if: "contact.age > 18", goto: a }]'), /no such overload: string > int/)
  t.match(wrong('say: "{s.matches(s)}"'), /must be written out/)
  t.match(wrong('say: \'{s.matches("(a+)+")}\''), /repeats what already repeats/)
  t.match(wrong('say: "{[1].map(x, [2].map(y, y))}"'), /inside another one/)
})

t.test('no prototype can be reached', async (t) => {
  for (const expression of [
    'm.constructor',
    'm.__proto__',
    'm["constructor"]',
    'contact.constructor',
    'previous.__proto__',
  ])
    t.notMatch(String(said(`'{${expression}}'`, 'vars: { m: {} }')), /function|native|object Object/i, expression)
})

t.test('columns and keys of a reply may have any name', async (t) => {
  const contact = JSON.parse('{ "name": "Ana", "constructor": "Ferrari", "__proto__": "yes" }')
  t.equal(said('"{contact.name} {contact.constructor} {contact.__proto__}"', '', { contact }), 'Ana Ferrari yes')
  t.equal(said('"Hello {contact.name}{contact.constructor}{contact.__proto__}."'), 'Hello .')
  t.equal(said('"{m.car.constructor}"', 'vars: { m: { car: { constructor: Ferrari } } }'), 'Ferrari')
  t.equal(said('"{previous.tasks.car.constructor}"', '', { previous: { tasks: { car: contact } } }), 'Ferrari')
})

t.test('what is divided by zero has no value', async (t) => {
  const program = flow(`
start: a
vars: { n: 0 }
on_error: sorry
steps:
  a: { set: { n: "1 / n" } }
  b: { say: "{n}", next: hangup }
  sorry: { say: "Sorry.", next: hangup }`)
  t.same(talk(program, []).said, ['Sorry.', '[hangs up]'])
  t.same(talk(program, [], { vars: { n: 2 } }).said, ['0.5', '[hangs up]'])
})

t.test('texts: everything that can be said is known before the dial', async (t) => {
  const program = flow(`
start: a
vars: { clinic: "St Luke's", code: "", answer: {}, tries: 0 }
steps:
  a: { say: "Hello {contact.name}, {clinic}." }
  b: { gather: "Code?", save: code, confirm: "You typed {code}.", noinput: ["Hm?", "Bye {contact.name}."] }
  c: { set: { tries: "tries + 1" } }
  d: { say: ["Try", "number {tries}", { sound: beep }] }
  e: { menu: { en: "Press 1.", ro: "Apasati 1." }, options: { "1": { say: "Thanks.", goto: later } } }
  later: { callback: "When?", choices: [1h, "tomorrow 10:00", enter_time], on: { scheduled: hangup, declined: hangup } }
`)
  const made = texts(program, testCall({ contact: { name: 'Ana' } }))
  const all = made.map((part) => ('text' in part ? part.text : part.sound))
  for (const text of [
    "Hello Ana, St Luke's.",
    'Code?',
    'Hm?',
    'Bye Ana.',
    'Try',
    'beep',
    'Press 1.',
    'Thanks.',
    'When?',
    'In an hour, press 1.',
    'Tomorrow at ten, press 2.',
    'To choose the time, press 3.',
    'If you do not wish a call, press 9.',
    'Thank you. Goodbye.',
    'I am sorry, I did not understand.',
    'One minute, please.',
  ])
    t.ok(all.includes(text), text)
  t.notOk(
    all.some((text) => text.startsWith('You typed')),
    'what is typed is not known yet',
  )
  t.equal(new Set(made.map((part) => JSON.stringify(part))).size, made.length)
  const unhurried = flow('\nstart: a\nsteps:\n  a: { say: "Slowly.", pace: slow, next: hangup }')
  const slow = byHand(unhurried)
    .start()
    .find((e) => e.type === 'play')
  t.match(slow, {
    parts: texts(unhurried, testCall())
      .filter((p) => 'rate' in p && p.rate !== null)
      .slice(0, 1),
  })
  const talked = byHand(program, { contact: { name: 'Ana' } })
  t.match(
    talked.start().find((e) => e.type === 'play'),
    { parts: [made[0]] },
    'the very same parts are played',
  )
})
