import fc from 'fast-check'
import { DateTime } from 'luxon'
import t from 'tap'
import { isOpen, localDate, nextLocalDay, nextOpening, parseWindows, zonesOf } from '../../../src/flow/calendar.ts'
import type { Windows } from '../../../src/flow/io.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const zones = [
  'Europe/Bucharest',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
  'Africa/Casablanca',
  'UTC',
]

const at = (text: string, zone: string) => DateTime.fromISO(text, { zone }).toMillis()
const windows = (spec: unknown) => {
  const read = parseWindows(spec)
  if (typeof read === 'string') throw new Error(read)
  return read
}

t.setTimeout(60_000)

t.test('windows are read as they are written', async (t) => {
  const read = windows({ 'mon-tue': ['14:00-18:00', '09:00-13:00'], tue: '12:00-15:00', sun: '00:00-24:00' })
  t.same(read.mon, [
    { from: 540, to: 780 },
    { from: 840, to: 1080 },
  ])
  t.same(read.tue, [{ from: 540, to: 1080 }], 'overlaps are merged')
  t.same(read.sun, [{ from: 0, to: 1440 }])
  t.same(read.wed, [], 'a day not named is closed')
  t.same(windows({ 'sat-mon': '10:00-11:00' }).sun, [{ from: 600, to: 660 }], 'a range may pass over the weekend')
  t.same(windows('10:00-11:00').wed, [{ from: 600, to: 660 }])
})

t.test('wrong windows are told what is wrong', async (t) => {
  const faults: [unknown, RegExp][] = [
    [{ monday: '09:00-10:00' }, /"monday" is not a day/],
    [{ 'mon-': '09:00-10:00' }, /not a day/],
    [{ 'mon-tue-wed': '09:00-10:00' }, /not a day/],
    [{ mon: '9-10' }, /not an interval/],
    [{ mon: '09:60-10:00' }, /not an interval/],
    [{ mon: '10:00-25:00' }, /past 24:00/],
    [{ mon: '22:00-02:00' }, /ends before it begins/],
    [{ mon: 9 }, /not an interval/],
    [{ mon: null }, /not an interval/],
    [{}, /no open time/],
    [7, /map of days/],
    [null, /map of days/],
  ]
  for (const [spec, message] of faults) t.match(parseWindows(spec), message, JSON.stringify(spec))
})

t.test('a window is open from its first minute to the one before its end, in every zone', async (t) => {
  const day = [windows({ mon: '09:00-10:00' })]
  const open = (text: string, zone = 'Europe/Bucharest') => isOpen(at(text, zone), [zone], day, [])
  t.notOk(open('2026-01-05T08:59:59.999'))
  t.ok(open('2026-01-05T09:00'))
  t.ok(open('2026-01-05T09:59:59.999'))
  t.notOk(open('2026-01-05T10:00'))
  t.notOk(open('2026-01-06T09:30'), 'Tuesday is not named')
  t.notOk(
    isOpen(at('2026-01-05T09:30', 'UTC'), ['UTC', 'Europe/Bucharest'], day, []),
    'legal in all zones or not at all',
  )
  t.notOk(isOpen(at('2026-01-05T09:30', 'UTC'), ['UTC'], day, ['2026-01-05']), 'a holiday is closed')
})

t.test('without a known zone nothing opens', async (t) => {
  const always = [windows('00:00-24:00')]
  for (const list of [[], ['Nowhere/Land'], ['UTC', 'bad']]) {
    t.notOk(isOpen(0, list, always, []))
    t.equal(nextOpening(0, list, always, [], DAY), null)
  }
})

t.test('both DST nights in three zones', async (t) => {
  const table: [string, string, string, string][] = [
    // zone, window, asked at, opens at
    ['Europe/Bucharest', '03:30-05:00', '2026-03-29T02:00:00+02:00', '2026-03-29T04:00:00+03:00'],
    ['Europe/Bucharest', '03:00-03:30', '2026-03-28T23:00:00+02:00', '2026-03-30T03:00:00+03:00'],
    ['Europe/Bucharest', '03:30-04:00', '2026-10-25T03:10:00+03:00', '2026-10-25T03:30:00+03:00'],
    ['Europe/Bucharest', '03:30-04:00', '2026-10-25T03:05:00+02:00', '2026-10-25T03:30:00+02:00'],
    ['America/New_York', '02:00-03:00', '2026-03-08T00:00:00-05:00', '2026-03-09T02:00:00-04:00'],
    ['America/New_York', '01:00-02:00', '2026-11-01T01:59:59-04:00', '2026-11-01T01:59:59-04:00'],
    ['America/New_York', '01:15-02:00', '2026-11-01T01:00:00-05:00', '2026-11-01T01:15:00-05:00'],
    ['Australia/Lord_Howe', '02:00-02:30', '2026-10-04T00:00:00+10:30', '2026-10-05T02:00:00+11:00'],
    ['Australia/Lord_Howe', '01:45-01:50', '2026-04-05T01:50:00+11:00', '2026-04-05T01:45:00+10:30'],
  ]
  for (const [zone, window, asked, opens] of table) {
    const found = nextOpening(Date.parse(asked), [zone], [windows(window)], [], 3 * DAY)
    t.equal(new Date(found ?? 0).toISOString(), new Date(opens).toISOString(), `${zone} ${window} from ${asked}`)
  }
})

t.test('the next opening is the one that a minute-by-minute search finds', async () => {
  const interval = fc
    .tuple(fc.integer({ min: 0, max: 1439 }), fc.integer({ min: 1, max: 600 }))
    .map(([from, length]) => ({ from, to: Math.min(1440, from + length) }))
  const day = fc.array(interval, { maxLength: 2 })
  const week: fc.Arbitrary<Windows> = fc.record({
    mon: day,
    tue: day,
    wed: day,
    thu: day,
    fri: day,
    sat: day,
    sun: day,
  })
  const moment = fc.constantFrom(
    ...['2026-03-28T22:00Z', '2026-10-24T22:00Z', '2026-03-08T05:00Z', '2026-11-01T04:00Z', '2026-04-04T14:00Z'],
    ...['2026-10-03T14:00Z', '2026-02-14T22:00Z', '2026-07-01T10:00Z'],
  )
  fc.assert(
    fc.property(
      moment,
      fc.integer({ min: 0, max: 20 * HOUR }),
      fc.subarray(zones, { minLength: 1, maxLength: 2 }),
      fc.array(week, { minLength: 1, maxLength: 2 }),
      fc.subarray(['2026-03-29', '2026-10-25', '2026-07-02']),
      (start, shift, zones, sets, holidays) => {
        const from = Date.parse(start) + shift
        const horizon = 2 * DAY
        let slow: number | null = isOpen(from, zones, sets, holidays) ? from : null
        for (let u = Math.floor(from / MINUTE + 1) * MINUTE; slow === null && u <= from + horizon; u += MINUTE)
          if (isOpen(u, zones, sets, holidays)) slow = u
        return nextOpening(from, zones, sets, holidays, horizon) === slow
      },
    ),
    { numRuns: 100 },
  )
})

t.test('isOpen agrees with luxon on the local time', async () => {
  const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
  const set = [windows({ 'mon-fri': ['09:00-13:00', '14:00-18:30'], sun: '00:00-24:00' })]
  fc.assert(
    fc.property(fc.integer({ min: 1.7e12, max: 1.9e12 }), fc.constantFrom(...zones), (now, zone) => {
      const local = DateTime.fromMillis(now, { zone })
      const minute = local.hour * 60 + local.minute
      const open = set[0]![days[local.weekday - 1]!].some(({ from, to }) => minute >= from && minute < to)
      return isOpen(now, [zone], set, []) === open && localDate(now, zone) === local.toISODate()
    }),
  )
})

t.test('the next local day begins at the local midnight', async (t) => {
  for (const [zone, now, midnight] of [
    ['Europe/Bucharest', '2026-03-29T01:00:00+02:00', '2026-03-30T00:00:00+03:00'],
    ['Europe/Bucharest', '2026-10-25T01:00:00+03:00', '2026-10-26T00:00:00+02:00'],
    ['UTC', '2026-01-05T00:00:00Z', '2026-01-06T00:00:00Z'],
  ] as const)
    t.equal(nextLocalDay(Date.parse(now), zone), Date.parse(midnight))
})

t.test('a number lives in the zones of its country', async (t) => {
  t.same(zonesOf('+40712345678'), ['Europe/Bucharest'])
  t.ok(zonesOf('+12125550123').includes('Pacific/Honolulu'))
  t.same(
    zonesOf('+77011234567').filter((zone) => zone.startsWith('Europe/')),
    [],
    'Kazakhstan is not Russia',
  )
  t.same(zonesOf('+80012345678'), [], 'a freephone number has no country')
  t.same(zonesOf('100'), [])
  t.same(zonesOf(''), [])
})
