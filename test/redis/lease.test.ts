/** One process a name (F11), on a real Redis with the real clock: a lease lasts six seconds. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { processRef } from '../../src/embedded/process.ts'
import { gone, holderOfNames, takeName } from '../../src/service/lease.ts'
import { leaseless, nextEpoch, takeLease } from '../../src/store/instance.ts'
import { keys } from '../../src/store/keys.ts'
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
  const { holder, end } = await another()
  t.equal(await takeLease(db, 'three', holder, holder), null)
  await end()
  const begun = Date.now()
  const lease = await takeName(db, 'three', clock, say)
  t.ok(Date.now() - begun < 2_000, `taken after ${Date.now() - begun} ms`)
  t.equal(await lease.renew(), null)
})

t.test('the calls of a process of this host that is gone can be taken at once, those of others cannot', async (t) => {
  const { holder, end } = await another()
  const far = JSON.stringify({ ...JSON.parse(holder), host: 'elsewhere' })
  const contained = JSON.stringify({ ...JSON.parse(holder), space: 'pid:[1]' })
  for (const [name, held] of Object.entries({ here: holder, far, contained })) {
    await nextEpoch(db, name)
    await db.call((client) => client.sadd(keys.instanceLive(name), 'a-1'))
    t.equal(await takeLease(db, name, held, held), null)
  }
  t.same(await leaseless(db, gone), [])
  await end()
  t.same(await leaseless(db, gone), [{ name: 'here', certain: true }])
  t.same(await leaseless(db, gone), [{ name: 'here', certain: false }], 'it has no lease any more')
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

/** What the lease of another process of this host says. */
async function another(): Promise<{ holder: string; end(): Promise<void> }> {
  const child = spawn('sleep', ['60'])
  const process = await waitFor(() => processRef(child.pid!), { what: 'the process' })
  return {
    holder: JSON.stringify({ ...JSON.parse(holderOfNames()), process }),
    async end() {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}
