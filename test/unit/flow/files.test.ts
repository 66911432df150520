/**
 * Flows that are wrong in one thing (`test/flows/bad/CODE….yaml`), each with what `check` says of it in its first lines;
 * flows that are nearly wrong in the same thing and right (`test/flows/good/CODE….yaml`); and shipped flows with one
 * change that spoils them. Of every code that a flow can have there are all three.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import t from 'tap'
import { PROBLEM_CODES, type ProblemCode } from '../../../src/errors.ts'
import { type FlowFile, loadFlows } from '../../../src/flow/load.ts'

const read = (folder: string): FlowFile[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => ({ path: `${folder}/${name}`, text: readFileSync(`${folder}/${name}`, 'utf8') }))

/** What the flows of all these folders may include, as if it lay beside them. */
const libraries = read('test/flows/library').concat(read('scripts-yaml/library'))

const facts = {
  sounds: (name: string) => ['greeting', 'bell'].includes(name),
  allowHost: (host: string) => host === 'crm.test' || host.startsWith('127.0.0.1:'),
}

/** What other files than flows can have wrong, and `unreadable`, which no text is. */
const ELSEWHERE: ProblemCode[] = [
  ...(['unreadable', 'bad-value', 'environment', 'duplicate-name', 'port-taken', 'open-api', 'plain-http'] as const),
  ...(['short-token', 'unknown-peer', 'unknown-trunk', 'short-ring', 'missing-file', 'host-not-allowed'] as const),
]
const codes = (Object.keys(PROBLEM_CODES) as ProblemCode[]).filter((code) => !ELSEWHERE.includes(code))
const codeOf = ({ path }: FlowFile) => basename(path, '.yaml').split('_')[0]!

/** Too large to lie in a folder: 256 KiB and one byte, and not one byte more than 256 KiB. */
const padded = (path: string, bytes: number): FlowFile => {
  const text = 'flow: too-large\nstart: a\nsteps: { a: { hangup: true } }\n# '
  return { path, text: text + 'x'.repeat(bytes - text.length) }
}
/** What can be called, and cannot. Its own faults are not what these tests are about. */
const broken: FlowFile = {
  path: 'test/flows/broken.yaml',
  text: 'flow: broken\nstart: a\nsteps: { a: { hangpu: true } }\n',
}
const load = (files: FlowFile[]) => {
  const { programs, problems } = loadFlows([...files, broken, ...libraries], facts)
  return { programs, problems: problems.filter(({ file }) => file !== broken.path) }
}
const bad = [...read('test/flows/bad'), padded('test/flows/bad/too-large.yaml', 256 * 1024 + 1)]
const good = [...read('test/flows/good'), padded('test/flows/good/too-large.yaml', 256 * 1024)]

for (const file of bad)
  t.test(`${file.path} is refused with its line, column and reason`, async (t) => {
    const expected = file.text.split('\n').flatMap((line) => (line.startsWith('#! ') ? [line.slice(3)] : []))
    const { programs, problems } = load([file])
    const told = problems.map((p) => `${p.line}:${p.column} ${p.code} ${p.message}`)
    if (file.text.startsWith('#! ')) t.strictSame(told.sort(), expected.sort())
    if (codeOf(file) !== 'several')
      t.strictSame(
        problems.map((p) => p.code),
        [codeOf(file)],
        'and with nothing else',
      )
    t.equal(programs.size, problems.some((p) => p.severity === 'error') ? 0 : 1)
  })

for (const [what, files] of Object.entries({
  'test/flows/good': good,
  'scripts-yaml/flows': read('scripts-yaml/flows'),
  'demo/scripts-yaml/flows': read('demo/scripts-yaml/flows'),
}))
  t.test(`every flow in ${what} is right`, async (t) => {
    const { programs, problems } = load(files)
    t.strictSame(problems, [])
    t.equal(programs.size, files.length)
  })

/** One change to a shipped flow, and the code that it must be refused with. */
const mutations: [ProblemCode, string, string | RegExp, string][] = [
  ['empty', 'survey', /^[\s\S]*$/, '# Nothing is left.\n'],
  ['yaml', 'appointment', '"It is cancelled.', 'It is: cancelled.'],
  ['too-large', 'survey', /$/, `\n# ${'-'.repeat(256 * 1024)}\n`],
  ['too-deep', 'survey', 'vars: {', `vars: { deep: ${'['.repeat(70)}${']'.repeat(70)},`],
  ['anchor', 'gatekeeper', 'key: "*"', 'key: *'],
  ['tag', 'appointment', 'say: "You can reach', 'say: !polite "You can reach'],
  ['duplicate-key', 'appointment', '"4": {', '"3": {'],
  ['unknown-key', 'appointment', 'menu: "I am sorry', 'manu: "I am sorry'],
  ['missing-key', 'survey', '    save: care\n', ''],
  ['wrong-type', 'survey', 'timeout: 6s', 'timeout: 6'],
  ['name', 'appointment', /\bbye\b/g, 'good-bye!'],
  ['unknown-flow', 'appointment', 'at: who', 'flow: apointment'],
  ['verb', 'appointment', /next: ask\b/, 'goto: ask'],
  ['flow-name', 'support', 'flow: support', 'flow: customer-line'],
  ['unknown-library', 'survey', 'start: greet', 'start: greet\ninclude: [library/comon.yaml]'],
  [
    'name-clash',
    'survey',
    / {2}again_please: .*/,
    '  lost: { label: Is lost, goto: repeat }\ninclude: [library/common.yaml]',
  ],
  ['recursion', 'survey', /steps:\n/, 'steps:\n  anew: { call: survey, next: hangup }\n'],
  ['called-flow', 'survey', /start: greet([\s\S]*?steps:\n)/, 'start: anew$1  anew: { call: broken, next: greet }\n'],
  ['unknown-target', 'appointment', 'goto: later', 'goto: latter'],
  ['unknown-variable', 'appointment', 'This is {company} again', 'This is {compani} again'],
  ['expression', 'survey', 'care <= 2', "care <= '2'"],
  ['save-type', 'survey', 'wait: 0', 'wait: ""'],
  ['missing-sound', 'support', 'say: "We are open from', 'say: { sound: hours }\n    hint: "We are open from'],
  ['missing-language', 'appointment', 'say: "You can reach the', 'say: { ro: "Ne gasiti" }\n    hint: "The'],
  ['http-host', 'support', 'task: { external: order }', 'task: { http: { url: "http://elsewhere.test/{order}" } }'],
  ['unreachable', 'support', 'unavailable: call_us', 'unavailable: bye'],
  ['no-end', 'appointment', 'hangup: { say: "Thank you. Goodbye." }', 'say: "Thank you. Goodbye."'],
  ['no-way-out', 'survey', /"1": waiting\n {6}"2": later\n {6}"3": .*/, '"1": repeat'],
  ['cycle', 'support', 'on: { give_up: wait_no_more }', 'on: { give_up: wait }'],
  ['silence', 'appointment', /(leave_word:\n {4}pause: )1s/, '$13s\n  leave_more:\n    pause: 1s'],
  ['shadowed-key', 'gatekeeper', 'key: "8"', 'key: "3"'],
  ['outcome', 'support', 'failed: not_found, ', ''],
]

t.test('a shipped flow that is changed in one thing is refused for that', async (t) => {
  for (const [code, name, from, to] of mutations) {
    const path = `scripts-yaml/flows/${name}.yaml`
    const text = readFileSync(path, 'utf8')
    const changed = text.replace(from, to)
    t.not(changed, text, `${code}: there is something to change in ${name}`)
    const { problems } = load([{ path, text: changed }])
    t.match(
      problems.map((p) => p.code),
      [code],
      `${code}: ${name} with ${JSON.stringify(to).slice(0, 60)}`,
    )
  }
})

t.test('every code that a flow can have is met in all three ways', async (t) => {
  for (const code of codes) {
    t.ok(
      bad.some((file) => codeOf(file) === code),
      `${code}: a flow that is wrong in that`,
    )
    t.ok(
      good.some((file) => codeOf(file) === code),
      `${code}: one that nearly is`,
    )
    t.ok(
      mutations.some(([of]) => of === code),
      `${code}: a shipped one that is spoilt`,
    )
  }
})
