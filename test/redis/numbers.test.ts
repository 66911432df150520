/** Everything that is kept of a number: told, erased, and forgotten when it is old. */
import { Readable } from 'node:stream'
import t from 'tap'
import { makeLog } from '../../src/log.ts'
import { keepRetention } from '../../src/service/retention.ts'
import {
  campaignOf,
  numbers,
  type PaperDialer,
  type PaperOptions,
  paperDialer,
  ShiftedClock,
} from '../support/dialer.ts'
import { waitFor } from '../support/wait.ts'
import { startTestRedis } from './server.ts'

t.setTimeout(120_000)
type Tap = { teardown(run: () => Promise<void>): unknown }
const DAY = 86_400_000

async function stage(t: Tap, options: PaperOptions = {}) {
  const redis = await startTestRedis()
  const clock = new ShiftedClock()
  const paper = await paperDialer(redis, { clock, ...options })
  t.teardown(async () => {
    await paper.stop()
    await redis.close()
  })
  return { redis, clock, paper, client: await redis.another('ledger') }
}

/** Every key and value in Redis, as text. */
async function dump(client: Awaited<ReturnType<typeof stage>>['client']): Promise<string> {
  const found: unknown[] = []
  for (const key of await client.keys('*')) {
    const type = await client.type(key)
    const read: Record<string, () => Promise<unknown>> = {
      string: () => client.get(key),
      hash: () => client.hgetall(key),
      list: () => client.lrange(key, 0, -1),
      set: () => client.smembers(key),
      zset: () => client.zrange(key, '0', '-1'),
      stream: () => client.xrange(key, '-', '+'),
    }
    found.push([key, await read[type]?.()])
  }
  return JSON.stringify(found)
}

const [ana, dan] = numbers(2) as [string, string]

/** Both have been talked to, Ana is to be called back and stands in two campaigns, under a key of her own in one. */
async function lived(paper: PaperDialer): Promise<void> {
  await paper.store.outbox.register([{ id: 'crm', events: ['call.ended', 'callback.scheduled'] }], 0)
  await campaignOf(paper, 'a', [ana, dan])
  await paper.dialer.campaigns.put('b', { flow: 'survey', contacts: { number: 'phone', key: 'id' } })
  await paper.dialer.import('b', {
    stream: Readable.from([`id,phone,name\n17,${ana},Ana Pop\n18,${dan},Dan Pop\n`]),
    ...{ format: 'csv' as const, charset: null, dry_run: false },
  })
  await paper.dialer.campaigns.act('a', 'start')
  await waitFor(() => paper.placed.length === 2)
  for (const call of paper.placed) {
    const { id, number } = call.record
    const steps = [{ at: 1, step: 'ask', event: 'start' }]
    await paper.store.journals.add(id, 'apel-one-1', { type: 'begin', contact: { number } }, 30 * DAY, steps)
    await paper.dialer.callbacks.schedule(call.record, {
      ...{
        to: null,
        due_at: Date.now() + DAY,
        expires: null,
        note: `ask for ${number}`,
        agent: null,
        flow: null,
        at: null,
      },
    })
    await paper.end(call, 'callback', { vars: { said: number }, recordings: [`${id}.record1`], outcome: 'later' })
    const desk = paper.dialer.callbacks
    await desk.cancel((await paper.store.callbacks.ofNumber(number))!.id)
    await desk.create({
      ...{ number, campaign: 'a', contact: null, due_at: Date.now() + DAY, expires: null, flow: null, at: null },
      note: 'moved',
    })
    await paper.store.dnc.add({ number, campaign: 'b', reason: 'asked us', at: 5 })
  }
}

t.test('what is kept of a number is told, all of it, and nothing of another', async (t) => {
  const { paper } = await stage(t)
  await lived(paper)
  await paper.store.dnc.add({ number: '+4071*', campaign: null, reason: null, at: 6 })
  const found = await paper.dialer.numbers.export('0710 000 000')
  const id = paper.placed[0]!.record.id
  t.match(found, {
    number: ana,
    attempts: [
      {
        ...{ id, number: ana, campaign: 'a', disposition: 'callback', vars: { said: ana }, state: 'ended' },
        recordings: [`${id}.record1`],
        steps: [{ step: 'ask' }],
        journal: [{ type: 'begin' }],
      },
    ],
    contacts: [
      { campaign: 'a', key: ana },
      { campaign: 'b', key: '17', data: { name: 'Ana Pop' } },
    ],
    callbacks: [
      { state: 'open', note: 'moved' },
      { state: 'cancelled', note: `ask for ${ana}` },
    ],
    dnc: [
      { number: '+4071*', campaign: null },
      { number: ana, campaign: 'b', reason: 'asked us' },
    ],
  })
  t.notMatch(JSON.stringify(found), dan)
  t.same(await paper.dialer.numbers.export(numbers(1, 900)[0]!), {
    ...{ number: numbers(1, 900)[0], attempts: [], contacts: [], callbacks: [] },
    dnc: [{ number: '+4071*', campaign: null, reason: null, at: 6 }],
  })
  await t.rejects(paper.dialer.numbers.export('nobody'), { code: 'bad_request' })
})

t.test('a number that is erased is nowhere any more, but on the do-not-call list', async (t) => {
  const { paper, client } = await stage(t)
  await lived(paper)
  const digits = ana.slice(1)
  const leg = `${paper.placed[0]!.record.id}.1`
  const shown = { id: `"${leg}"`, kind: '"leg"', number: '"100"', caller_id: `"${ana}"` }
  await client.hset(`apel:a:${leg}`, { _state: 'ended', _number: '100', ...shown })
  t.match(await dump(client), digits)
  await paper.dialer.numbers.erase(ana)
  t.same(paper.deleted, [`pbx ${paper.placed[0]!.record.id}.record1`])
  t.match(await paper.store.dnc.get(ana, 'b'), { reason: 'asked us' }, 'the law lets this one stay')
  await paper.store.dnc.remove(ana, 'b')
  const left = await dump(client)
  t.notMatch(left, digits)
  t.notMatch(left, 'Ana Pop')
  t.match(left, dan.slice(1), 'the other one stays')
  t.match((await paper.dialer.campaigns.get('a')).counts, { contacts: 1, callback: 1 })
  t.match((await paper.dialer.campaigns.get('a')).dispositions, { callback: 2 }, 'counters name nobody')
  const results = []
  for await (const record of paper.store.attempts.results('a', null)) results.push(record.number)
  t.same(results, [dan])
  await paper.dialer.numbers.erase(ana)
})

t.test('a number on the telephone is not erased, nor while its recording cannot be', async (t) => {
  const { paper } = await stage(t)
  await campaignOf(paper, 'a', [ana])
  await paper.dialer.campaigns.act('a', 'start')
  const call = await waitFor(() => paper.placed[0])
  await t.rejects(paper.dialer.numbers.erase(ana), { code: 'invalid_state' })
  await paper.end(call, 'completed', { recordings: ['x'] })
  const push = paper.deleted.push.bind(paper.deleted)
  paper.deleted.push = () => {
    throw new Error('the node is away')
  }
  await t.rejects(paper.dialer.numbers.erase(ana), /away/)
  t.equal((await paper.dialer.numbers.export(ana)).attempts.length, 1, 'the record still names its recording')
  paper.deleted.push = push
  await paper.dialer.numbers.erase(ana)
  t.same(await paper.dialer.numbers.export(ana), { number: ana, attempts: [], contacts: [], callbacks: [], dnc: [] })
})

t.test('records go when they are old enough, their variables before, in steps; what is open stays', async (t) => {
  const { paper, clock, client } = await stage(t, {
    onPlace: (call, p) => p.end(call, 'completed', { vars: { said: 'yes' }, outcome: 'yes' }),
  })
  await campaignOf(paper, 'a', numbers(250))
  await paper.dialer.campaigns.act('a', 'start')
  await waitFor(async () => (await paper.dialer.campaigns.get('a')).state === 'finished', { timeout: 30_000 })
  const create = (number: string, days: number) =>
    paper.dialer.callbacks.create({
      ...{ number, campaign: 'a', contact: null, due_at: clock.now() + days * DAY, flow: null, at: null, note: null },
      expires: 900 * DAY,
    })
  const [over, open] = [await create(ana, 1), await create(dan, 500)]
  await paper.dialer.callbacks.cancel(over.id)
  await paper.dialer.campaigns.act('a', 'pause')
  const task = paper.placed[7]!.record.id
  await client.hset(`apel:a:${task}`, '_task:price', '{"status":"done","result":5}')
  const sweeper = keepRetention(paper.store.retention, { records: 365 * DAY, vars: 90 * DAY }, clock, makeLog('silent'))
  t.teardown(async () => sweeper.stop())
  const all = async () => (await paper.store.attempts.ended('a', null, 1000)).attempts.map(({ record }) => record)

  clock.ms += 89 * DAY
  await sweeper.sweep()
  t.ok((await all()).every(({ vars }) => vars.said === 'yes'))
  clock.ms += 2 * DAY
  t.match(await sweeper.sweep(), { records: 0, vars: 250, callbacks: 0 })
  t.equal((await all()).length, 250)
  t.ok((await all()).every(({ vars, outcome }) => Object.keys(vars).length === 0 && outcome === 'yes'))
  t.equal(await client.hexists(`apel:a:${task}`, '_task:price'), 0)
  t.match(await sweeper.sweep(), { vars: 0 }, 'nothing is looked at twice')

  clock.ms += 275 * DAY
  t.match(await sweeper.sweep(), { records: 250, vars: 0, callbacks: 1 })
  t.same(await all(), [])
  t.same(await client.keys('apel:a:*'), [])
  t.same(await client.keys('apel:n:*'), [])
  await t.rejects(paper.dialer.callbacks.get(over.id), { code: 'not_found' })
  t.equal((await paper.dialer.callbacks.get(open.id)).state, 'open')
  t.match(await paper.dialer.campaigns.get('a'), { attempts: 250, dispositions: { completed: 250 } })
  t.match(await paper.dialer.contacts.get('a', ana), { state: 'done', attempts: 1 })
})

t.test('what caps and pauses count in is not forgotten, whatever the configuration says', async (t) => {
  const { paper, clock } = await stage(t, { onPlace: (call, p) => p.end(call, 'completed') })
  await campaignOf(paper, 'a', [ana])
  await paper.dialer.campaigns.act('a', 'start')
  await waitFor(async () => (await paper.dialer.campaigns.get('a')).state === 'finished')
  const sweeper = keepRetention(paper.store.retention, { records: 1000, vars: 1000 }, clock, makeLog('silent'))
  t.teardown(async () => sweeper.stop())
  clock.ms += 7 * DAY
  t.match(await sweeper.sweep(), { records: 0, vars: 1 })
  clock.ms += 2 * DAY
  t.match(await sweeper.sweep(), { records: 1 })
})
