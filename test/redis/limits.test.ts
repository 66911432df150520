/** The limits in Redis and the same limits on a virtual clock: one state, one verdict. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { newId } from '../../src/dialer/ids.ts'
import { budgetUntil, capUntil, waitOf } from '../../src/dialer/limits.ts'
import { rateOf } from '../../src/dialer/rate.ts'
import { keys } from '../../src/store/keys.ts'
import { startTestRedis } from './server.ts'

t.setTimeout(120_000)

const redis = await startTestRedis()
t.teardown(() => redis.close())
const store = await redis.store()
const client = store.db.redis

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = Date.parse('2026-06-10T10:00:00Z')
const DAY_START = Date.parse('2026-06-09T21:00:00Z')
const limit = fc.option(fc.integer({ min: 1, max: 4 }), { nil: null })

interface Case {
  ago: number[]
  day: number | null
  week: number | null
  state: 'p' | 'w' | 'h'
  used: number
  max: number
  per_day: number | null
  today: number
  isToday: boolean
  due: number
  cps: number
  sent: number[]
}

const cases: fc.Arbitrary<Case> = fc.record({
  ago: fc.array(
    fc.oneof(fc.integer({ min: 1, max: 9 * DAY }), fc.constantFrom(7 * DAY, NOW - DAY_START, NOW - DAY_START + 1)),
    { maxLength: 8 },
  ),
  day: limit,
  week: limit,
  state: fc.constantFrom<Case['state']>('p', 'w', 'h'),
  used: fc.integer({ min: 0, max: 4 }),
  max: fc.integer({ min: 1, max: 4 }),
  per_day: limit,
  today: fc.integer({ min: 0, max: 3 }),
  isToday: fc.boolean(),
  due: fc.integer({ min: -DAY, max: DAY }),
  cps: fc.constantFrom(0.5, 1, 3, 10, 50),
  sent: fc.array(fc.integer({ min: 0, max: 2500 }), { maxLength: 60 }),
})

t.test('caps by number, the budget and the rates are judged alike', async (t) => {
  const number = '+40711000001'
  const seen: Record<string, number> = {}
  await fc.assert(
    fc.asyncProperty(cases, async (one) => {
      await client.flushall()
      await store.campaigns.put('c', { flow: 'f' }, NOW)
      const times = [...one.ago].sort((a, b) => a - b).map((ago) => NOW - ago)
      for (const at of [...times].reverse()) {
        const id = newId(at)
        await client.hset(keys.attempt(id), { _state: 'ended', _counts: '1', disposition: '"busy"' })
        await client.lpush(keys.number(number), id)
      }
      const past = { used: one.used, day: one.isToday ? '2026-06-10' : '2026-06-09', today: one.today }
      const due = NOW + one.due
      const line = [one.state, past.used, past.used, one.state === 'w' ? due : 0, past.day, past.today, '', '', '', '']
      await client.hset(keys.states('c', 0), '0', line.join(','))
      const log = [...one.sent].sort((a, b) => a - b).map((ago) => NOW - ago)
      if (log.length > 0) await client.rpush(keys.trunk('t', 'rate'), ...log.map(String))
      const caps = { day: one.day, week: one.week, day_start: DAY_START, day_end: DAY_START + DAY }
      const budget = { max: one.max, per_day: one.per_day, day: '2026-06-10', day_end: DAY_START + DAY }
      const rate = rateOf(one.cps)
      const verdicts = await store.attempts.explain({
        ...{
          id: 'x',
          now: NOW,
          deadline: NOW,
          clock: NOW,
          kind: 'first',
          campaign: 'c',
          row: 0,
          callback: null,
          number,
        },
        ...{ trunks: [{ name: 't', node: 'n', channels: 1, rate, caller_id: null }], concurrency: null, rate: null },
        ...{ basis: { revision: null, packed: null, due_at: null } },
        ...{
          caps,
          budget,
          fields: {},
          marks: { instance: 'i', number },
          assumed: null,
          failover: null,
          explain: true,
          holder: null,
        },
      })
      const told = (rule: string) => verdicts.find(([name]) => name === rule)
      const cap = capUntil(times, caps, NOW)
      deepEqual(told('cap')?.slice(1, 3), cap === null ? ['pass', 0] : ['hold', cap], 'cap')
      const own = budgetUntil({ ...past, due: one.state === 'w' ? due : 0 }, budget, NOW)
      deepEqual(
        told('budget')?.slice(1, 3),
        own === null ? ['pass', 0] : own === 'refuse' ? ['refuse', 0] : ['hold', own],
        'budget',
      )
      const wait = waitOf(log, rate, NOW)
      equal(told('trunk_busy')?.[1], wait > 0 ? 'busy' : 'pass', 'rate')
      // Lua tells a time with fourteen digits.
      if (wait > 0) ok(Math.abs((told('trunk_busy')?.[2] ?? 0) - NOW - wait) < 0.1, 'how long')
      for (const [rule, verdict] of verdicts) {
        const name = `${rule} ${verdict}`
        seen[name] = (seen[name] ?? 0) + 1
      }
    }),
    { numRuns: 300 },
  )
  for (const name of ['cap hold', 'cap pass', 'budget hold', 'budget refuse', 'trunk_busy busy', 'trunk_busy pass'])
    t.ok((seen[name] ?? 0) > 20, `${name}: ${seen[name]}`)
})
