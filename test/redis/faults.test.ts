import t from 'tap'
import type { Attempt } from '../../src/store/attempt-record.ts'
import { connect, describe } from '../../src/store/connect.ts'
import { Db } from '../../src/store/db.ts'
import { acceptLedger, openLedger } from '../../src/store/generation.ts'
import { DATA_VERSION } from '../../src/store/keys.ts'
import { campaignOf, numbers, ownerNamed, paperDialer, trunk } from '../support/dialer.ts'
import { waitFor } from '../support/wait.ts'
import { startTestRedis } from './server.ts'

t.setTimeout(120_000)

t.test(
  'Redis is killed under load and comes back with its file: nobody is dialled twice, the campaign ends',
  async (t) => {
    const redis = await startTestRedis()
    t.teardown(() => redis.close())
    const paper = await paperDialer(redis, { trunks: [trunk({ channels: 5, cps: 50 })] })
    t.teardown(() => paper.stop())
    await campaignOf(paper, 'c', numbers(40))
    await paper.dialer.campaigns.act('c', 'start')
    let ended = 0
    const endNext = async (): Promise<void> => {
      const call = await waitFor(() => paper.placed[ended], { timeout: 60_000, what: `call ${ended}` })
      ended++
      // As a live call does: until the ledger has it.
      await waitFor(() => paper.end(call, 'completed').then(() => true), { timeout: 60_000, what: 'the ledger' })
    }
    while (ended < 12) await endNext()
    redis.kill('SIGKILL')
    await t.rejects(paper.dialer.reserveManual({ to: numbers(1)[0]!, flow: 'f', vars: {}, trunk: null }), {
      code: 'unavailable',
    })
    t.type(await paper.store.writable(), 'string')
    await redis.restart()
    while (ended < 40) await endNext()
    await waitFor(async () => (await paper.dialer.campaigns.get('c')).state === 'finished', { timeout: 60_000 })
    const dialled = paper.placed.map(({ record }) => record.number)
    t.equal(dialled.length, 40)
    t.equal(new Set(dialled).size, 40)
    t.match((await paper.dialer.campaigns.get('c')).dispositions, { completed: 40 })
    t.same(await paper.store.attempts.live(), [])
  },
)

t.test('Redis stands still for four seconds: what it then performs late reserves nothing', async (t) => {
  const redis = await startTestRedis()
  t.teardown(() => redis.close())
  const paper = await paperDialer(redis, { onPlace: (call, p) => p.end(call, 'completed') })
  t.teardown(() => paper.stop())
  await campaignOf(paper, 'c', numbers(10))
  redis.kill('SIGSTOP')
  const begun = Date.now()
  const asked = await Promise.allSettled(
    numbers(3, 500).map((to) => paper.dialer.reserveManual({ to, flow: 'f', vars: {}, trunk: null })),
  )
  t.ok(asked.every(({ status }) => status === 'rejected'))
  t.ok(Date.now() - begun < 5500, 'told within its deadline')
  await waitFor(() => Date.now() - begun > 4000, { timeout: 5000 })
  redis.kill('SIGCONT')
  await waitFor(async () => (await paper.store.writable()) === null)
  for (const number of numbers(3, 500))
    t.same(await paper.store.attempts.ofNumber(number, 5), [], 'no attempt was left behind')
  await paper.dialer.campaigns.act('c', 'start')
  await waitFor(async () => (await paper.dialer.campaigns.get('c')).state === 'finished', { timeout: 60_000 })
  t.equal(paper.placed.length, 10)
})

t.test('a reservation whose answer is lost is taken back, and the contact is dialled once', async (t) => {
  const redis = await startTestRedis()
  t.teardown(() => redis.close())
  const paper = await paperDialer(redis)
  t.teardown(() => paper.stop())
  const { attempts } = paper.store
  const real = attempts.reserve.bind(attempts)
  let lost = 0
  attempts.reserve = async (input) => {
    const answer = await real(input)
    if (lost === 1) return answer
    lost++
    throw Object.assign(new Error('the answer never came'), { code: 'unavailable' })
  }
  await campaignOf(paper, 'c', numbers(1))
  await paper.dialer.campaigns.act('c', 'start')
  await waitFor(() => lost === 1)
  await waitFor(async () => (await attempts.live()).length === 1)
  paper.dialer.wake()
  const call = await waitFor(() => paper.placed[0])
  t.match(call.record, { attempt: 1, kind: 'first' })
  await paper.end(call, 'completed')
  await waitFor(async () => (await paper.dialer.campaigns.get('c')).state === 'finished')
  t.match((await paper.dialer.campaigns.get('c')).counts, { done: 1 })
  t.equal((await paper.dialer.campaigns.get('c')).attempts, 1)
  t.equal((await attempts.ofNumber(numbers(1)[0]!, 5)).length, 1)
})

t.test('an instance that died leaves its calls to be found, and what it had in hand comes back', async (t) => {
  const redis = await startTestRedis()
  t.teardown(() => redis.close())
  const first = await paperDialer(redis, { instance: 'one', trunks: [trunk({ channels: 2 })] })
  await campaignOf(first, 'c', numbers(6))
  await first.dialer.campaigns.act('c', 'start')
  await waitFor(() => first.placed.length === 2)
  await first.stop()
  const second = await paperDialer(redis, { instance: 'two', trunks: [trunk({ channels: 2 })] })
  t.teardown(() => second.stop())
  await second.dialer.ledger.finish({ ...first.placed[0]!.record, ended_at: Date.now(), disposition: 'unknown' })
  t.equal((await second.store.attempts.live()).length, 2, "another's call is not ended")
  const claims = [ownerNamed('two'), ownerNamed('three')].map((owner) =>
    second.store.attempts.claim('one', owner, null),
  )
  const [left, none] = (await Promise.all(claims)) as [Attempt[], Attempt[]]
  t.same(none, [], 'one of two gets them')
  t.same(left.map(({ record }) => record.id).sort(), first.placed.map(({ record }) => record.id).sort())
  t.match(left[0], { state: 'reserved', row: 0, record: { disposition: null } })
  for (const { record } of left)
    await second.dialer.ledger.finish({ ...record, ended_at: Date.now(), disposition: 'unknown' })
  for (let i = 0; i < 4; i++) await second.end(await waitFor(() => second.placed[i], { timeout: 30_000 }), 'completed')
  await waitFor(async () => (await second.dialer.campaigns.get('c')).state === 'finished')
  const all = [...first.placed, ...second.placed].map(({ record }) => record.number)
  t.equal(new Set(all).size, 6, 'none twice')
  t.match((await second.dialer.campaigns.get('c')).dispositions, { unknown: 2, completed: 4 })
})

t.test('what a killed instance had in hand comes back when its lease ends', async (t) => {
  const redis = await startTestRedis()
  t.teardown(() => redis.close())
  let closed: string | null = 'not yet'
  const paper = await paperDialer(redis, { onPlace: (call, p) => p.end(call, 'completed'), closed: () => closed })
  t.teardown(() => paper.stop())
  await campaignOf(paper, 'c', numbers(5))
  await paper.dialer.campaigns.act('c', 'start')
  const taken = await paper.store.lineUp.next('c', Date.now(), 3, 500, ['0'], [])
  t.equal(taken.picked.length, 3)
  closed = null
  paper.dialer.wake()
  await waitFor(async () => (await paper.dialer.campaigns.get('c')).state === 'finished', { timeout: 8000 })
  t.equal(paper.placed.length, 5)
})

t.test('a ledger is known again by its id; an empty or other one is not', async (t) => {
  const redis = await startTestRedis()
  t.teardown(() => redis.close())
  const db = new Db(await redis.another('ledger'), () => Date.now())
  const first = await openLedger(db, null)
  t.equal(first.state, 'new')
  t.same(await openLedger(db, first.id), { state: 'known', id: first.id })
  t.same(await openLedger(db, null), { state: 'known', id: first.id }, 'a second service joins')
  t.match(await openLedger(db, 'another'), { state: 'foreign' })
  await db.call((client) => client.flushall())
  t.match(await openLedger(db, first.id), { state: 'foreign' })
  const accepted = await acceptLedger(db)
  t.not(accepted, first.id)
  t.same(await openLedger(db, accepted), { state: 'known', id: accepted })
  for (const version of [DATA_VERSION - 1, DATA_VERSION + 1]) {
    await db.call((client) => client.hset('apel:ledger', 'version', version))
    await t.rejects(openLedger(db, accepted), { code: 'data_version' })
  }
})

t.test('a server that is not there is told at once, without its password', async (t) => {
  const place = { kind: 'url', url: 'redis://user:secret@127.0.0.1:1/0' } as const
  await t.rejects(connect(place, 'ledger'), { code: 'unavailable', message: /redis:\/\/127\.0\.0\.1:1/ })
  t.notMatch(describe(place), /secret/)
})
