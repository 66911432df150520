/** What somebody's hand changes right before a dial holds it, with two instances dialling on one ledger. */
import { Readable } from 'node:stream'
import { setTimeout as pass } from 'node:timers/promises'
import t from 'tap'
import { makeLog } from '../../src/log.ts'
import { makeHeart } from '../../src/service/heart.ts'
import { takeName } from '../../src/service/lease.ts'
import { watchForNaps } from '../../src/service/nap.ts'
import { ledgerId, openLedger } from '../../src/store/generation.ts'
import { keys } from '../../src/store/keys.ts'
import { packRow } from '../../src/store/rows.ts'
import {
  campaignOf,
  numbers,
  type PaperDialer,
  type PaperOptions,
  paperDialer,
  realClock,
  ShiftedClock,
  trunk,
} from '../support/dialer.ts'
import { waitFor } from '../support/wait.ts'
import { startTestRedis, type TestRedis } from './server.ts'

t.setTimeout(120_000)
type Tap = { teardown(run: () => Promise<void>): unknown }

const list = numbers(12)
const target = list[5]!
const today = new Date().toLocaleDateString('en-CA', { timeZone: 'Europe/Bucharest' })
const definition = {
  flow: 'survey',
  contacts: { number: 'phone', consent: 'ok', timezone: 'tz' },
  dial: { concurrency: 2 },
}

/** `change` is made by the other instance when the target's call is as good as dialled; then 50 ms go by. */
async function stage(t: Tap, change: (other: PaperDialer, redis: TestRedis) => Promise<unknown>) {
  const redis = await startTestRedis()
  let changed: number | null = null
  const options = (other: () => PaperDialer): PaperOptions => ({
    trunks: [trunk({ cps: 200 })],
    onPlace: (call, p) => p.end(call, 'completed'),
    prepare: async (_flow, { number }) => {
      if (number !== target || changed !== null) return
      changed = Number.POSITIVE_INFINITY
      await change(other(), redis)
      changed = Date.now()
      await pass(50)
    },
  })
  const one = await paperDialer(redis, { ...options(() => two), instance: 'one' })
  const two = await paperDialer(redis, { ...options(() => one), instance: 'two' })
  t.teardown(async () => {
    await one.stop()
    await two.stop()
    await redis.close()
  })
  await one.dialer.campaigns.put('c', definition)
  const rows = list.map((number) => `${number},yes,Europe/Bucharest`).join('\n')
  await one.dialer.import('c', {
    stream: Readable.from([`phone,ok,tz\n${rows}\n`]),
    format: 'csv',
    dry_run: false,
  })
  await one.dialer.campaigns.act('c', 'start')
  await waitFor(() => changed !== null && changed < Number.POSITIVE_INFINITY, { what: 'the change' })
  const placed = () => [...one.placed, ...two.placed].map(({ record }) => record.number)
  return { one, two, redis, placed }
}

const put = (more: Record<string, unknown>) => (other: PaperDialer) =>
  other.dialer.campaigns.put('c', { ...definition, ...more })

/** What is changed, and what becomes of the contact. */
const changes: [string, (other: PaperDialer, redis: TestRedis) => Promise<unknown>, Record<string, unknown>][] = [
  [
    'an entry on the do-not-call list',
    ({ store }) => store.dnc.add({ number: target, campaign: null, reason: null, at: 0 }),
    { state: 'done', last_disposition: 'dnc' },
  ],
  [
    "a prefix on the campaign's do-not-call list",
    ({ store }) => store.dnc.add({ number: `${target.slice(0, 11)}*`, campaign: 'c', reason: null, at: 0 }),
    { state: 'done', last_disposition: 'dnc' },
  ],
  ['a narrower window', put({ window: { mon: '00:00-00:01' } }), { state: 'held', held_by: 'window' }],
  ['a holiday', put({ holidays: [today] }), { state: 'held', held_by: 'holiday' }],
  [
    'consent that is taken back',
    ({ dialer }) => dialer.contacts.change('c', target, { data: { ok: 'no' } }),
    { state: 'done', last_disposition: 'blocked' },
  ],
  [
    'a column of consent that is asked for',
    put({ contacts: { ...definition.contacts, consent: 'agreed' } }),
    { state: 'done', last_disposition: 'blocked' },
  ],
  [
    // The bell did not reach anybody.
    'a change of the rules that nobody was told of',
    async (_, redis) => {
      const text = JSON.stringify({ ...definition, holidays: [today] })
      const client = await redis.another('ledger')
      await client
        .multi()
        .hset(keys.campaign('c'), 'definition', text)
        .hincrby(keys.campaign('c'), 'revision', 1)
        .exec()
    },
    { state: 'held', held_by: 'holiday' },
  ],
]
for (const [what, change, becomes] of changes)
  t.test(`${what}, 50 ms before the dial, holds it`, async (t) => {
    const { one, two, placed } = await stage(t, change)
    await waitFor(async () => {
      const { state, held_by, last_disposition } = await one.dialer.contacts.get('c', target)
      const found: Record<string, unknown> = { state, held_by, last_disposition }
      return Object.entries(becomes).every(([name, value]) => found[name] === value)
    })
    t.notOk(placed().includes(target))
    t.equal(new Set(placed()).size, placed().length, 'nobody was dialled twice')
    t.ok(one.placed.length > 0 || two.placed.length > 0)
  })

for (const [what, change] of [
  ['a pause', ({ dialer }: PaperDialer) => dialer.campaigns.act('c', 'pause')],
  ['a drain', ({ dialer }: PaperDialer) => dialer.campaigns.act('c', 'drain')],
  ['the stop of everything', ({ dialer }: PaperDialer) => dialer.setPaused(true)],
] as const)
  t.test(`${what}, 50 ms before the dial, holds it and every other`, async (t) => {
    const { one, placed } = await stage(t, change)
    const before = placed().length
    // Nothing is on its way to the line any more: all are back in line.
    await waitFor(async () => {
      const { dialing, pending } = (await one.dialer.campaigns.get('c')).counts
      return dialing === 0 && pending === list.length - before
    })
    await pass(1000)
    t.notOk(placed().includes(target))
    t.equal(placed().length, before, 'none a second later')
    if (what === 'a pause') await one.dialer.campaigns.act('c', 'resume')
    else if (what === 'a drain') await one.dialer.campaigns.act('c', 'start')
    else await one.dialer.setPaused(false)
    await waitFor(async () => (await one.dialer.campaigns.get('c')).state === 'finished', { what: 'the rest' })
    t.same(placed().sort(), [...list].sort(), 'each once in the end')
  })

t.test(
  'what is changed between the reservation and the dial holds it as well, and leaves no trace of it',
  async (t) => {
    const redis = await startTestRedis()
    let change: ((other: PaperDialer, number: string) => Promise<unknown>) | null = null
    const held: string[] = []
    const two = await paperDialer(redis, { instance: 'two', closed: () => 'it only gives orders' })
    const one: PaperDialer = await paperDialer(redis, {
      onPlace: async ({ record }, p) => {
        const { id, number } = record
        await change?.(two, number)
        change = null
        const dialed = p.dialer.ledger.update(id, { dialed_at: Date.now(), state: 'dialing' })
        if (
          await dialed.then(
            () => false,
            ({ code }) => code === 'invalid_state',
          )
        )
          held.push(id)
        else await p.end(p.placed.at(-1)!, 'completed')
      },
    })
    t.teardown(async () => {
      await one.stop()
      await two.stop()
      await redis.close()
    })
    await campaignOf(one, 'c', list.slice(0, 1), { attempts: { max: 1 } })
    const { campaigns } = two.dialer
    change = ({ dialer }) => dialer.campaigns.act('c', 'pause')
    await campaigns.act('c', 'start')
    await waitFor(() => held.length === 1)
    t.equal(await one.store.attempts.get(held[0]!), null)
    t.match(await campaigns.get('c'), { state: 'paused', untried: 1, attempts: 0, counts: { pending: 1, dialing: 0 } })
    t.same(await one.store.attempts.live(), [])
    change = async ({ store }, number) => store.dnc.add({ number, campaign: null, reason: null, at: 0 })
    await campaigns.act('c', 'resume')
    await waitFor(() => held.length === 2)
    one.dialer.wake()
    await waitFor(async () => (await campaigns.get('c')).state === 'finished')
    t.match(await two.dialer.contacts.get('c', list[0]!), { state: 'done', attempts: 0, last_disposition: 'dnc' })
  },
)

for (const [what, change, becomes] of [
  [
    'the stop of everything',
    ({ dialer }: PaperDialer) => dialer.setPaused(true),
    { disposition: 'cancelled', hangup_by: 'operator', attempt: 1 },
  ],
  [
    'an entry on the do-not-call list',
    ({ store }: PaperDialer) => store.dnc.add({ number: target, campaign: null, reason: null, at: 0 }),
    { disposition: 'dnc', attempt: 0 },
  ],
] as const)
  t.test(`${what} before the dial holds a call that somebody has asked for, and its record tells`, async (t) => {
    const redis = await startTestRedis()
    const one = await paperDialer(redis)
    t.teardown(async () => {
      await one.stop()
      await redis.close()
    })
    await one.store.outbox.register([{ id: 'hook', events: ['call.started', 'call.ended'] }], Date.now())
    const { record } = await one.dialer.reserveManual({ to: target, flow: 'survey', vars: {}, trunk: null })
    await change(one)
    const dialed = one.dialer.ledger.update(record.id, { dialed_at: Date.now(), state: 'dialing' })
    await t.rejects(dialed, { code: 'invalid_state' })
    const over = { ...becomes, id: record.id, dialed_at: null, ended_at: Number }
    t.match(await one.store.attempts.get(record.id), { state: 'ended', record: over })
    t.match(
      one.events.filter(({ type }) => type === 'call.ended'),
      [{ data: over }],
    )
    const taken = await one.store.outbox.take('hook', 'one', { now: Date.now(), room: 9, patience: 1000 })
    t.match(taken?.letters, [{ news: { event: 'call.ended', data: over } }])
    t.same(await one.store.attempts.live(), [], 'and its channel is free')
  })

t.test('a call that somebody has asked for and that cannot be put on its way is ended, and told', async (t) => {
  const redis = await startTestRedis()
  const one = await paperDialer(redis)
  t.teardown(async () => {
    await one.stop()
    await redis.close()
  })
  const { record } = await one.dialer.reserveManual({ to: target, flow: 'survey', vars: {}, trunk: null })
  await one.dialer.ledger.unplaced(record, new Error('its flow went away'))
  t.match(await one.store.attempts.get(record.id), { state: 'ended', record: { disposition: 'trunk_error' } })
  t.match(one.events, [{ type: 'call.ended', data: { id: record.id, disposition: 'trunk_error' } }])
})

t.test('no call begins a second after a pause is answered, with two instances at full speed', async (t) => {
  const redis = await startTestRedis()
  const trunks = [trunk({ cps: 400 })]
  const onPlace: PaperOptions['onPlace'] = (call, p) => p.end(call, 'completed')
  const one = await paperDialer(redis, { trunks, onPlace, instance: 'one' })
  const two = await paperDialer(redis, { trunks, onPlace, instance: 'two' })
  t.teardown(async () => {
    await one.stop()
    await two.stop()
    await redis.close()
  })
  await campaignOf(one, 'c', numbers(4000))
  await one.dialer.campaigns.act('c', 'start')
  let latest = 0
  for (let round = 0; round < 3; round++) {
    const before = one.times.length + two.times.length
    await waitFor(() => one.times.length + two.times.length >= before + 100, { what: 'calls' })
    await two.dialer.campaigns.act('c', 'pause')
    const paused = performance.now()
    await pass(1200)
    latest = Math.max(latest, ...[...one.times, ...two.times].map((at) => at - paused))
    await one.dialer.campaigns.act('c', 'resume')
  }
  t.ok(latest < 1000, `the last one began ${latest.toFixed(1)} ms after the answer`)
  t.ok(one.times.length > 20 && two.times.length > 20, 'both dialled')
  t.comment(`the last call began ${latest.toFixed(1)} ms after the pause was answered`)
})

t.test('a list that cannot be read, and a zone that nobody knows, mean no call', async (t) => {
  const redis = await startTestRedis()
  const paper = await paperDialer(redis, { onPlace: (call, p) => p.end(call, 'completed') })
  t.teardown(async () => {
    await paper.stop()
    await redis.close()
  })
  const client = await redis.another('ledger')
  await client.set(keys.dnc(null), 'not a list')
  await t.rejects(paper.dialer.reserveManual({ to: target, flow: 'f', vars: {}, trunk: null }))
  await campaignOf(paper, 'c', list.slice(0, 2))
  await paper.dialer.campaigns.act('c', 'start')
  await waitFor(async () => (await paper.dialer.queueDepth()) === 0)
  await pass(300)
  t.equal(paper.placed.length, 0)
  t.same(await paper.store.attempts.live(), [])
  await client.del(keys.dnc(null))
  await paper.dialer.campaigns.put('z', { flow: 'f', contacts: { number: 'n', timezone: 'tz' } })
  const schema = await paper.store.contacts.schema('z', ['n', 'tz'])
  const number = numbers(1, 900)[0]!
  const packed = packRow(schema, ['n', 'tz'], { key: number, number, data: { n: number, tz: 'Mars/Olympus' } })
  await paper.store.contacts.import('z', [{ packed, lane: '0' }], { import: 'x', part: 0, dry: false })
  await paper.dialer.campaigns.act('z', 'start')
  await waitFor(async () => (await paper.dialer.contacts.get('z', number)).last_disposition === 'blocked')
  t.notOk(paper.placed.some(({ record }) => record.number === number))
})

t.test(
  'a ledger that comes back empty under a service that runs closes the gate, until the right one is back',
  async (t) => {
    const redis = await startTestRedis()
    const store = await redis.store()
    const { id } = await openLedger(store.db, null)
    const lease = await takeName(store.db, 'one', realClock, () => undefined)
    const nap = watchForNaps(realClock)
    const foreign = async () => ((await ledgerId(store.db)) === id ? null : 'this is another ledger')
    const heart = makeHeart({ store, lease, foreign, nap, clock: realClock, log: makeLog('silent') })
    t.teardown(async () => {
      await heart.stop()
      nap.stop()
      await redis.close()
    })
    let recovered = 0
    heart.onRecovery(() => {
      recovered += 1
    })
    await heart.start()
    t.equal(heart.closed(), null)
    const paper = await paperDialer(redis, { holder: lease.holder, closed: () => heart.closed() })
    t.teardown(() => paper.stop())
    const dial = (to: string) => paper.dialer.reserveManual({ to, flow: 'survey', vars: {}, trunk: null })
    t.ok(await dial(list[0]!))
    await store.db.redis.flushall()
    await t.rejects(dial(list[1]!), { code: 'gate_closed' }, 'before anybody has looked')
    await waitFor(() => heart.closed() === 'this is another ledger', { what: 'the next beat' })
    t.equal(heart.redis(), null, 'which can be read and written all the same')
    await store.db.redis.hset('apel:ledger', 'generation', id)
    await waitFor(() => heart.closed() === null)
    t.equal(recovered, 2)
  },
)

t.test('a clock that jumps an hour away from that of Redis closes the gate until they agree again', async (t) => {
  const redis = await startTestRedis()
  const clock = new ShiftedClock()
  const store = await redis.store(clock.now)
  const lease = await takeName(store.db, 'one', clock, () => undefined)
  const nap = watchForNaps(clock)
  const heart = makeHeart({ store, lease, foreign: async () => null, nap, clock, log: makeLog('silent') })
  t.teardown(async () => {
    await heart.stop()
    nap.stop()
    await redis.close()
  })
  await heart.start()
  t.equal(heart.closed(), null)
  for (const jump of [3_600_000, -3_600_000]) {
    clock.ms = jump
    await waitFor(() => /a minute apart/.test(heart.closed() ?? ''), { what: 'the next beat' })
    clock.ms = 0
    await waitFor(() => heart.closed() === null)
  }
})
