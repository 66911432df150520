/** Libraries: what a flow includes is its own, and what is wrong in it is told where it stands. */
import t from 'tap'
import { loadFlows } from '../../../src/flow/load.ts'
import { byHand, hears, press, talk } from './talk.ts'

const LIBRARY = `library: common
situations:
  not_heard: { key: "*", goto: repeat }
  where: { key: "8", steps: [ { say: "This is {company}." } ] }
vars: { company: "the company" }
steps:
  topics: { say: "We do this and that." }
  more: { menu: "To hear more, press 1.", options: { "1": spare } }
  spare: { say: "That is all.", next: ask }
`
const FLOW = `flow: t
include: [library/common.yaml]
start: ask
steps:
  ask: { menu: "Press 1.", options: { "1": bye, "2": topics } }
  bye: { say: "Bye." }
  end: { hangup: true }
`

function load(texts: Record<string, string>) {
  return loadFlows(Object.entries(texts).map(([path, text]) => ({ path, text })))
}

function faults(texts: Record<string, string>): string[] {
  return load(texts).problems.map((p) => `${p.file}:${p.line}:${p.column} ${p.code} ${p.message}`)
}

const flowOf = (library: string, flow = FLOW) =>
  load({ 'flows/t.yaml': flow, 'library/common.yaml': library }).programs.get('t')!

t.test('situations and steps of a library are the flow’s', async (t) => {
  const talked = talk(flowOf(LIBRARY), [press('2'), hears('To hear more'), press('8'), press('*'), press('1')])
  t.strictSame(talked.said.slice(0, 10), [
    'Press 1.',
    '> 2',
    'We do this and that.',
    'To hear more, press 1.',
    '> 8',
    'This is the company.',
    'To hear more, press 1.',
    '> *',
    'To hear more, press 1.',
    '> 1',
  ])
  t.strictSame(talked.said.slice(10, 12), ['That is all.', 'Press 1.'], 'a library may go back to a step of its flow')
})

t.test('a flow names its own default for a variable of a library', async (t) => {
  const own = FLOW.replace('start:', 'vars: { company: "Saint Luke" }\nstart:')
  t.match(talk(flowOf(LIBRARY, own), [press('8')]).said.join(), /This is Saint Luke\./)
  t.strictSame(
    faults({
      'flows/t.yaml': own.replace('"Saint Luke"', '1'),
      'library/common.yaml': LIBRARY.replace('{company}', 'us'),
    }),
    ['library/common.yaml:5:18 name-clash "company" is a number in the flow or in another library, and a text here'],
  )
})

t.test('the last step of a library does not go on into the flow', async (t) => {
  const library = LIBRARY.replace(', next: ask', '')
  t.match(faults({ 'flows/t.yaml': FLOW, 'library/common.yaml': library }), [
    /^library\/common\.yaml:9:3 no-end there is no step below/,
  ])
})

t.test('steps that the flow does not use are no fault, and are left out', async (t) => {
  const flow = FLOW.replace(', "2": topics', '')
  t.strictSame(faults({ 'flows/t.yaml': flow, 'library/common.yaml': LIBRARY }), [])
  const program = flowOf(LIBRARY, flow)
  t.notOk(program.steps.has('topics'))
  t.ok(program.steps.has('@situation.where/0'))
  t.notMatch(
    JSON.stringify(program.texts.map((text) => text.kind === 'written' && [...text.variants])),
    /this and that/,
  )
  t.match(JSON.stringify(program.texts.map((text) => text.kind === 'written' && [...text.variants])), /This is/)
})

t.test('names that clash, with the place of the other one', async (t) => {
  const flow = FLOW.replace('  end:', '  more: { hangup: true }\n  end:')
  t.match(
    faults({ 'flows/t.yaml': flow, 'library/common.yaml': LIBRARY }).join('\n'),
    [/^flows\/t\.yaml:7:3 name-clash there is a step "more" in library\/common\.yaml:8, too/m][0]!,
  )
  const two = FLOW.replace('common.yaml]', 'common.yaml, library/other.yaml]')
  const other = 'situations:\n  where: { label: Asks where, goto: repeat }\n'
  t.match(
    faults({ 'flows/t.yaml': two, 'library/common.yaml': LIBRARY, 'library/other.yaml': other }).join('\n'),
    /^library\/other\.yaml:2:3 name-clash there is a situation "where" in library\/common\.yaml:4, too/m,
  )
  const keys = FLOW.replace('start:', 'situations: { what: { key: "8", goto: repeat } }\nstart:')
  t.match(
    faults({ 'flows/t.yaml': keys, 'library/common.yaml': LIBRARY }).join('\n'),
    /^flows\/t\.yaml:3:28 shadowed-key the key 8 already belongs to the situation "where"/m,
  )
})

t.test('a library that is not there, and one that is named otherwise', async (t) => {
  const named = (include: string) =>
    faults({ 'flows/t.yaml': FLOW.replace('library/common.yaml', include), 'library/common.yaml': LIBRARY })
  t.match(named('library/comon.yaml')[0], /^flows\/t\.yaml:2:11 unknown-library .*did you mean "library\/common.yaml"/)
  t.match(named('../secret.yaml')[0], /unknown-library "\.\.\/secret\.yaml" is no library: write library\/NAME\.yaml/)
  t.match(named('library/common.yaml, library/common.yaml')[0], /is included twice/)
})

t.test('a fault of a library is told once, in its own file, and none of its flows loads', async (t) => {
  const library = LIBRARY.replace('"1": spare', '"1": spair')
  const texts = {
    'flows/t.yaml': FLOW,
    'flows/u.yaml': FLOW.replace('flow: t', 'flow: u'),
    'flows/v.yaml': 'flow: v\nstart: a\nsteps: { a: { hangup: true } }\n',
    'library/common.yaml': library,
  }
  t.match(faults(texts), [
    /^library\/common\.yaml:8:59 unknown-target there is no step "spair": did you mean "spare"\?$/,
  ])
  t.strictSame([...load(texts).programs.keys()], ['v'])
  t.match(load(texts).byFlow.get('u'), [{ code: 'unknown-target' }])
  t.match(faults({ ...texts, 'library/common.yaml': 'steps: { a: { say: "x" }\n' }), [
    /^library\/common\.yaml:2:1 yaml/,
  ])
  t.match(faults({ ...texts, 'library/common.yaml': `include: []\n${LIBRARY}` }), [
    /^library\/common\.yaml:1:1 unknown-key "include" is not known here/,
  ])
})

t.test('a fault that only one flow brings about names that flow', async (t) => {
  t.strictSame(
    faults({
      'flows/t.yaml': FLOW,
      'flows/u.yaml': FLOW.replace('flow: t', 'flow: u').replaceAll('ask', 'question'),
      'library/common.yaml': LIBRARY,
    }),
    ['library/common.yaml:9:39 unknown-target there is no step "ask" (as u includes it)'],
  )
})

t.test('a library that no flow includes is checked by itself', async (t) => {
  t.match(faults({ 'library/common.yaml': LIBRARY }), [/^library\/common\.yaml:9:39 unknown-target/])
  t.strictSame(faults({ 'library/common.yaml': LIBRARY.replace('next: ask', 'next: hangup') }), [])
  t.match(faults({ 'library/common.yaml': `${LIBRARY.replace('next: ask', 'next: more')}  x: { sya: "x" }\n` }), [
    /10:8 unknown-key "sya" is not known here: did you mean "say"/,
  ])
  t.match(faults({ 'library/common.yaml': LIBRARY.replace('library: common', 'library: other') }), [
    /1:10 flow-name/,
    /9:39/,
  ])
})

t.test('a version covers what is included', async (t) => {
  const version = flowOf(LIBRARY).version
  t.equal(flowOf(LIBRARY).version, version)
  t.not(flowOf(LIBRARY.replace('That is all', 'That was all')).version, version)
  t.not(flowOf(LIBRARY, FLOW.replace('Bye', 'Goodbye')).version, version)
})

t.test('a library in another language than its flow says its texts in its own', async (t) => {
  const romanian = FLOW.replace('start:', 'language: ro\nstart:')
  const spoken = (library: string) => {
    const call = byHand(flowOf(library, romanian))
    call.start()
    call.key('8')
    return call.effects.flatMap((e) => (e.type === 'play' ? e.parts.map((p) => ('text' in p ? p.language : '')) : []))
  }
  t.strictSame(spoken(LIBRARY), ['ro', 'ro'])
  t.strictSame(spoken(LIBRARY.replace('library:', 'language: en\nlibrary:')), ['ro', 'en'])
})
