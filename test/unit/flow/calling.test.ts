/** Flows that call flows: what the called one sees, how it comes back, and what is refused. */
import t from 'tap'
import { Census } from '../../../src/flow/coverage.ts'
import { graph } from '../../../src/flow/graph.ts'
import { loadFlows } from '../../../src/flow/load.ts'
import type { Program } from '../../../src/flow/program.ts'
import type { ScriptItem } from '../../../src/flow/script.ts'
import { simulate, TEST_NOW, testCall } from '../../../src/flow/simulate.ts'
import { texts } from '../../../src/flow/texts.ts'
import { byHand, hangsUp, hears, press, pressInto, says, silent, talk, waits } from './talk.ts'

const load = (...bodies: string[]) =>
  loadFlows(bodies.map((text) => ({ path: `flows/${/^flow: (\w+)/.exec(text)![1]}.yaml`, text })))

function flows(...bodies: string[]): Program {
  const { programs, problems } = load(...bodies)
  const program = programs.get(/^flow: (\w+)/.exec(bodies[0]!)![1]!)
  if (program === undefined) throw new Error(problems.map((p) => `${p.file}:${p.line} ${p.message}`).join('\n'))
  return program
}

const faults = (...bodies: string[]) =>
  load(...bodies).problems.map((p) => `${p.file.slice(6, -5)}:${p.line}:${p.column} ${p.code} ${p.message}`)

const MAIN = `flow: main
start: ask
vars: { who: "", number: "" }
situations:
  lost: { key: "*", goto: repeat }
steps:
  ask: { menu: "Main. Press 1.", options: { "1": number_of } }
  number_of:
    call: number
    with: { whose: "'your'" }
    on: { taken: read_back, refused: bye }
  read_back: { say: "It is {number}.", next: hangup }
  bye: { hangup: { say: "Goodbye." } }
`
const NUMBER = `flow: number
start: type
vars: { whose: "the", typed: "" }
situations:
  why: { key: "#", say: "We ask for it to call you.", outcome: asked_why }
steps:
  type: { gather: "Type {whose} number.", save: typed, num_digits: 3, finish_on_key: "", on: { give_up: no } }
  right: { menu: "Is {typed} right? 1 or 2.", options: { "1": yes, "2": type, "9": no } }
  yes: { return: { outcome: taken, vars: { number: "typed" } } }
  no: { return: refused }
`

t.test('a called flow runs with its own variables and comes back with what it returns', async (t) => {
  const call = talk(flows(MAIN, NUMBER), [press('1'), press('123'), press('1')])
  t.strictSame(
    call.said.filter((line) => !line.startsWith('>')),
    ['Main. Press 1.', 'Type your number.', 'Is 123 right? 1 or 2.', 'It is 123.', '[hangs up]'],
  )
  t.strictSame(call.result.vars, { who: '', number: '123', language: 'en' })
  t.equal(call.result.last_step, 'read_back')
  t.strictSame(
    call.steps.map(({ step, event }) => `${step} ${event}`),
    ['ask start', 'number_of option 1', 'type call', 'right next', 'yes option 1', 'read_back taken'],
  )
})

t.test('another outcome takes another way', async (t) => {
  const call = talk(flows(MAIN, NUMBER), [press('1'), press('123'), press('9')])
  t.ok(call.said.includes('Goodbye.'))
  t.equal(call.result.vars.number, '')
})

t.test('each call begins with the defaults again', async (t) => {
  const main = MAIN.replace('refused: bye', 'refused: ask').replace(/^ {2}bye.*\n/m, '')
  const number = NUMBER.replace('{whose} number', '{whose} number{typed}')
  const call = talk(flows(main, number), [press('1'), press('123'), press('2'), press('456'), press('9'), press('1')])
  t.strictSame(call.said.filter((line) => line.startsWith('Type')).slice(0, 3), [
    'Type your number.',
    'Type your number123.',
    'Type your number.',
  ])
})

t.test('situations are those of the flow that runs', async (t) => {
  const script: ScriptItem[] = [press('*'), press('1'), press('#'), hears('We ask for it'), hears('Type your')]
  const call = talk(flows(MAIN, NUMBER), [...script, press('*'), hangsUp])
  t.equal(call.unmet.length, 0)
  t.equal(call.result.outcome, 'asked_why')
  t.ok(call.said.filter((line) => line === 'Main. Press 1.').length === 2, 'the key * asked again in the first')
  t.strictSame(call.said.filter((line) => line === 'Type your number.').length, 2, 'and was a typed key in the other')
})

t.test('a hang-up in a called flow ends the call, with the last step entered', async (t) => {
  const called = `flow: sub\nstart: a\nsteps:\n  a: { menu: "Sub.", options: { "1": deep } }\n  deep: { hangup: { say: "Bye.", outcome: over } }\n`
  const main = `flow: main\nstart: a\nsteps:\n  a: { call: sub }\n`
  const { result } = talk(flows(main, called), [press('1')])
  t.match(result, { disposition: 'completed', hangup_by: 'flow', outcome: 'over', last_step: 'deep' })
  t.match(talk(flows(main, called), []).result, { disposition: 'silent', last_step: 'a' })
})

t.test('return as a target comes back without an outcome, and out of a situation first', async (t) => {
  const main = `flow: main\nstart: a\nsteps:\n  a: { call: sub }\n  b: { hangup: { say: "Main again." } }\n`
  const sub = `flow: sub
start: a
situations: { help: { key: "0", steps: [ { say: "Help.", next: return } ] } }
steps:
  a: { menu: "Sub.", options: { "1": return, "2": { say: "As you like.", goto: return } } }
`
  t.match(talk(flows(main, sub), [press('0'), press('1')]).said, ['Sub.', '> 0', 'Help.', 'Sub.', '> 1', 'Main again.'])
  t.match(talk(flows(main, sub), [press('2')]).said, ['Sub.', '> 2', 'As you like.', 'Main again.'])
})

t.test('a flow that nobody has called ends politely where it would return', async (t) => {
  const call = talk(flows(NUMBER), [press('123'), press('1')])
  t.match(call.said.slice(-2), ['Thank you. Goodbye.', '[hangs up]'])
  t.match(call.result, { disposition: 'completed', hangup_by: 'flow' })
})

t.test('outcomes follow the rules of all outcomes where `on` does not name them', async (t) => {
  const main = (on: string) =>
    `flow: main\nstart: { human: a, machine: b }\nsteps:\n  a: { call: sub${on} }\n  b: { hangup: { say: "Below." } }\n`
  const sub = (name: string) =>
    `flow: sub\nstart: a\nsteps:\n  a: { menu: "Sub.", options: { "1": b } }\n  b: { return: ${name} }\n`
  const said = (on: string, name: string) => talk(flows(main(on), sub(name)), [press('1')]).said[2]
  t.equal(said('', 'done'), 'Below.')
  t.equal(said(', next: hangup', 'done'), '[hangs up]')
  t.equal(said(', on: { done: { say: "Named.", goto: hangup } }', 'done'), 'Named.')
  t.equal(said('', 'exhausted'), 'Thank you. Goodbye.')
  t.match(said('', 'unavailable'), /for technical reasons/)
  t.match(faults(main(''), sub('done')), [/^main:4:3 outcome done: without a target, goes on to the step below$/])
})

t.test(
  'a fault goes to the on_error of the called flow, else to the nearest caller’s, else to the built-in one',
  async (t) => {
    const main = (own: string) =>
      `flow: main
start: a
vars: { name: Main }
${own}steps:
  a: { call: sub }
  b: { hangup: true }
  sorry: { hangup: { say: "{name} is sorry." } }
`.replace(own === '' ? /^ {2}sorry.*\n/m : /$^/, '')
    const sub = (own: string) =>
      `flow: sub
start: a
vars: { name: Sub, n: 0 }
${own}steps:
  a: { menu: "Sub.", options: { "1": bad, "2": return } }
  bad: { set: { n: "n / 0 + int(name)" }, next: return }
  sorry: { hangup: { say: "{name} is sorry." } }
`.replace(own === '' ? /^ {2}sorry.*\n/m : /$^/, '')
    const said = (one: string, two: string) => talk(flows(main(one), sub(two)), [press('1')]).said[2]
    const own = 'on_error: sorry\n'
    t.equal(said(own, own), 'Sub is sorry.')
    t.equal(said(own, ''), 'Main is sorry.')
    t.match(said('', ''), /for technical reasons/)
  },
)

t.test('counters, strikes and tasks of flows do not mix, and keys wait from one flow to the next', async (t) => {
  const main = `flow: main
start: a
situations: { rude: { label: Rude, strikes: 1, warn: "Main: stop.", then: hangup } }
steps:
  a: { menu: "Main.", options: { "1": b } }
  b: { call: sub, next: a }
`
  const sub = `flow: sub
start: a
situations: { rude: { label: Rude, strikes: 1, warn: "Sub: stop.", then: hangup } }
steps:
  a: { menu: "Sub.", options: { "1": return } }
`
  const raise: ScriptItem = { situation: 'rude' }
  const call = talk(flows(main, sub), [raise, press('1'), raise, press('1'), press('1'), raise])
  t.strictSame(
    call.said.filter((line) => line.includes('stop')),
    ['Main: stop.', 'Sub: stop.'],
  )
  t.match(call.result, { disposition: 'completed', outcome: 'rude' })
  const wordy = main.replace('  b: {', '  b: { say: "One moment.", next: c }\n  c: {')
  const typed = talk(flows(wordy, sub), [press('1'), pressInto('1'), hangsUp])
  t.notOk(typed.said.includes('Sub.'), 'a key that was pressed ahead is taken there')
  const twice = talk(flows(main, sub), [silent, press('1'), silent, press('1'), silent])
  t.equal(twice.result.disposition, 'silent')
  t.strictSame(twice.said.filter((line) => line === 'Please speak, I am listening.').length, 3)
})

t.test('a language that is set stays, in the called flow and after it', async (t) => {
  const main = `flow: main\nstart: a\nsteps:\n  a: { menu: { en: "Main.", ro: "Principal." }, options: { "1": b, "2": c } }\n  b: { set: { language: "'ro'" } }\n  c: { call: sub, next: a }\n`
  const sub = `flow: sub\nlanguage: ro\nstart: a\nsteps:\n  a: { menu: { en: "Sub.", ro: "Sub, ro." }, options: { "1": return, "2": b } }\n  b: { set: { language: "'en'" }, next: return }\n`
  const said = (...script: ScriptItem[]) =>
    talk(flows(main, sub), [...script, hangsUp]).said.filter((l) => !/^(>|\[)/.test(l))
  t.strictSame(said(press('1'), press('1')), ['Main.', 'Sub, ro.', 'Principal.'])
  t.strictSame(said(press('2'), press('1')), ['Main.', 'Sub, ro.', 'Main.'], 'its own language, and ours again')
  t.strictSame(said(press('1'), press('2')), ['Main.', 'Sub, ro.', 'Main.'])
})

t.test('on_hangup of the flow that runs and then of its callers, each with its variables', async (t) => {
  const main = `flow: main\nstart: a\nvars: { n: 1 }\non_hangup: [ { set: { n: "n + 1" } } ]\nsteps:\n  a: { call: sub, next: hangup }\n`
  const sub = `flow: sub\nstart: a\nvars: { n: 10, url: "https://x/" }\non_hangup: [ { http: { url: "https://x/{n}" } } ]\nsteps:\n  a: { menu: "Sub.", options: { "1": return } }\n`
  const call = byHand(flows(main, sub))
  call.start()
  call.hangup()
  t.match(
    call.effects.findLast((e) => e.type === 'http'),
    { request: { url: 'https://x/10' } },
  )
  call.http({})
  t.equal(call.effects.at(-1)?.type, 'done')
  t.strictSame(call.result().vars, { n: 2, language: 'en' })
})

t.test('limits are those of the flow that the call began with', async (t) => {
  const main = `flow: main\nlimits: { max_call_time: 20s }\nstart: a\nsteps:\n  a: { call: sub, next: hangup }\n`
  const sub = `flow: sub\nlimits: { max_call_time: 1h }\nstart: a\nsteps:\n  a: { menu: "Sub.", options: { "1": return, "2": a } }\n`
  const { result, duration } = talk(flows(main, sub), [
    waits(3),
    press('2'),
    waits(3),
    press('2'),
    says(3),
    press('2'),
    says(3),
    press('2'),
    says(3),
  ])
  t.match(result, { disposition: 'completed', hangup_by: 'limit' })
  t.ok(duration < 25_000)
})

t.test('a call may begin by the verdict in the called flow, too', async (t) => {
  const main = `flow: main\nstart: { human: a, machine: a }\nsteps:\n  a: { call: sub, next: hangup }\n`
  const sub = `flow: sub\nstart: { human: a, machine: b }\nsteps:\n  a: { say: "Person.", next: return }\n  b: { say: "Machine.", next: return }\n`
  const said = (verdict: 'human' | 'machine') => talk(flows(main, sub), [{ amd: verdict }]).said[0]
  t.strictSame([said('human'), said('machine')], ['Person.', 'Machine.'])
})

t.test('a callback that begins at a step of a called flow names that flow', async (t) => {
  const main = `flow: main\nstart: a\nsteps:\n  a: { call: sub, next: hangup }\n`
  const sub = (at: string) =>
    `flow: sub\nstart: a\nsteps:\n  a: { callback: "When?"${at}, on: { scheduled: return, declined: return } }\n  later: { return: true }\n`.replace(
      at === '' ? /^ {2}later.*\n/m : /$^/,
      '',
    )
  const asked = (at: string) => {
    const call = byHand(flows(main, sub(at)))
    call.start()
    call.callback('allowed')
    call.key('1')
    return call.effects.findLast((e) => e.type === 'callback')
  }
  t.match(asked(', at: later'), { request: { flow: 'sub', at: 'later' } })
  t.match(asked(''), { request: { flow: null, at: null } })
})

t.test('digits that may be kept nowhere are not kept by the caller either', async (t) => {
  const main = MAIN.replace('number: ""', 'number: ""')
  const secret = NUMBER.replace('save: typed,', 'save: typed, sensitive: true,')
  const call = talk(flows(main, secret), [press('1'), press('123'), press('1')])
  t.strictSame(call.result.vars, { who: '', language: 'en' })
})

t.test('what check finds in calls', async (t) => {
  const main = (step: string, more = '') =>
    `flow: main\nstart: a\nvars: { x: "", n: 0 }\nsteps:\n  a: ${step}\n  b: { hangup: true }\n${more}`
  const sub = `flow: sub\nstart: a\nvars: { name: "" }\nsteps:\n  a: { menu: "Sub {name}.", options: { "1": yes, "2": no } }\n  yes: { return: { outcome: done, vars: { x: "name" } } }\n  no: { return: refused }\n`
  const on = 'on: { done: b, refused: b }'
  t.strictSame(faults(main(`{ call: sub, ${on} }`), sub), [])
  t.match(faults(main(`{ call: sbu, ${on} }`), sub), [
    'main:5:14 unknown-flow there is no flow "sbu": did you mean "sub"?',
  ])
  t.match(faults(main('{ call: sub, on: { don: b, refused: b, done: b } }'), sub), [
    'main:5:25 unknown-key the flow "sub" returns no "don": did you mean "done"?',
  ])
  t.match(faults(main(`{ call: sub, with: { nam: "x" }, ${on} }`), sub), [
    'main:5:27 unknown-variable the flow "sub" has no variable "nam": did you mean "name"?',
  ])
  t.match(faults(main(`{ call: sub, with: { name: "n" }, ${on} }`), sub), [
    'main:5:27 wrong-type "name" of the flow "sub" is a text, not a number',
  ])
  t.match(faults(main(`{ call: sub, ${on} }`).replace('x: "", ', ''), sub), [
    'main:5:14 unknown-variable the flow "sub" returns "x", which is not declared under vars here',
  ])
  t.match(faults(main(`{ call: sub, ${on} }`).replace('x: ""', 'x: 1'), sub), [
    /^main:5:14 wrong-type the flow "sub" returns "x" as a text, and here it is a number/,
  ])
  t.match(faults(main(`{ call: sub, ${on} }`), sub.replace('"2": no', '"2": on')), [
    'main:5:14 called-flow the flow "sub" has errors, so it cannot be called',
    /^sub:5:\d+ unknown-target/,
  ])
})

t.test('flows may not come to call themselves, nor nest more than 8 deep', async (t) => {
  const calling = (name: string, other: string) =>
    `flow: ${name}\nstart: a\nsteps:\n  a: { call: ${other}, next: hangup }\n`
  t.match(faults(calling('one', 'one')), ['one:4:14 recursion "one" comes to call "one" again'])
  t.match(faults(calling('one', 'two'), calling('two', 'one'), calling('three', 'one')), [
    'one:4:14 recursion "two" comes to call "one" again',
    'two:4:14 recursion "one" comes to call "two" again',
    /^three:4:14 called-flow/,
  ])
  const last = 'flow: f9\nstart: a\nsteps:\n  a: { say: "Last.", next: return }\n'
  const chain = (n: number) => Array.from({ length: n }, (_, i) => calling(`f${9 - n + i}`, `f${10 - n + i}`))
  t.match(faults(...chain(9), last), ['f0:4:14 recursion flows call each other more than 8 deep from here'])
  t.strictSame(faults(...chain(8), last), [])
  t.match(talk(flows(...chain(8), last), []).said, ['Last.', '[hangs up]'])
})

t.test('a round through a called flow that needs nobody is refused, one in which they act is legal', async (t) => {
  const main = `flow: main\nstart: a\nsteps:\n  a: { call: sub, on: { done: a } }\n`
  const sub = (step: string) => `flow: sub\nstart: a\nsteps:\n  a: ${step}\n  b: { return: done }\n`
  t.match(faults(main, sub('{ say: "Sub." }')).join('\n'), /main:4:3 cycle .* a -> a/)
  t.match(faults(main, sub('{ menu: "Sub.", options: { "1": b }, on: { give_up: b } }')).join('\n'), /main:4:3 cycle/)
  t.strictSame(faults(main, sub('{ menu: "Sub.", options: { "1": b } }')), [])
})

t.test('silence is found through a call', async (t) => {
  const main = `flow: main\nstart: a\nsteps:\n  a: { pause: 2s }\n  b: { call: sub, next: hangup }\n`
  const sub = (pause: string) =>
    `flow: sub\nstart: a\nsteps:\n  a: { pause: ${pause} }\n  b: { say: "Sub.", next: return }\n`
  t.match(faults(main, sub('2s')), [/^main:4:3 silence pauses of 4 s in a row/])
  t.strictSame(faults(main, sub('1s')), [])
})

t.test('a version covers the flows that are called', async (t) => {
  const version = flows(MAIN, NUMBER).version
  t.equal(flows(MAIN, NUMBER).version, version)
  t.not(flows(MAIN, NUMBER.replace('We ask', 'We do ask')).version, version)
})

t.test('texts of a called flow are made before the dial, with what it is given', async (t) => {
  const main = MAIN.replace('"\'your\'"', '"contact.name"')
  const all = texts(flows(main, NUMBER), testCall({ contact: { name: "Ana's" } })).map((s) =>
    'text' in s ? s.text : '',
  )
  t.ok(all.includes("Type Ana's number."))
  t.notOk(all.includes('Type the number.'))
  t.ok(all.includes('We ask for it to call you.'))
})

t.test('a test of a flow covers the flows that it calls', async (t) => {
  const program = flows(MAIN, NUMBER)
  const census = new Census(program)
  const names = () =>
    census.parts().flatMap(({ part, seen }) => (seen ? [] : [`${part.file} ${part.kind} ${part.name}`]))
  t.equal(names().length, 14)
  const { watch, count } = census.test()
  const script: ScriptItem[] = [
    hears('Main'),
    press('1'),
    hears('Type'),
    press('123'),
    hears('right'),
    press('1'),
    hears('It is'),
  ]
  const simulation = simulate(program, script, { context: testCall(), now: TEST_NOW, watch })
  count({ test: { ends: {} }, ok: true, simulation, failures: [] } as never)
  t.strictSame(names(), [
    'flows/main.yaml step bye',
    'flows/main.yaml situation lost',
    'flows/number.yaml option right 2',
    'flows/number.yaml option right 9',
    'flows/number.yaml step no',
    'flows/number.yaml situation why',
  ])
})

t.test('the picture shows what is called and the ways that it comes back', async (t) => {
  const { nodes, edges } = graph(flows(MAIN, NUMBER))
  t.match(
    nodes.find(({ id }) => id === 'number_of'),
    { verb: 'call', text: 'number' },
  )
  t.strictSame(
    edges.filter(({ from }) => from === 'number_of').map(({ event, to }) => `${event} ${to}`),
    ['hangup hangup', 'taken read_back', 'refused bye'],
  )
})
