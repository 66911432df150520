import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { endLeftovers, marked } from '../../support/leftovers.ts'

t.setTimeout(20_000)

t.test('a detached process that lives on is found by its mark, named and ended', async (t) => {
  const mark = `mark-${process.pid}`
  const env = { ...process.env, APEL_TEST_RUN: mark }
  const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore', env })
  await once(child, 'spawn')
  t.same(marked(mark), [child.pid])
  t.same(marked('another-mark'), [])
  const [left] = await endLeftovers(mark, 0)
  t.equal(left, `${child.pid} sleep 60`)
  t.same(await once(child, 'exit'), [null, 'SIGKILL'])
})

t.test('a process that ends within its patience is none', async (t) => {
  const mark = `brief-${process.pid}`
  spawn('sleep', ['0.2'], { stdio: 'ignore', env: { ...process.env, APEL_TEST_RUN: mark } })
  t.same(await endLeftovers(mark, 5000), [])
})
