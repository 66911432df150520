/** What `apel test --live` tells of conversations on a line. */
import t from 'tap'
import { human, record, tap, totals } from '../../../src/cli/test/reporters.ts'
import type { Results } from '../../../src/cli/test/suite.ts'
import { runTest } from '../../../src/flow/conversation-test.ts'
import { readTests } from '../../../src/flow/conversation-test-file.ts'
import { loadFlows } from '../../../src/flow/load.ts'

const FLOW = `flow: hi
start: greet
steps:
  greet: { say: "Good morning.", next: hangup }
`
const TESTS = `flow: hi
tests:
  - { name: one goes as promised, script: [{ hears: Good }] }
  - { name: one goes otherwise, script: [{ hears: Good }] }
  - { name: one is too long, script: [{ hears: Good }] }
`

const program = loadFlows([{ path: 'flows/hi.yaml', text: FLOW }]).programs.get('hi')!
const runs = readTests('tests/hi.test.yaml', TESTS).tests.map((test) => ({
  ...runTest(program, test),
  ...{ skipped: null as string | null, differences: [] as string[], call: 'c1' as string | null },
}))
Object.assign(runs[1]!, { ok: false, differences: ['said 1: "Good morning." on the simulator, nothing on the line'] })
Object.assign(runs[2]!, { skipped: 'it takes 9:00.0 on a line', call: null })
const results: Results = { suites: [{ file: '/p/tests/hi.test.yaml', flow: 'hi', problems: [], runs }], coverage: [] }

t.test('what differs fails, what is left out is counted apart', async (t) => {
  t.match(totals(results), { passed: 1, failed: 1, skipped: 1, different: 1 })
  const text = human(results, '/p')
  t.match(text, /skip {2}one is too long \(it takes 9:00\.0 on a line\)/)
  t.match(
    text,
    /FAIL {2}one goes otherwise .*\n.*\n +differs: said 1: "Good morning\." on the simulator, nothing on the line/,
  )
  t.match(text, /1 passed, 1 failed, 1 skipped; 1 differ from the simulator; 100 % covered\n$/)
})

t.test('TAP and JSON say the same', async (t) => {
  const lines = tap(results, '/p')
  t.match(lines, /ok 3 - tests\/hi\.test\.yaml: one is too long # SKIP it takes 9:00\.0 on a line/)
  t.match(lines, /not ok 2 .*\n {2}---\n {2}failures:\n {4}- "differs: said 1/)
  const { files } = record(results) as {
    files: { tests: { name: string; skipped: string | null; call: string | null }[] }[]
  }
  t.match(files[0]?.tests[2], { name: 'one is too long', skipped: /9:00/, call: null })
})
