/**
 * The ledger misbehaves under live calls and a campaign: Redis is killed and comes back with its file (F12), stands still, is slow or
 * full (F13), its disk is full (F25); it may forget what was written (F14); it comes back empty (F12).
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import t from 'tap'
import { answers, hangsUp } from '../../src/phones/behaviours.ts'
import { runCommand } from '../support/command.ts'
import { TALKS } from '../support/talks.ts'
import { waitFor } from '../support/wait.ts'
import { beginAll, reach } from './people.ts'
import { startScene } from './scene.ts'

t.setTimeout(230_000)

const scene = await startScene({ flows: TALKS, trunk: { channels: 40, cps: 10 } })
const { exchange, redis, way } = scene
const [instance] = scene.instances as [(typeof scene.instances)[0]]
const direct = new Redis(redis.url, { retryStrategy: () => 100, maxRetriesPerRequest: null })
direct.on('error', () => undefined)
t.teardown(async () => {
  direct.disconnect()
  await scene.stop()
})
let lists = 0

/** A campaign of short calls that is under way. */
async function load(size: number): Promise<{ finished(): Promise<unknown> }> {
  lists += 1
  const name = `load-${lists}`
  const list = Array.from({ length: size }, (_, n) => `+4079${lists}${String(n).padStart(6, '0')}`)
  for (const number of list) exchange.phone(number, hangsUp(700))
  await scene.api('PUT', `/v1/campaigns/${name}`, { flow: 'brief', contacts: { number: 'phone' }, dial: { cps: 4 } })
  await scene.contacts(name, `phone\n${list.join('\n')}\n`)
  await scene.api('POST', `/v1/campaigns/${name}/start`)
  await waitFor(() => exchange.calls.some(({ to }) => list.includes(to)), { what: 'load' })
  const done = async () => (await scene.api('GET', `/v1/campaigns/${name}`)).counts.done === size
  return { finished: () => waitFor(done, { timeout: 40_000, every: 200, what: `the end of ${name}` }) }
}
const dial = (number: string) => scene.api('POST', '/v1/calls', { to: number, flow: 'brief' })
const health = async (): Promise<number> => (await fetch(`${instance.service.url}/health/ready`)).status
const notReady = () =>
  waitFor(async () => (await health()) === 503, { timeout: 9000, what: 'a service that is not ready' })

t.test('F12, Redis is killed under load and comes back with its file', async (t) => {
  const all = await beginAll(scene, ['plays', 'waits', 'records', 'holds', 'rings', 'bridged'])
  const campaign = await load(20)
  await redis.kill()
  await notReady()
  await redis.start()
  await scene.ready()
  await reach(t, scene, all, 'Redis killed')
  await campaign.finished()
})

t.test(
  'F13, Redis stands still for eight seconds: 503 within two, live calls go on, and nothing runs twice',
  async (t) => {
    const all = await beginAll(scene, ['plays', 'waits', 'holds', 'rings'])
    const campaign = await load(20)
    redis.freeze(true)
    const asked = Date.now()
    t.match(await instance.api('GET', '/v1/calls').catch(String), / 503 /)
    t.ok(Date.now() - asked < 2500, `told after ${Date.now() - asked} ms`)
    await waitFor(() => Date.now() - asked > 8000, { what: 'eight seconds' })
    redis.freeze(false)
    await scene.ready()
    await reach(t, scene, all, 'Redis stands still')
    await campaign.finished()
  },
)

t.test('F13, every answer of Redis takes 300 ms more: calls are made, and led to their end', async (t) => {
  way.delay(300)
  t.teardown(() => way.delay(0))
  const all = await beginAll(scene, ['plays', 'waits', 'holds', 'records'])
  const campaign = await load(10)
  t.match(await instance.api('GET', '/v1/calls?limit=1000'), { items: Array }, 'a whole page comes in time')
  const later = { number: '+40790999990', flow: 'brief', due_at: new Date(Date.now() + 3_600_000).toISOString() }
  t.match(await instance.api('POST', '/v1/callbacks', later), { state: 'open' }, 'and an agreement')
  await waitFor(() => all.every((person) => person.call()?.endedAt != null), { timeout: 60_000, what: 'every end' })
  way.delay(0)
  await reach(t, scene, all, 'Redis is slow')
  await campaign.finished()
})

t.test(
  'F13, F25, Redis is full, then its disk: nothing is dialled, live calls go on, and no result is lost',
  async (t) => {
    const all = await beginAll(scene, ['plays', 'waits', 'holds'])
    await direct.config('SET', 'maxmemory', '1')
    await notReady()
    t.match(await dial('+40790999991').catch(String), / 503 | 422 /)
    await direct.config('SET', 'maxmemory', '0')
    await scene.ready()
    await redis.room(4096)
    await notReady()
    t.match(await dial('+40790999992').catch(String), / 503 | 422 /)
    const begun = Date.now()
    await waitFor(() => Date.now() - begun > 5000, { what: 'calls that end meanwhile' })
    await redis.room(null)
    await scene.ready()
    await reach(t, scene, all, 'Redis is full')
    const dialled = (await exchange.dialogs()).filter(({ to }) => to.startsWith('+4079099999'))
    t.same(dialled, [])
  },
)

t.test('the promises hold', async (t) => {
  await scene.holds(t)
})

t.test('F12, Redis comes back empty: nothing starts from zero until an operator accepts it', async (t) => {
  await redis.kill()
  await rm(join(redis.folder, 'appendonlydir'), { recursive: true, force: true })
  await redis.start()
  await waitFor(async () => /empty or another one/.test(await ready()), { what: 'the reason' })
  exchange.phone('+40790999993', answers())
  t.match(await dial('+40790999993').catch(String), /gate_closed/)
  t.equal(await instance.service.end('SIGTERM'), 0)
  await instance.service.start({ ready: false })
  await waitFor(async () => /empty or another one/.test(await ready()), { what: 'the reason after a start' })
  await instance.service.end('SIGTERM')
  const file = join(scene.folder, 'apel.yaml')
  await runCommand(['doctor', '--accept-empty-ledger', '-c', file])
  await instance.service.start()
  const { id } = await dial('+40790999993')
  await waitFor(async () => (await scene.api('GET', `/v1/calls/${id}`)).disposition === 'completed', { what: 'a call' })
})

t.test('F14, a Redis that may forget is refused at the start, and says what to set', async (t) => {
  await instance.service.end('SIGTERM')
  const file = join(scene.folder, 'apel.yaml')
  for (const [name, wrong, right, told] of [
    ['appendonly', 'no', 'yes', /set `appendonly yes`/],
    ['maxmemory-policy', 'allkeys-lru', 'noeviction', /set `maxmemory-policy noeviction`/],
  ] as const) {
    await direct.config('SET', name, wrong)
    const { code, stderr } = await runCommand(['serve', '-c', file])
    t.not(code, 0)
    t.match(stderr, told)
    await direct.config('SET', name, right)
  }
  await waitFor(async () => /aof_rewrite_in_progress:0/.test(await direct.info('persistence')), { what: 'the file' })
  await instance.service.start()
})

async function ready(): Promise<string> {
  return await (await fetch(`${instance.service.url}/health/ready`)).text()
}
