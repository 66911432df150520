/**
 * A forecast beside what then happens: the real dialer over a real Redis, with a clock that the test moves on and a line that
 * follows a script, against the same campaign on the virtual clock of the forecast with the same script.
 */
import { Readable } from 'node:stream'
import t from 'tap'
import type { Disposition } from '../../src/call/record.ts'
import type { Outcome } from '../../src/dialer/forecast/line.ts'
import type { ForecastRequest } from '../../src/dialer/forecast.ts'
import { newId } from '../../src/dialer/ids.ts'
import type { Placement } from '../../src/dialer/plan.ts'
import { keys } from '../../src/store/keys.ts'
import { numbers, type PaperDialer, paperDialer, ShiftedClock, trunk, windows } from '../support/dialer.ts'
import { waitFor } from '../support/wait.ts'
import { startTestRedis } from './server.ts'

t.setTimeout(240_000)

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const asked: ForecastRequest = { answer: null, busy: null, no_answer: null, talk: null, from: null, seed: 1 }

/** What happens with this contact at this attempt: everything that a forecast must know, and nothing by chance. */
function script(row: number, attempt: number): Outcome {
  const kinds: [Disposition, number | null][] = [
    ['completed', 8 * MINUTE],
    ['no_answer', null],
    ['busy', null],
    ['silent', MINUTE],
    ['no_answer', null],
    ['completed', 15 * MINUTE],
    ['rejected', null],
  ]
  const [disposition, talk] = kinds[(row * 3 + attempt * 5) % kinds.length]!
  return { disposition, talk, ring: disposition === 'no_answer' ? 25_000 : 4_000 }
}

/** A Monday, 9:00 in Bucharest. */
const MONDAY = Date.parse('2027-01-11T07:00:00Z')
const definition = {
  timezone: 'Europe/Bucharest',
  contacts: { number: 'phone', timezone: 'tz', consent: 'ok', priority: 'prio' },
  window: { 'mon-fri': ['09:00-11:00', '14:00-16:30'] },
  holidays: ['2027-01-13'],
  dial: { concurrency: 3 },
  attempts: { max: 4, per_day: 2 },
  retry: {
    busy: { delay: '10m', max: 2 },
    no_answer: { delay: '1h', max: 2, backoff: 'multiply' },
    silent: { delay: '30m', max: 1 },
  },
}
const PEOPLE = 60
const zoneOf = (row: number): string => (row >= PEOPLE - 6 ? 'Europe/London' : '')

/** The campaign, the same for both. */
async function fill(paper: PaperDialer, at: number): Promise<void> {
  await paper.dialer.campaigns.put('c', { flow: 'survey', ...definition })
  const lines = numbers(PEOPLE).map(
    (number, row) => `${number},${zoneOf(row)},${row % 17 === 6 ? 'no' : 'da'},${row % 8 === 2 ? 5 : ''}`,
  )
  await paper.dialer.import('c', {
    stream: Readable.from([`phone,tz,ok,prio\n${lines.join('\n')}\n`]),
    ...{ format: 'csv', dry_run: false },
  })
  await paper.store.dnc.add({ number: numbers(1, 20)[0]!, campaign: null, reason: null, at: 0 })
  await paper.store.dnc.add({ number: `${numbers(1, 30)[0]!.slice(0, 12)}*`, campaign: 'c', reason: null, at: 0 })
  // One that others have called as often as it may be, until tomorrow.
  for (const ago of [2, 3]) {
    const id = newId(at - ago * HOUR)
    await paper.store.db.redis.hset(keys.attempt(id), { _state: 'ended', _counts: '1', disposition: '"busy"' })
    await paper.store.db.redis.lpush(keys.number(numbers(1, 8)[0] ?? ''), id)
  }
}

t.test('a forecast says what the dialer then does', async (t) => {
  const redis = await startTestRedis()
  const clock = new ShiftedClock()
  clock.ms = MONDAY - Date.now()
  interface On {
    placement: Placement
    ends: number
    outcome: Outcome
  }
  const on: On[] = []
  const made: { row: number; attempt: number; at: number }[] = []
  const rowOf = new Map(numbers(PEOPLE).map((number, row) => [number, row]))
  const paper = await paperDialer(redis, {
    clock,
    trunks: [trunk({ channels: 5, cps: 500 })],
    policy: { windows: windows('08:00-20:00'), per_number: { per_day: 2, per_week: null } },
    onPlace: (placement) => {
      const { number, attempt } = placement.record
      const row = rowOf.get(number)!
      const outcome = script(row, attempt)
      made.push({ row, attempt, at: clock.now() })
      on.push({ placement, outcome, ends: clock.now() + outcome.ring + (outcome.talk ?? 0) })
    },
  })
  t.teardown(async () => {
    await paper.stop()
    await redis.close()
  })
  await fill(paper, MONDAY)
  const foreseen: { row: number; attempt: number; at: number }[] = []
  const forecast = await paper.dialer.forecast('c', {
    ...asked,
    line: (row, attempt, at) => {
      foreseen.push({ row: row!, attempt, at })
      return script(row!, attempt)
    },
  })

  // The real dialer: whenever nothing moves any more, time goes on to the next thing that can happen.
  await paper.dialer.campaigns.act('c', 'start')
  await waitFor(() => made.length === 3, { what: 'the first calls' })
  const counts = async () => (await paper.dialer.campaigns.get('c')).counts
  const still = async (): Promise<void> => {
    let before = ''
    await waitFor(
      async () => {
        const now = JSON.stringify([await counts(), made.length])
        const same = now === before
        before = now
        return same
      },
      { every: 30, what: 'the dialer to settle' },
    )
  }
  const store = paper.store
  for (let steps = 0; (await paper.dialer.campaigns.get('c')).state !== 'finished'; steps++) {
    if (steps > 2000) throw new Error('it goes on for ever')
    await still()
    const next = on.sort((a, b) => a.ends - b.ends)[0]
    const due = await store.db.redis.zrange(keys.due('c'), '0', '0', 'WITHSCORES')
    // With calls on and no room nobody falls due before a call ends; else the next opening is looked for by the quarter hour.
    const until = Math.min(
      next?.ends ?? Number.POSITIVE_INFINITY,
      on.length < 3
        ? Math.max(Number(due[1] ?? Number.POSITIVE_INFINITY), clock.now() + 1000)
        : Number.POSITIVE_INFINITY,
      on.length < 3 ? (Math.floor(clock.now() / (15 * MINUTE)) + 1) * 15 * MINUTE : Number.POSITIVE_INFINITY,
    )
    const jump = until - clock.now()
    if (jump > 0) {
      // What is in hand stays in hand, as it would if the time had gone by.
      const held = await store.db.redis.zrange(keys.window('c'), '0', '-1', 'WITHSCORES')
      for (let i = 0; i < held.length; i += 2)
        await store.db.redis.zadd(keys.window('c'), 'XX', Number(held[i + 1]) + jump, held[i]!)
      clock.ms += jump
    }
    await store.writable()
    if (next !== undefined && next.ends <= clock.now()) {
      on.shift()
      const answered_at = next.outcome.talk === null ? null : clock.now() - next.outcome.talk
      await paper.end(next.placement, next.outcome.disposition, { answered_at })
    }
    paper.dialer.wake()
  }

  const view = await paper.dialer.campaigns.get('c')
  const ended = view.finished_at!
  t.equal(forecast.attempts, made.length, 'as many calls')
  t.equal(forecast.attempts, view.attempts)
  const { dnc: _, blocked: __, ...dialled } = view.dispositions
  const refused: Record<string, Set<string>> = { dnc: new Set(), blocked: new Set() }
  for await (const record of store.attempts.results('c', null))
    if (record.attempt === 0) refused[record.disposition!]!.add(record.number)
  t.same(forecast.dispositions, dialled, 'that end alike')
  const key = ({ row, attempt }: { row: number; attempt: number }) => `${row}.${attempt}`
  t.same(foreseen.map(key).sort(), made.map(key).sort(), 'to the same contacts, as often')
  t.same(
    Object.fromEntries(forecast.never.map(({ rule, contacts }) => [rule, contacts])),
    { dnc: refused.dnc!.size, consent: refused.blocked!.size },
    'and the same are never called',
  )
  t.ok(refused.dnc!.size > 1 && refused.blocked!.size > 1)
  t.ok(Math.abs(forecast.ends_at! - ended) < 15 * MINUTE, `ends ${(forecast.ends_at! - ended) / MINUTE} minutes apart`)
  const hours = new Map<number, number>()
  for (const { at } of made) hours.set(Math.floor(at / HOUR) * HOUR, (hours.get(Math.floor(at / HOUR) * HOUR) ?? 0) + 1)
  for (const at of new Set([...hours.keys(), ...forecast.hours.map(({ at }) => at)])) {
    const happened = hours.get(at) ?? 0
    const told = forecast.hours.find((hour) => hour.at === at)?.calls ?? 0
    t.comment(`${new Date(at).toISOString().slice(0, 16)}  forecast ${told}  happened ${happened}`)
    t.ok(Math.abs(told - happened) <= Math.max(3, 0.1 * happened), `${told} calls foretold, ${happened} made`)
  }
  const byPerson = new Map(foreseen.map((one) => [key(one), one.at]))
  const apart = made.map((one) => Math.abs(one.at - byPerson.get(key(one))!)).sort((a, b) => a - b)
  t.comment(
    `half of the calls within ${Math.round(apart[apart.length >> 1]! / 1000)} s, all within ${Math.round(apart.at(-1)! / MINUTE)} minutes`,
  )
  t.match(forecast.contacts, { total: PEOPLE, done: 0, never: refused.dnc!.size + refused.blocked!.size, open: 0 })
  t.equal(forecast.contacts.reached + forecast.contacts.exhausted + forecast.contacts.never, PEOPLE)
  t.ok(view.counts.done === PEOPLE)
})
