/** When schedules run, over the nights in which the clocks change, in zones that change them differently. */
import fc from 'fast-check'
import { DateTime } from 'luxon'
import t from 'tap'
import { cronFault, nextRun } from '../../../src/dialer/cron.ts'

// The server's own clock is set to a zone that nobody here lives in, with changes of its own.
process.env.TZ = 'Pacific/Chatham'
t.setTimeout(60_000)
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** The runs of a pattern within a night, in UTC, going from each to the next. */
function runs(cron: string, zone: string, from: string, to: string): string[] {
  const found: string[] = []
  let at = nextRun(cron, zone, Date.parse(from) - 1)
  for (; at !== null && at < Date.parse(to); at = nextRun(cron, zone, at)) found.push(new Date(at).toISOString())
  return found.map((text) => text.slice(11, 16))
}

/** Each row: the pattern, the runs of the night that skips an hour, and of the night that has one twice (UTC). */
const NIGHTS = {
  // 03:00 to 04:00 is skipped at 01:00 UTC, and comes twice from 00:00 and from 01:00 UTC.
  'Europe/Bucharest': {
    spring: ['2026-03-28T23:00Z', '2026-03-29T03:00Z'],
    autumn: ['2026-10-24T23:00Z', '2026-10-25T04:00Z'],
    rows: [
      ['30 3 * * *', ['01:00'], ['00:30']],
      ['0 3 * * *', ['01:00'], ['00:00']],
      ['0 4 * * *', ['01:00'], ['02:00']],
      ['30 2 * * *', ['00:30'], ['23:30']],
      ['0 * * * *', ['23:00', '00:00', '01:00', '02:00'], ['23:00', '00:00', '02:00', '03:00']],
      ['20,40 3 * * *', ['01:00'], ['00:20', '00:40']],
      [
        '15,45 2-4 * * *',
        ['00:15', '00:45', '01:00', '01:15', '01:45'],
        ['23:15', '23:45', '00:15', '00:45', '02:15', '02:45'],
      ],
    ],
  },
  // 02:00 to 03:00 is skipped at 07:00 UTC, and 01:00 to 02:00 comes twice from 05:00 and from 06:00 UTC.
  'America/New_York': {
    spring: ['2026-03-08T05:00Z', '2026-03-08T09:00Z'],
    autumn: ['2026-11-01T04:00Z', '2026-11-01T09:00Z'],
    rows: [
      ['30 2 * * *', ['07:00'], ['07:30']],
      ['30 1 * * *', ['06:30'], ['05:30']],
      ['59 1 * * *', ['06:59'], ['05:59']],
      ['0 3 * * *', ['07:00'], ['08:00']],
      ['30 2 * * sun', ['07:00'], ['07:30']],
      ['30 2 * * mon-sat', [], []],
      ['*/30 1-2 * * *', ['06:00', '06:30', '07:00'], ['05:00', '05:30', '07:00', '07:30']],
    ],
  },
  // Half an hour alone: 02:00 to 02:30 is skipped at 15:30 UTC, and 01:30 to 02:00 comes twice from 14:30 and from 15:00 UTC.
  'Australia/Lord_Howe': {
    spring: ['2026-10-03T14:00Z', '2026-10-03T18:00Z'],
    autumn: ['2026-04-04T13:00Z', '2026-04-04T18:00Z'],
    rows: [
      ['15 2 * * *', ['15:30'], ['15:45']],
      ['0 2 * * *', ['15:30'], ['15:30']],
      ['30 2 * * *', ['15:30'], ['16:00']],
      ['45 1 * * *', ['15:15'], ['14:45']],
      ['0 * * * *', ['14:30', '15:30', '16:00', '17:00'], ['13:00', '14:00', '15:30', '16:30', '17:30']],
    ],
  },
} as const

for (const [zone, { spring, autumn, rows }] of Object.entries(NIGHTS))
  t.test(`in ${zone} the skipped hour runs at the next minute, the repeated one once`, async (t) => {
    for (const [cron, skipped, repeated] of rows) {
      t.same(runs(cron, zone, spring[0], spring[1]), skipped, `${cron}, clocks forward`)
      t.same(runs(cron, zone, autumn[0], autumn[1]), repeated, `${cron}, clocks back`)
    }
  })

t.test('over a year every local day has each of its runs once, in any zone, however it is looked at', async (t) => {
  const zone = fc.constantFrom('Europe/Bucharest', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'UTC')
  const time = fc.record({ hour: fc.integer({ min: 0, max: 23 }), minute: fc.integer({ min: 0, max: 59 }) })
  fc.assert(
    fc.property(zone, time, fc.integer({ min: 1, max: 50 }), (zone, { hour, minute }, step) => {
      const cron = `${minute} ${hour} * * *`
      const start = DateTime.fromISO('2026-01-01T00:00', { zone }).toMillis()
      const end = DateTime.fromISO('2027-01-01T00:00', { zone }).toMillis()
      const days: string[] = []
      for (let at = nextRun(cron, zone, start - 1); at !== null && at < end; at = nextRun(cron, zone, at)) {
        days.push(DateTime.fromMillis(at, { zone }).toISODate() ?? '')
        // Whoever looks from any moment before it, past the run before, finds the same one.
        t.equal(nextRun(cron, zone, at - step * 7 * MINUTE), at)
      }
      t.equal(days.length, 365)
      t.equal(new Set(days).size, 365)
    }),
    { numRuns: 12 },
  )
})

t.test('a day that a zone left out runs when it goes on', async (t) => {
  // Samoa went over the date line: there was no 30 December 2011.
  t.same(
    [0, 1, 2].map((n) => {
      let at = Date.parse('2011-12-28T12:00Z')
      for (let i = 0; i <= n; i++) at = nextRun('0 9 * * *', 'Pacific/Apia', at) ?? 0
      return new Date(at).toISOString()
    }),
    ['2011-12-28T19:00:00.000Z', '2011-12-29T19:00:00.000Z', '2011-12-30T10:00:00.000Z'],
  )
})

t.test('a pattern that is none is told what is wrong with it', async (t) => {
  for (const good of ['0 9 * * mon-fri', '*/5 * * * *', '0 0 29 2 *', '0 9 1,15 * MON', '@daily'])
    t.equal(cronFault(good), null)
  t.match(cronFault('0 0 30 2 *'), /names no day/)
  t.match(cronFault('* * * * * *'), /five parts/)
  t.match(cronFault('61 * * * *'), /minute: 61/)
  t.match(cronFault('every day'), /five parts: minute/)
  t.match(cronFault('0 9 * * someday'), /not a cron pattern: .*[^.]$/)
  t.equal(nextRun('0 9 * * *', 'UTC', 0), 9 * 60 * MINUTE)
  t.equal(nextRun('0 9 * * *', 'UTC', 9 * 60 * MINUTE), DAY + 9 * 60 * MINUTE)
})
