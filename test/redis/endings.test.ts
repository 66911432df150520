import { Readable } from 'node:stream'
import t from 'tap'
import type { CallRecord, Disposition } from '../../src/call/record.ts'
import type { Placement } from '../../src/dialer/plan.ts'
import { keys } from '../../src/store/keys.ts'
import { campaignOf, numbers, type PaperDialer, paperDialer } from '../support/dialer.ts'
import { waitFor } from '../support/wait.ts'
import { startTestRedis } from './server.ts'

t.setTimeout(60_000)
const HOUR = 3_600_000
const retry = { no_answer: { delay: '10m', max: 3 }, busy: { delay: '1h', max: 1 } }

async function bench(t: { teardown(run: () => Promise<void>): unknown }) {
  const redis = await startTestRedis()
  const paper = await paperDialer(redis)
  t.teardown(async () => {
    await paper.stop()
    await redis.close()
  })
  // How often the ledger was asked what an end depends on.
  let read = 0
  const { lineUp } = paper.store
  const ending = lineUp.ending.bind(lineUp)
  lineUp.ending = (id) => {
    read += 1
    return ending(id)
  }
  return { paper, reads: () => read }
}

async function placed(paper: PaperDialer, count: number): Promise<Placement[]> {
  await paper.dialer.campaigns.act('c', 'start')
  await waitFor(() => paper.placed.length === count)
  return [...paper.placed]
}

/** As a process ends it that has not begun it: it holds a record of its own. */
const elsewhere = (call: Placement): Placement => ({ ...call, record: { ...call.record } })

const contactOf = async (paper: PaperDialer, { record }: Placement) => {
  const found = await paper.store.contacts.find('c', { number: record.number })
  const { due, last, ...progress } = found!.progress
  return { due, progress }
}

t.test('a call ends by what was known at its reservation as it does by what the ledger says', async (t) => {
  const { paper, reads } = await bench(t)
  const ways: [Disposition, Partial<CallRecord>][] = [
    ['completed', { outcome: 'yes' }],
    ['no_answer', {}],
    ['busy', { sip_code: 486 }],
    ['hangup', {}],
    ['abandoned', {}],
    ['opted_out', {}],
    ['cancelled', {}],
    ['unknown', {}],
  ]
  await campaignOf(paper, 'c', numbers(2 * ways.length), { retry })
  const calls = await placed(paper, 2 * ways.length)
  for (const [n, [disposition, more]] of ways.entries()) {
    const [one, other] = [calls[2 * n]!, calls[2 * n + 1]!]
    await paper.end(one, disposition, more)
    t.equal(reads(), n, `${disposition}: nothing is read`)
    await paper.end(elsewhere(other), disposition, more)
    t.equal(reads(), n + 1)
    const [a, b] = [await contactOf(paper, one), await contactOf(paper, other)]
    t.same(a.progress, b.progress, disposition)
    t.ok(Math.abs(a.due - b.due) < 5000)
  }
})

t.test('what has changed since the reservation is read again', async (t) => {
  const { paper, reads } = await bench(t)
  await paper.dialer.campaigns.put('c', {
    ...{ flow: 'survey', retry, attempts: { max: 9 } },
    contacts: { number: 'phone', key: 'id', timezone: 'zone' },
  })
  const [ana, dan] = numbers(2)
  await paper.dialer.import('c', {
    stream: Readable.from([`id,phone,zone\n1,${ana},Europe/Bucharest\n2,${dan},Europe/Bucharest\n`]),
    ...{ format: 'csv' as const, charset: null, dry_run: false },
  })
  const [first, second] = await placed(paper, 2)
  await paper.dialer.contacts.change('c', '1', { data: { zone: 'Asia/Tokyo' } })
  await paper.end(first!, 'no_answer')
  t.equal(reads(), 1, 'the contact was changed')
  t.match((await contactOf(paper, first!)).progress, { state: 'waiting', tries: { no_answer: 1 } })

  // Three retries have been used up, as far as the ledger knows.
  const { redis } = paper.store.db
  const states = keys.states('c', 1)
  const line = (await redis.hget(states, '1'))!.split(',')
  line[7] = 'no_answer:3'
  await redis.hset(states, '1', line.join(','))
  await paper.end(second!, 'no_answer')
  t.equal(reads(), 2, 'its state was')
  t.match((await contactOf(paper, second!)).progress, { state: 'done', tries: { no_answer: 3 } })
})

t.test('an agreement is moved on by what was known of it, unless that has changed', async (t) => {
  for (const changed of [false, true]) {
    const { paper, reads } = await bench(t)
    await campaignOf(paper, 'c', numbers(1), { retry, callbacks: { on_missed: 'close' } })
    const [call] = await placed(paper, 1)
    const request = { to: null, expires: 24 * HOUR, note: null, agent: null, flow: null, at: null }
    await paper.dialer.callbacks.schedule(call!.record, { ...request, due_at: Date.now() })
    await paper.end(call!, 'callback')
    const again = await waitFor(() => paper.placed[1])
    const { id } = (await paper.store.callbacks.ofNumber(call!.record.number))!
    if (changed) await paper.store.db.redis.hset(keys.callback(id), 'retries', 'busy:1')
    await paper.end(again, 'busy')
    t.equal(reads(), changed ? 1 : 0)
    const [callback] = await paper.store.callbacks.many([id])
    t.match(callback, changed ? { state: 'missed' } : { state: 'open', retries: 'busy:1' })
  }
})
