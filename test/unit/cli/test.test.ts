/** `apel test`: which tests a path stands for, what is printed, and the exit code. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { performance } from 'node:perf_hooks'
import t from 'tap'
import { projectRoot } from '../../../src/embedded/tools.ts'
import { aFolder, apelIn } from './command.ts'

t.setTimeout(60_000)

const FLOW = `flow: desk
start: hi
steps:
  hi: { menu: "Press 1 or 2.", options: { "1": bye, "2": { say: "Two.", outcome: two, goto: hangup } } }
  bye: { hangup: { say: "Goodbye." } }
`
const ONE =
  '  - { name: one, script: [ { hears: "Press 1" }, { press: "1" }, { hears: Goodbye } ], ends: { disposition: completed } }\n'
const TWO =
  '  - { name: two, script: [ { hears: "Press 1" }, { press: "2" }, { hears: "Two." } ], ends: { outcome: two } }\n'
const WRONG =
  '  - { name: wrong, script: [ { hears: "Press 1" }, { press: "2" }, { hears: "Three" } ], ends: { outcome: three } }\n'

function project(t: Parameters<typeof aFolder>[0], tests: string, flow = FLOW) {
  const cwd = aFolder(t)
  const put = (name: string, text: string): void => {
    mkdirSync(dirname(join(cwd, name)), { recursive: true })
    writeFileSync(join(cwd, name), text)
  }
  put('scripts-yaml/flows/desk.yaml', flow)
  put('scripts-yaml/tests/desk.test.yaml', `flow: desk\ntests:\n${tests}`)
  return { cwd, put, apel: apelIn(cwd) }
}

t.test('a path is a test file, a folder of tests, or a folder with one', async (t) => {
  const { apel } = project(t, ONE + TWO)
  for (const path of [[], ['.'], ['scripts-yaml'], ['scripts-yaml/tests'], ['scripts-yaml/tests/desk.test.yaml']])
    t.match(await apel('test', ...path), { status: 0, out: /2 passed, 0 failed; 100 % covered\n$/ }, path.join())
  t.match(await apel('test', 'nowhere'), { status: 2, err: /nowhere is not there/ })
  t.match(await apel('test', 'scripts-yaml/flows'), { status: 2, err: /no conversation test/ })
})

t.test('a failing test shows the conversation beside what was expected, and the exit code is 1', async (t) => {
  const { apel } = project(t, ONE + WRONG)
  const { status, out } = await apel('test')
  t.equal(status, 1)
  t.match(out, /^ {2}ok {4}one \(/m)
  t.match(out, /^ {2}FAIL {2}wrong \(/m)
  t.match(out, /scripts-yaml\/tests\/desk\.test\.yaml:4:5/)
  t.match(out, /outcome: expected three, was two/)
  t.match(out, /us {4}Press 1 or 2\. +\| hears "Press 1"\n.*them {2}presses 2 +\n?.*\| press 2|us {4}Press 1 or 2\./)
  t.match(out, /the end +\| hears "Three" {3}<- never came/)
  t.match(out, /1 passed, 1 failed/)
})

t.test('what is not covered is listed with its place; only --coverage makes a failure of it', async (t) => {
  const { apel, put } = project(t, ONE)
  put('scripts-yaml/flows/lonely.yaml', 'flow: lonely\nstart: a\nsteps:\n  a: { hangup: { say: "Goodbye." } }\n')
  t.match(await apel('test'), {
    status: 0,
    out: /not covered: option hi 2 \(scripts-yaml\/flows\/desk\.yaml:4\)[\s\S]*not covered: step a \(.*lonely\.yaml:4\)/,
  })
  t.match(await apel('test', '--coverage', '100'), { status: 1, err: /60 % is covered, 100 % is asked for/ })
  t.match(await apel('test', '--coverage', '60'), { status: 0 })
  t.match(await apel('test', '--coverage', 'all'), { status: 2 })
  t.notMatch((await apel('test', 'scripts-yaml/tests/desk.test.yaml')).out, /lonely/)
})

t.test('TAP has a point a test, with its conversation where it failed', async (t) => {
  const { apel } = project(t, ONE + WRONG)
  const { status, out } = await apel('test', '--reporter', 'tap')
  t.equal(status, 1)
  t.match(out, /^TAP version 14\n1\.\.2\nok 1 - .*: one\nnot ok 2 - .*: wrong\n {2}---\n {2}failures:\n/)
  t.match(out, /\n {2}\.\.\.\n/)
  t.match(JSON.parse((await apel('test', '--json')).out), {
    passed: 1,
    failed: 1,
    files: [{ flow: 'desk', tests: [{ ok: true }] }],
  })
})

t.test('a file that cannot be run is a failure with its faults, and stops no other', async (t) => {
  const { apel, put } = project(t, ONE)
  put('scripts-yaml/tests/bad.test.yaml', 'flow: desk\ntests: [ { name: a, script: [ { situation: x } ] } ]\n')
  put('scripts-yaml/tests/none.test.yaml', 'flow: dsk\ntests: [ { name: a } ]\n')
  const { status, out } = await apel('test')
  t.equal(status, 1)
  t.match(out, /bad\.test\.yaml:2:44 error the flow "desk" has no situation "x"/)
  t.match(out, /none\.test\.yaml:1:7 error there is no flow "dsk".*did you mean "desk"/)
  t.match(out, /1 passed, 2 failed/)
  t.match(await apel('check'), { status: 1, out: /bad\.test\.yaml:2:44[\s\S]*none\.test\.yaml:1:7/ })
})

t.test('a flow with an error fails its tests with the faults of the flow', async (t) => {
  const { apel } = project(t, ONE, FLOW.replace('menu', 'mneu'))
  t.match(await apel('test'), { status: 1, out: /flows\/desk\.yaml:4:9 error/ })
})

t.test('the shipped flows are tested in full', async (t) => {
  t.match(await apelIn(projectRoot())('test', 'scripts-yaml', '--coverage', '100'), { status: 0 })
})

t.test('500 tests take at most 3 s', async (t) => {
  const many = Array.from({ length: 500 }, (_, i) => (i % 2 === 0 ? ONE : TWO).replace(/name: \w+/, `name: t${i}`))
  const { apel } = project(t, many.join(''))
  const begun = performance.now()
  t.match(await apel('test'), { status: 0, out: /500 passed/ })
  const took = performance.now() - begun
  t.comment(`${Math.round(took)} ms`)
  t.ok(took <= 3000)
})
