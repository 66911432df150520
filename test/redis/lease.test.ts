/** One process a name (F11), on a real Redis with the real clock: a lease lasts six seconds. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { hostname } from 'node:os'
import t from 'tap'
import { isAlive, processRef } from '../../src/embedded/process.ts'
import { takeName } from '../../src/service/lease.ts'
import { takeLease } from '../../src/store/instance.ts'
import { waitFor } from '../support/wait.ts'
import { startTestRedis } from './server.ts'

t.setTimeout(60_000)

const clock = {
  now: () => Date.now(),
  setTimeout: (run: () => void, ms: number) => setTimeout(run, ms),
  clearTimeout: (handle: unknown) => clearTimeout(handle as NodeJS.Timeout),
}
const redis = await startTestRedis()
t.teardown(() => redis.close())
const { db } = await redis.store()
const heard: string[] = []
const say = (line: string) => void heard.push(line)

t.test('a name that is renewed meanwhile is refused, and the refusal names the process', async (t) => {
  const lease = await takeName(db, 'one', clock, say)
  const renewing = setInterval(() => void lease.renew(), 500)
  t.teardown(() => clearInterval(renewing))
  const begun = Date.now()
  await t.rejects(takeName(db, 'one', clock, say), { code: 'instance_taken', message: /process \d+/ })
  t.ok(Date.now() - begun < 8_500, `refused after ${Date.now() - begun} ms`)
  t.equal(await lease.renew(), null, 'the first one keeps it')
})

t.test('a name that was given back is free at once', async (t) => {
  const lease = await takeName(db, 'two', clock, say)
  await lease.release()
  const begun = Date.now()
  await takeName(db, 'two', clock, say)
  t.ok(Date.now() - begun < 1_000)
})

t.test('a name whose process of this host is gone is taken at once', async (t) => {
  const child = spawn('sleep', ['60'])
  const ref = await waitFor(() => processRef(child.pid!), { what: 'the process' })
  const holder = JSON.stringify({ token: 'gone', host: hostname(), process: ref })
  t.equal(await takeLease(db, 'three', holder, holder), null)
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.notOk(isAlive(ref))
  const begun = Date.now()
  const lease = await takeName(db, 'three', clock, say)
  t.ok(Date.now() - begun < 2_000, `taken after ${Date.now() - begun} ms`)
  t.equal(await lease.renew(), null)
})

t.test('a name leased on another host is waited for, and who lost it hears of it', async (t) => {
  const holder = JSON.stringify({ token: 'far', host: 'elsewhere', process: null })
  t.equal(await takeLease(db, 'four', holder, holder), null)
  const lease = await takeName(db, 'four', clock, say)
  t.match(heard.join('\n'), /four is still leased/)
  const other = await takeLease(db, 'four', holder, holder)
  t.ok(other && other.left > 0, 'the old holder is told that it is not its own any more')
  t.equal(await lease.renew(), null)
})
