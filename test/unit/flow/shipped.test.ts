/** The shipped flows and their library: every conversation test passes, and nothing of them is left untested. */
import { readdirSync } from 'node:fs'
import t from 'tap'
import { runSuites } from '../../../src/cli/test/suite.ts'

const root = 'scripts-yaml'
const tests = readdirSync(`${root}/tests`).map((name) => `${root}/tests/${name}`)
const { suites, coverage } = await runSuites([{ root, tests, whole: true }])

for (const { file, problems, runs } of suites)
  t.test(`the conversations of ${file}`, async (t) => {
    t.strictSame(problems, [])
    t.ok(runs.length > 0)
    for (const { test, failures } of runs) t.strictSame(failures, [], test.name)
  })

t.test('no step, option, rung or situation is left out', async (t) => {
  t.same(
    coverage.flatMap(({ flow, missing }) => missing.map((part) => `${flow}: ${JSON.stringify(part)}`)),
    [],
  )
})
