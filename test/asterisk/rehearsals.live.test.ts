/**
 * Conversation tests as users run them on a real line, `apel test --live`: those of `test/flows/live`, which use every verb, climb
 * every rung of the usual ladders and go both ways. What the simulator promises is what the line does: none may differ.
 */
import { join } from 'node:path'
import t from 'tap'
import { runCommand } from '../support/command.ts'

t.setTimeout(230_000)

interface Test {
  name: string
  failures: string[]
  differences: string[]
  skipped: string | null
  call: string | null
}

interface Results {
  passed: number
  files: { problems: unknown[]; tests: Test[] }[]
  flows: { missing: { kind: string; name: string }[] }[]
}

async function live(...args: string[]): Promise<Results> {
  const journals = process.env.APEL_TEST_JOURNALS
  const kept = journals === undefined ? [] : ['--journals', journals]
  const { code, stdout, stderr } = await runCommand(['test', '--live', '--json', ...kept, ...args], {
    timeout: 220_000,
  })
  if (stdout === '') throw new Error(`it ended with ${code}: ${stderr}`)
  return JSON.parse(stdout)
}

t.test('on a line every conversation goes as the simulator has promised', async (t) => {
  const { passed, files, flows } = await live(join('test', 'flows', 'live'))
  const tests = files.flatMap((file) => file.tests)
  const wrong = tests.flatMap(({ name, failures, differences }) =>
    [...failures, ...differences].map((one) => `${name}: ${one}`),
  )
  t.strictSame([...files.flatMap(({ problems }) => problems), ...wrong], [])
  t.strictSame(
    tests.filter(({ call }) => call === null).map(({ name }) => name),
    [],
    'none was left out',
  )
  t.ok(passed >= 50, `${passed} conversations`)
  t.strictSame(
    flows.flatMap(({ missing }) => missing.map(({ kind, name }) => `${kind} ${name}`)),
    [],
  )
})
