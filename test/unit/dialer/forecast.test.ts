import fc from 'fast-check'
import t from 'tap'
import { parseCampaign } from '../../../src/dialer/campaign.ts'
import { runCourse } from '../../../src/dialer/forecast/course.ts'
import { Heap } from '../../../src/dialer/forecast/heap.ts'
import { type Asked, assume, drawnLine, type Outcome } from '../../../src/dialer/forecast/line.ts'
import { Group, type Person } from '../../../src/dialer/forecast/people.ts'
import { openPolicy, trunk } from '../../support/dialer.ts'

const nothing: Asked = { answer: null, busy: null, no_answer: null, talk: null, seed: 1 }
const unseen = { dispositions: {}, talk: null, ring: null }
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** A Monday, 9:00 in Bucharest. */
const MONDAY = Date.parse('2027-01-11T07:00:00Z')

t.test('the assumed shares are those asked for, else those seen, else the defaults, and add up to one', async (t) => {
  t.match(assume(nothing, unseen), { rates: { completed: 0.35, no_answer: 0.45 }, talk: 60_000, learned_from: 0 })
  const seen = {
    dispositions: { completed: 30, silent: 10, busy: 10, no_answer: 50, dnc: 900, technical: 7 },
    talk: 5,
    ring: 7,
  }
  t.match(assume(nothing, seen), {
    rates: { completed: 0.3, silent: 0.1, busy: 0.1 },
    talk: 5,
    ring: 7,
    learned_from: 100,
  })
  const asked = assume({ ...nothing, answer: 0.8, talk: 9 }, seen)
  t.match(asked, { talk: 9 })
  t.ok(Math.abs(asked.rates.completed! - 0.6) < 1e-9 && Math.abs(asked.rates.silent! - 0.2) < 1e-9, 'as they were seen')
  t.ok(Math.abs(asked.rates.busy! - 0.2 / 6) < 1e-9)
  t.throws(() => assume({ ...nothing, answer: 0.7, busy: 0.4 }, unseen), { code: 'bad_request' })
  const share = fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: null })
  const counts = fc.dictionary(fc.constantFrom('completed', 'hangup', 'busy', 'no_answer', 'rejected'), fc.nat(400))
  fc.assert(
    fc.property(share, share, share, counts, (answer, busy, no_answer, dispositions) => {
      if ((answer ?? 0) + (busy ?? 0) + (no_answer ?? 0) > 1) return
      const { rates } = assume({ ...nothing, answer, busy, no_answer }, { ...unseen, dispositions })
      const sum = Object.values(rates).reduce((all, one) => all + one, 0)
      if (Math.abs(sum - 1) > 1e-6) throw new Error(`${sum}: ${JSON.stringify(rates)}`)
      if (busy !== null && Math.abs((rates.busy ?? 0) - busy) > 1e-6) throw new Error('busy is not as asked')
    }),
  )
})

t.test('a line draws each disposition as often as assumed, and the same seed draws the same', async (t) => {
  const assumed = assume({ ...nothing, answer: 0.4 }, unseen)
  const line = drawnLine(assumed, 25_000, 7)
  const drawn = Array.from({ length: 20_000 }, (_, i) => line(i, 1, 0))
  const answered = drawn.filter(({ talk }) => talk !== null)
  t.ok(Math.abs(answered.length / 20_000 - 0.4) < 0.02)
  const mean = answered.reduce((sum, { talk }) => sum + talk!, 0) / answered.length
  t.ok(Math.abs(mean - 60_000) < 3_000, `${mean} ms`)
  t.ok(drawn.every(({ ring, disposition }) => ring === (disposition === 'no_answer' ? 25_000 : ring)))
  t.same(drawnLine(assumed, 25_000, 7)(0, 1, 0), drawn[0])
})

t.test('a heap gives the least first', async () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (keys) => {
      const heap = new Heap<number>()
      for (const key of keys) heap.push(key, key)
      const given = Array.from(keys, () => heap.pop())
      if (given.join() !== [...keys].sort((a, b) => a - b).join()) throw new Error(given.join())
      if (heap.pop() !== null || heap.first !== Number.POSITIVE_INFINITY) throw new Error('not empty')
    }),
  )
})

/** A campaign of so many people in one zone, and what comes of it. */
async function course(
  definition: Record<string, unknown>,
  people: number,
  line: (row: number, attempt: number, at: number) => Outcome,
  { trunks = [trunk({ channels: 2, cps: 10 })], agreed = null as number | null, policy = openPolicy } = {},
) {
  const parsed = parseCampaign('c', { flow: 'f', ...definition })
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
  const { campaign } = parsed
  const hours = {
    zones: ['Europe/Bucharest'],
    windows: [policy.windows, ...(campaign.window ? [campaign.window] : [])],
    holidays: campaign.holidays,
  }
  const group = new Group(hours, trunks)
  for (let row = 0; row < people; row++) {
    const agreement =
      row === agreed ? { due_at: MONDAY + HOUR, expires_at: MONDAY + 2 * HOUR, moved: false, tries: {} } : null
    const person: Person = {
      ...{
        row,
        key: `k${row}`,
        priority: 0,
        group,
        used: 0,
        total: 0,
        day: '',
        today: 0,
        tries: {},
        due: 0,
        times: [],
      },
      ...{ alone: 0, agreement, wished: false, answered: false, last: null },
    }
    if (agreement === null) group.add(person)
    else group.wait(person, agreement.due_at)
  }
  group.sort()
  const calls: { row: number; attempt: number; at: number }[] = []
  const result = await runCourse([group], [], {
    ...{ campaign, policy, from: MONDAY, until: MONDAY + 400 * DAY },
    line: (row, attempt, at) => {
      calls.push({ row: row ?? -1, attempt, at })
      return line(row ?? -1, attempt, at)
    },
  })
  return { ...result, calls }
}

const completed = (talk: number): Outcome => ({ disposition: 'completed', ring: 0, talk })
const unanswered: Outcome = { disposition: 'no_answer', ring: 25_000, talk: null }

t.test('there are never more calls than channels, never more in a second than the trunk takes', async (t) => {
  const { calls, ends_at } = await course({}, 10, () => completed(10 * MINUTE))
  t.same(
    calls.map(({ at }) => Math.round((at - MONDAY) / MINUTE)),
    [0, 0, 10, 10, 20, 20, 30, 30, 40, 40],
  )
  t.ok(Math.abs(ends_at! - MONDAY - 50 * MINUTE) < 1000)
  const fast = await course({}, 300, () => completed(1000), { trunks: [trunk({ channels: 1000, cps: 20 })] })
  const times = fast.calls.map(({ at }) => at)
  const most = Math.max(...times.map((at) => times.filter((other) => other >= at && other < at + 1000).length))
  t.equal(most, 20)
  t.ok(300 / ((times.at(-1)! - MONDAY) / 1000) > 19, 'and nearly all of it')
  const narrow = await course({ dial: { concurrency: 1 } }, 3, () => completed(MINUTE))
  t.same(
    narrow.calls.map(({ at }) => Math.round((at - MONDAY) / MINUTE)),
    [0, 1, 2],
  )
})

t.test('windows, holidays, budgets, caps and retries are those of the dialer', async (t) => {
  const evening = await course({ window: { 'mon-fri': '09:00-09:30' }, holidays: ['2027-01-12'] }, 8, () =>
    completed(10 * MINUTE),
  )
  t.same(
    evening.calls.map(({ at }) => new Date(at).toISOString().slice(8, 16)),
    ['11T07:00', '11T07:00', '11T07:10', '11T07:10', '11T07:20', '11T07:20', '13T07:00', '13T07:00'],
  )
  const retries = { no_answer: { delay: '1h', max: 5, backoff: 'multiply' } }
  const again = await course({ attempts: { max: 4, per_day: 3 }, retry: retries }, 1, () => unanswered)
  t.same(
    again.calls.map(({ at }) => Math.round((at - MONDAY) / HOUR)),
    [0, 1, 3, 15],
    'after one, two and three hours; the fourth of the day waits for midnight',
  )
  t.match(again, { reached: 0, exhausted: { no_answer: 1 }, open: 0 })
  const capped = await course({ retry: { no_answer: { delay: '1m', max: 5 } } }, 1, () => unanswered, {
    policy: { ...openPolicy, per_number: { per_day: null, per_week: 2 } },
  })
  t.same(
    capped.calls.map(({ at }) => Math.round((at - MONDAY) / DAY)),
    [0, 0, 7, 7, 14],
  )
  const never = await course({ window: { mon: '00:00-00:01' }, holidays: everyMonday() }, 3, () => unanswered)
  t.match(never, { attempts: 0, open: 0, never: { length: 3 } })
  t.equal(never.never[0]?.rule, 'window')
})

t.test('a callback comes first when it is due, is tried again as such, and is missed by its rule', async (t) => {
  const first = await course({}, 20, () => completed(10 * MINUTE), { agreed: 19 })
  const at = first.calls.findIndex(({ row }) => row === 19)
  t.ok(Math.abs(first.calls[at]!.at - MONDAY - HOUR) < 1000, 'at its time')
  const rules = { retry: { no_answer: { delay: '10m', max: 1 } }, callbacks: { on_missed: 'next_day' } }
  const missed = await course(rules, 1, () => unanswered, { agreed: 0 })
  t.same(
    missed.calls.map(({ at }) => Math.round((at - MONDAY) / MINUTE)),
    [60, 70, 1500, 1510],
  )
  t.match(missed, { exhausted: { no_answer: 1 }, open: 0 })
  const wished = await course({}, 1, (_, attempt) =>
    attempt === 1 ? { disposition: 'callback', ring: 0, talk: MINUTE } : completed(MINUTE),
  )
  t.match(wished, { attempts: 2, reached: 1, open: 0, dispositions: { callback: 1, completed: 1 } })
})

t.test('whatever happens, everybody ends somewhere', async () => {
  const outcomes: Outcome[] = [
    ...[completed(MINUTE), unanswered, { disposition: 'busy', ring: 1000, talk: null } as Outcome],
    { disposition: 'callback', ring: 0, talk: MINUTE },
    { disposition: 'opted_out', ring: 0, talk: MINUTE },
    { disposition: 'abandoned', ring: 0, talk: 1000 },
  ]
  await fc.assert(
    fc.asyncProperty(fc.infiniteStream(fc.nat(5)), fc.integer({ min: 1, max: 40 }), async (chance, people) => {
      const definition = {
        ...{
          retry: { no_answer: { delay: '1h', max: 2 }, busy: { delay: '10m', max: 3 }, abandoned: { delay: '1h' } },
        },
        ...{ attempts: { max: 3, per_day: 2 }, window: { 'mon-fri': '09:00-17:00' } },
      }
      const found = await course(definition, people, () => outcomes[chance.next().value ?? 0]!)
      const exhausted = Object.values(found.exhausted).reduce((sum, one) => sum + one, 0)
      if (found.reached + exhausted + found.never.length + found.open !== people) throw new Error(JSON.stringify(found))
    }),
    { numRuns: 60 },
  )
})

/** Each Monday of the coming two years. */
function everyMonday(): string[] {
  return Array.from({ length: 110 }, (_, week) => new Date(MONDAY + week * 7 * DAY).toISOString().slice(0, 10))
}
