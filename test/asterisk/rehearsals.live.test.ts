/**
 * Conversation tests as users run them on a real line, `apel test --live`: those of `test/flows/live`, which use every verb, climb
 * every rung of the usual ladders and go both ways, beside the shorter ones of the flows that are shipped. What the simulator
 * promises is what the line does: no conversation may differ.
 */
import { join } from 'node:path'
import t from 'tap'
import { runCommand } from '../support/command.ts'

t.setTimeout(230_000)
t.jobs = 2

interface Results {
  passed: number
  failed: number
  different: number
  files: {
    file: string
    problems: unknown[]
    tests: {
      name: string
      ok: boolean
      failures: string[]
      differences: string[]
      skipped: string | null
      call: string | null
    }[]
  }[]
  flows: { missing: { kind: string; name: string }[] }[]
}

const journals = process.env.APEL_TEST_JOURNALS

async function live(...args: string[]): Promise<Results> {
  const kept = journals === undefined ? [] : ['--journals', journals]
  const { code, stdout, stderr } = await runCommand(['test', '--live', '--json', ...kept, ...args], {
    timeout: 220_000,
  })
  if (stdout === '') throw new Error(`ended with ${code}: ${stderr}`)
  return JSON.parse(stdout)
}

/** Each conversation with what went wrong in it; none is what is wanted. */
const faults = ({ files }: Results) =>
  files.flatMap(({ problems, tests }) => [
    ...problems,
    ...tests.flatMap(({ name, failures, differences }) =>
      [...failures, ...differences].map((fault) => `${name}: ${fault}`),
    ),
  ])

t.test('every verb, both directions and every rung, on a line', async (t) => {
  const results = await live(join('test', 'flows', 'live'))
  t.strictSame(faults(results), [])
  t.ok(results.passed >= 30, `${results.passed} conversations`)
  t.equal(results.files.flatMap(({ tests }) => tests).filter(({ call }) => call === null).length, 0)
  t.strictSame(
    results.flows.flatMap(({ missing }) => missing.map(({ kind, name }) => `${kind} ${name}`)),
    [],
  )
})

t.test('the shorter conversations of the flows that are shipped, on a line', async (t) => {
  const results = await live('--longest', '25s', 'scripts-yaml')
  t.strictSame(faults(results), [])
  t.ok(results.passed >= 15, `${results.passed} conversations`)
})
