import fc from 'fast-check'
import t from 'tap'
import type { Disposition } from '../../../src/call/record.ts'
import { parseCampaign } from '../../../src/dialer/campaign.ts'
import {
  type Agreement,
  afterAttempt,
  afterCallback,
  type Ended,
  type Hours,
  missed,
} from '../../../src/dialer/retry.ts'
import { isOpen } from '../../../src/flow/calendar.ts'
import { windows } from '../../support/dialer.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** A Monday, 10:00 in Bucharest. */
const now = Date.parse('2026-01-05T08:00:00Z')
const hours: Hours = { zones: ['Europe/Bucharest'], windows: [windows({ 'mon-fri': '09:00-18:00' })], holidays: [] }
const fresh = { used: 1, day: '2026-01-05', today: 1, tries: {} }
const ended = (disposition: Disposition, more: Partial<Ended> = {}): Ended => ({
  disposition,
  dialed: true,
  answered: false,
  interrupted: false,
  ...more,
})

function campaign(definition: Record<string, unknown> = {}) {
  const parsed = parseCampaign('c', { flow: 'f', ...definition })
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
  return parsed.campaign
}

const rules = campaign({
  attempts: { max: 5 },
  retry: {
    busy: { delay: '10m', max: 3 },
    no_answer: { delay: '2h', max: 3, backoff: 'multiply' },
    unknown: { delay: '1h', max: 1 },
  },
})

t.test('jitter puts a try off by chance, at most so much, into the next opening', async (t) => {
  const spread = campaign({ retry: { busy: { delay: '10m', max: 9, backoff: 'multiply', jitter: '4m' } } })
  for (const [chance, tries, due] of [
    [0, {}, now + 10 * MINUTE],
    [0.5, {}, now + 12 * MINUTE],
    [0.999999, {}, now + 14 * MINUTE - 1],
    [0.25, { busy: 2 }, now + 31 * MINUTE],
  ] as const)
    t.match(afterAttempt(spread, ended('busy', { chance }), { ...fresh, tries: { ...tries } }, now, hours), { due })
  t.match(afterAttempt(spread, ended('busy', { chance: 0.5 }), fresh, Date.parse('2026-01-05T15:49:00Z'), hours), {
    due: Date.parse('2026-01-06T07:00:00Z'),
  })
})

t.test('without a rule a contact is done; after silence the promise is kept once, half an hour later', async (t) => {
  const plain = campaign()
  const all = [
    'completed',
    'hangup',
    'nomatch',
    'machine',
    'busy',
    'no_answer',
    'rejected',
    'unreachable',
    'congestion',
  ] as const
  for (const disposition of [...all, 'invalid_number', 'trunk_error', 'unknown', 'opted_out'] as const)
    t.match(afterAttempt(plain, ended(disposition), fresh, now, hours), { state: 'x' }, disposition)
  const first = afterAttempt(plain, ended('silent', { answered: true }), fresh, now, hours)
  t.match(first, { state: 'w', due: now + 30 * MINUTE, rule: 'silent', tries: { silent: 1 } })
  t.match(afterAttempt(plain, ended('silent'), { ...fresh, used: 2, tries: first.tries }, now, hours), { state: 'x' })
  t.match(afterAttempt(campaign({ retry: { silent: false } }), ended('silent'), fresh, now, hours), { state: 'x' })
  t.match(afterAttempt(campaign({ retry: { busy: { delay: '1m' } } }), ended('silent'), fresh, now, hours), {
    state: 'w',
  })
})

t.test('a rule has its delay, fixed or multiplied, and its own maximum', async (t) => {
  const due = (disposition: Disposition, tries: Record<string, number>) => {
    const next = afterAttempt(rules, ended(disposition), { ...fresh, tries }, now, hours)
    return next.state === 'w' ? (next.due - now) / MINUTE : next.state
  }
  t.same(
    [0, 1, 2, 3].map((busy) => due('busy', { busy })),
    [10, 10, 10, 'x'],
  )
  t.same(
    [0, 1, 2, 3].map((no_answer) => due('no_answer', { no_answer })),
    [120, 240, 360, 'x'],
  )
  t.equal(due('no_answer', { busy: 3 }), 120, 'each rule counts its own')
  t.equal(due('unknown', {}), 60, 'unknown only by a rule, and never at once')
})

t.test('one budget over all rules, and the day of the callee bounds it', async (t) => {
  t.match(afterAttempt(rules, ended('busy'), { ...fresh, used: 5 }, now, hours), { state: 'x' })
  t.match(afterAttempt(rules, ended('busy'), { ...fresh, used: 4 }, now, hours), { state: 'w' })
  const daily = campaign({ attempts: { max: 5, per_day: 2 }, retry: { busy: { delay: '10m', max: 3 } } })
  t.match(afterAttempt(daily, ended('busy'), { ...fresh, used: 2, today: 2 }, now, hours), {
    state: 'w',
    due: Date.parse('2026-01-06T07:00:00Z'),
  })
  t.match(afterAttempt(daily, ended('busy'), { ...fresh, used: 2, today: 1 }, now, hours), { due: now + 10 * MINUTE })
})

t.test('a retry falls into the next open window', async (t) => {
  const late = Date.parse('2026-01-05T15:55:00Z')
  t.match(afterAttempt(rules, ended('busy'), fresh, late, hours), { due: Date.parse('2026-01-06T07:00:00Z') })
  const friday = Date.parse('2026-01-09T15:55:00Z')
  t.match(afterAttempt(rules, ended('busy'), fresh, friday, hours), { due: Date.parse('2026-01-12T07:00:00Z') })
  t.match(afterAttempt(rules, ended('busy'), fresh, friday, { ...hours, zones: ['bad'] }), { state: 'x' })
})

t.test('what we ended ourselves before an answer is still to be made', async (t) => {
  t.match(afterAttempt(rules, ended('cancelled', { interrupted: true }), fresh, now, hours), { state: 'p' })
  t.match(afterAttempt(rules, ended('cancelled', { interrupted: true, answered: true }), fresh, now, hours), {
    state: 'x',
  })
  t.match(afterAttempt(rules, ended('cancelled'), fresh, now, hours), { state: 'x' }, 'an operator hung up')
  t.match(afterAttempt(rules, ended('technical', { dialed: false }), fresh, now, hours), {
    state: 'w',
    due: now + MINUTE,
  })
  t.match(afterAttempt(rules, ended('technical', { dialed: false }), { ...fresh, used: 5 }, now, hours), { state: 'x' })
})

t.test('an abandoned person is left alone for three days', async (t) => {
  const eager = campaign({ retry: { abandoned: { delay: '1m' } } })
  const next = afterAttempt(eager, ended('abandoned', { answered: true }), fresh, now, hours)
  t.ok(next.state === 'w' && next.due >= now + 72 * HOUR)
})

t.test('a retry is always in an open window, later than now, and within the budget', async () => {
  const dispositions = ['busy', 'no_answer', 'silent', 'unknown', 'rejected', 'technical', 'cancelled'] as const
  fc.assert(
    fc.property(
      fc.constantFrom(...dispositions),
      fc.integer({ min: 0, max: 400 * 24 * 60 }),
      fc.integer({ min: 1, max: 7 }),
      fc.dictionary(fc.constantFrom(...dispositions), fc.integer({ min: 0, max: 4 })),
      (disposition, minutes, used, tries) => {
        const at = now + minutes * MINUTE
        const next = afterAttempt(rules, ended(disposition), { ...fresh, used, tries }, at, hours)
        if (next.state !== 'w') return true
        return used < 5 && next.due > at && isOpen(next.due, hours.zones, hours.windows, [])
      },
    ),
  )
})

const agreement: Agreement = { due_at: now, expires_at: now + DAY, moved: false, tries: {} }

t.test('a callback that was answered is done; not answered it is tried by the rules until it expires', async (t) => {
  t.match(afterCallback(rules, ended('completed', { answered: true }), agreement, now, hours), { state: 'done' })
  t.match(afterCallback(rules, ended('technical', { answered: true }), agreement, now, hours), { state: 'done' })
  t.match(afterCallback(rules, ended('busy'), agreement, now, hours), {
    state: 'open',
    next_at: now + 10 * MINUTE,
    due_at: now,
    tries: { busy: 1 },
  })
  const nextDay = {
    state: 'open',
    due_at: now + DAY,
    next_at: now + DAY,
    expires_at: now + 2 * DAY,
    moved: true,
    tries: {},
  }
  t.match(afterCallback(rules, ended('busy'), { ...agreement, tries: { busy: 3 } }, now, hours), nextDay)
  t.match(afterCallback(rules, ended('busy'), { ...agreement, expires_at: now + MINUTE }, now, hours), { moved: true })
  t.match(afterCallback(rules, ended('busy'), { ...agreement, moved: true, tries: { busy: 3 } }, now, hours), {
    state: 'missed',
  })
  t.match(afterCallback(rules, ended('cancelled', { interrupted: true }), agreement, now, hours), {
    state: 'open',
    next_at: now,
  })
  t.match(afterCallback(rules, ended('cancelled'), agreement, now, hours), { state: 'done' })
})

t.test('a missed callback goes by on_missed; the same hour survives a change of the clocks', async (t) => {
  const by = (on_missed: string) => campaign({ callbacks: { on_missed } })
  t.match(missed(by('close'), agreement, now, hours), { state: 'missed' })
  t.match(missed(by('retry'), agreement, now, hours), { state: 'retry' })
  const always: Hours = { ...hours, windows: [windows('00:00-24:00')] }
  const before = Date.parse('2026-03-28T10:00:00+02:00')
  t.match(missed(campaign(), { ...agreement, due_at: before }, before, always), {
    due_at: Date.parse('2026-03-29T10:00:00+03:00'),
  })
  const weekLate = missed(campaign(), agreement, now + 7 * DAY + HOUR, hours)
  t.match(weekLate, { due_at: now + 8 * DAY, moved: true }, 'on the first such day that lies ahead')
  const friday = Date.parse('2026-01-09T10:00:00+02:00')
  t.match(missed(campaign(), { ...agreement, due_at: friday }, friday, hours), {
    due_at: Date.parse('2026-01-12T09:00:00+02:00'),
  })
})
