/**
 * The explanation against the deed: on random states of a real ledger, what `explain` says is what `reserve` then does,
 * now and at the time that it names.
 */
import { Readable } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import { Definitions } from '../../src/dialer/definitions.ts'
import { Explainer } from '../../src/dialer/explain.ts'
import { Gate } from '../../src/dialer/gate.ts'
import { newId } from '../../src/dialer/ids.ts'
import { Importer } from '../../src/dialer/import.ts'
import type { DialPolicy } from '../../src/dialer/plan.ts'
import { Planner } from '../../src/dialer/planner.ts'
import { makeLog } from '../../src/log.ts'
import { keys, ROWS_A_BUCKET } from '../../src/store/keys.ts'
import { openPolicy, ownerNamed, ShiftedClock, trunk } from '../support/dialer.ts'
import { startTestRedis } from './server.ts'

t.setTimeout(300_000)

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const redis = await startTestRedis()
t.teardown(() => redis.close())

interface Case {
  at: number
  zone: string
  hours: unknown
  holiday: boolean
  perDay: number | null
  caps: { per_day: number | null; per_week: number | null }
  /** Minutes ago, and how each ended. */
  history: { ago: number; disposition: string; counts: boolean }[]
  dnc: 'no' | 'number' | 'prefix' | 'campaign'
  consent: string
  /** Where the number is: at home, in a country that is not allowed, or in one with several zones. */
  place: 'home' | 'refused' | 'zones'
  state: 'p' | 'w' | 'h' | 'd' | 'x' | 'c'
  /** Minutes from now. */
  due: number
  expires: number
  used: number
  today: number
  campaign: 'running' | 'paused' | 'ready'
  full: boolean
  /** The campaign has as many calls as it may. */
  crowded: boolean
  /** Minutes from now until which the trunk is paused. */
  trunk: number
  paused: boolean
  closed: boolean
}

const usually = <T>(value: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 14, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: other })

const cases: fc.Arbitrary<Case> = fc.record({
  at: fc.integer({ min: 0, max: 364 * 24 * 60 }).map((minute) => Date.parse('2026-01-01T00:00:00Z') + minute * MINUTE),
  zone: fc.constantFrom('Europe/Bucharest', 'America/New_York', 'Asia/Tokyo', ''),
  hours: fc.constantFrom<unknown>(
    '00:00-24:00',
    '00:00-24:00',
    { 'mon-fri': ['09:00-13:00', '14:00-18:00'] },
    { wed: '02:30-03:30' },
  ),
  holiday: usually(false, fc.constant(true)),
  perDay: fc.constantFrom(null, 1, 2),
  caps: fc.record({ per_day: fc.constantFrom(null, 1, 3), per_week: fc.constantFrom(null, 2, 4) }),
  history: fc.array(
    fc.record({
      ago: fc.integer({ min: 1, max: 12 * 24 * 60 }),
      disposition: usually('busy', fc.constantFrom('abandoned', 'opted_out')),
      counts: fc.boolean(),
    }),
    { maxLength: 4 },
  ),
  dnc: usually<Case['dnc']>('no', fc.constantFrom('number', 'prefix', 'campaign')),
  consent: usually('da', fc.constant('no')),
  place: fc.oneof(
    { weight: 10, arbitrary: fc.constant<Case['place']>('home') },
    { weight: 3, arbitrary: fc.constant<Case['place']>('zones') },
    { weight: 1, arbitrary: fc.constant<Case['place']>('refused') },
  ),
  crowded: usually(false, fc.constant(true)),
  state: fc.constantFrom<Case['state']>('p', 'p', 'p', 'w', 'w', 'h', 'c', 'c', 'd', 'x'),
  due: fc.integer({ min: -2000, max: 3000 }),
  expires: fc.integer({ min: 1, max: 5000 }),
  used: usually(1, fc.integer({ min: 0, max: 5 })),
  today: fc.integer({ min: 0, max: 2 }),
  campaign: usually<Case['campaign']>('running', fc.constantFrom('paused', 'ready')),
  full: usually(false, fc.constant(true)),
  trunk: usually(0, fc.integer({ min: 1, max: 10 })),
  paused: usually(false, fc.constant(true)),
  closed: usually(false, fc.constant(true)),
})

const clock = new ShiftedClock()
const store = await redis.store(() => clock.now())
const to = async (at: number): Promise<void> => {
  clock.ms = at - Date.now()
  await store.writable()
}
let made = 0

/** The state of the case in the ledger, and those who judge it. */
async function stage(one: Case) {
  await to(one.at)
  await store.db.redis.flushall()
  const name = `c${made++}`
  // Spain has three zones, two of them an hour ahead of the third.
  const prefix = { home: '+407100', refused: '+4915112', zones: '+346123' }[one.place]
  const number = `${prefix}${String(10_000 + made).padStart(5, '0')}`
  const policy: DialPolicy = { ...openPolicy, allow: ['+40', '+34'], per_number: one.caps }
  const settings = { policy, trunks: [trunk({ channels: 2 })], extensions: [] }
  await store.campaigns.put(
    name,
    {
      flow: 'f',
      contacts: { number: 'n', timezone: 'tz', consent: 'ok' },
      window: one.hours,
      dial: { concurrency: 2 },
      attempts: { max: 5, ...(one.perDay === null ? {} : { per_day: one.perDay }) },
      ...(one.holiday ? { holidays: [new Date(one.at).toISOString().slice(0, 10)] } : {}),
    },
    one.at,
  )
  const log = makeLog('silent')
  const definitions = new Definitions(store, log)
  const campaign = await definitions.get(name)
  if (campaign === null) throw new Error('no campaign')
  const planner = new Planner(store, settings)
  const gate = new Gate({
    ...{ store, policy, owner: ownerNamed('one'), now: clock.now },
    closed: () => (one.closed ? 'no link' : null),
  })
  const explainer = new Explainer({ store, definitions, planner, gate, policy })
  await new Importer(store, { ...policy, allow: ['+'] }).import(campaign, {
    stream: Readable.from([`n,tz,ok\n${number},${one.zone},${one.consent}\n`]),
    ...{ format: 'csv', dry_run: false },
  })
  const client = store.db.redis
  for (const { ago, disposition, counts } of [...one.history].sort((a, b) => b.ago - a.ago)) {
    const id = newId(one.at - ago * MINUTE)
    const fields = { id, number, disposition, ended_at: one.at - ago * MINUTE + 5000 }
    for (const [field, value] of Object.entries(fields))
      await client.hset(keys.attempt(id), field, JSON.stringify(value))
    await client.hset(keys.attempt(id), { _state: 'ended', ...(counts ? { _counts: '1' } : {}) })
    await client.lpush(keys.number(number), id)
  }
  const due = one.at + one.due * MINUTE
  let rule = one.state === 'w' ? 'busy' : ''
  if (one.state === 'c') {
    const id = newId(one.at)
    const agreed = { id, number, campaign: name, contact: number, row: 0, flow: 'f', at: null, agent: null, call: null }
    const expires_at = due + one.expires * MINUTE
    await store.callbacks.schedule({ ...agreed, due_at: due, expires_at, note: null, created_at: one.at }, one.at)
    rule = id
  }
  const day = new Date(one.at).toISOString().slice(0, 10)
  const line = [one.state, one.used, one.used, one.state === 'w' ? due : 0, day, one.today, rule, '', '', '']
  await client.hset(keys.states(name, 0), String(0 % ROWS_A_BUCKET), line.join(','))
  await client.hset(keys.campaign(name), 'state', one.campaign)
  if (one.dnc !== 'no')
    await store.dnc.add({
      number: one.dnc === 'prefix' ? `${number.slice(0, 6)}*` : number,
      campaign: one.dnc === 'campaign' ? name : null,
      ...{ reason: null, at: 0 },
    })
  if (one.crowded) await client.sadd(keys.campaignLive(name), 'three', 'four')
  if (one.full) await client.sadd(keys.trunk('carrier', 'live'), 'one', 'two')
  if (one.trunk > 0) await client.hset(keys.trunk('carrier', 'state'), 'until', String(one.at + one.trunk * MINUTE))
  if (one.paused) await client.set(keys.paused, '1')
  /** As a worker that has it in hand. */
  const reserve = async (): Promise<boolean> => {
    const contact = await store.contacts.find(name, { number })
    const callback = one.state === 'c' ? await store.callbacks.get(rule) : null
    const plan = planner.claimed(campaign, callback ? `c${rule}` : 'r0', {
      row: 0,
      contact,
      packed: null,
      callback,
      previous: null,
      failover: null,
    })
    if (plan === null) throw new Error('no plan')
    return (await gate.reserve(plan)).verdict === 'reserved'
  }
  return { number, explainer, reserve }
}

t.test(
  'explain says now exactly when the reserve succeeds, and its next time is the first minute at which it does',
  async (t) => {
    const seen = { now: 0, later: 0, never: 0 }
    const rules = new Set<string>()
    await fc.assert(
      fc.asyncProperty(
        cases,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 12, maxLength: 12 }),
        async (one, picks) => {
          const { number, explainer, reserve } = await stage(one)
          const { now, next_at, held_by } = await explainer.explain(number)
          if (held_by !== null) rules.add(held_by)
          if (now) {
            seen.now++
            if (held_by !== null || next_at === null) throw new Error('now, and yet held')
            if (!(await reserve())) throw new Error('explain said now, the reserve failed')
            return
          }
          if (held_by === null) throw new Error('not now, and no rule says why')
          const last = next_at ?? one.at + 9 * DAY
          seen[next_at === null ? 'never' : 'later']++
          // Some minutes of the way there, and each of the last ones.
          const minutes = Math.floor((last - 1 - one.at) / MINUTE)
          const tried = new Set([0, ...picks.map((pick) => Math.floor(pick * minutes))])
          for (let back = 0; back < 5; back++) tried.add(Math.max(0, minutes - back))
          for (const minute of [...tried].sort((a, b) => a - b)) {
            // Time goes on while the reserve is tried.
            if (last - (one.at + minute * MINUTE) < 500) continue
            await to(one.at + minute * MINUTE)
            if (await reserve()) throw new Error(`reserved after ${minute} minutes, explained ${next_at}`)
          }
          if (next_at === null) return
          await to(next_at)
          if (!(await reserve())) throw new Error(`explained ${new Date(next_at).toISOString()}, not reserved then`)
        },
      ),
      { numRuns: 250 },
    )
    t.comment(JSON.stringify({ ...seen, rules: [...rules] }))
    t.ok(seen.now > 5 && seen.later > 30 && seen.never > 30)
  },
)

t.test('a number that nobody plans to call is judged as a call by hand', async (t) => {
  const base = fc.sample(cases, 1)[0] as Case
  const { explainer } = await stage({ ...base, paused: false, closed: false, full: false, trunk: 0 })
  t.match(await explainer.explain('0721000001'), { number: '+40721000001', contacts: [], attempts: [], now: true })
  t.match(await explainer.explain('112'), { number: '112', now: false, next_at: null, held_by: 'number' })
})
