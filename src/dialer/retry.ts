/**
 * What becomes of a contact, or of an agreed callback, when an attempt has ended. Pure: the campaign's rules, what has
 * happened so far and the time go in, the next state comes out.
 *
 * A contact has one budget over all its rules, and one retry at a time: a retry is the contact's next state, so retries
 * cannot stack. A time that falls outside the windows is moved to the next opening.
 */
import type { Disposition } from '../call/record.ts'
import { localDate, nextLocalDay, nextOpening, sameTimeNextDay } from '../flow/calendar.ts'
import type { Windows } from '../flow/io.ts'
import type { Campaign } from './campaign.ts'

/** Where and when a number may ring. */
export interface Hours {
  zones: string[]
  windows: Windows[]
  /** YYYY-MM-DD, local dates of the one called. */
  holidays: string[]
}

/** What has happened to a contact so far, the attempt that has just ended included. */
export interface Past {
  used: number
  day: string
  today: number
  tries: Record<string, number>
}

/**
 * How an attempt ended. `interrupted`: we ended it ourselves, by a stop of the campaign or a shutdown. `chance`, 0 to 1, is
 * what a rule's jitter takes; none without it.
 */
export interface Ended {
  disposition: Disposition
  chance?: number
  dialed: boolean
  answered: boolean
  interrupted: boolean
}

export interface Next {
  /** `w` waiting until `due` (ms), `p` pending again, `x` done. */
  state: 'w' | 'p' | 'x'
  due: number
  rule: string
  tries: Record<string, number>
}

const YEAR = 366 * 86_400_000
/** An abandoned person is not called again for three days, whatever a rule says. */
const ABANDONED_PAUSE = 72 * 3_600_000
const OUR_FAULT = 60_000

/** The time of a retry by the campaign's rule for this disposition; null when there is none (left). */
function retryAt(
  campaign: Pick<Campaign, 'retry'>,
  { disposition, chance = 0 }: Ended,
  tries: Record<string, number>,
  now: number,
  hours: Hours,
): number | null {
  const rule = campaign.retry[disposition]
  const before = tries[disposition] ?? 0
  if (rule === undefined || before >= rule.max) return null
  const delay = rule.backoff === 'multiply' ? rule.delay * (before + 1) : rule.delay
  const pause = disposition === 'abandoned' ? Math.max(delay, ABANDONED_PAUSE) : delay
  const due = now + pause + Math.floor(chance * rule.jitter)
  return nextOpening(due, hours.zones, hours.windows, hours.holidays, YEAR)
}

/**
 * The contact's next state. A call that nobody had answered when we interrupted it is simply still to be made.
 */
export function afterAttempt(
  campaign: Pick<Campaign, 'retry' | 'attempts'>,
  attempt: Ended,
  past: Past,
  now: number,
  hours: Hours,
): Next {
  const { disposition } = attempt
  const done: Next = { state: 'x', due: 0, rule: '', tries: past.tries }
  if (disposition === 'opted_out' || past.used >= campaign.attempts.max) return done
  if (disposition === 'cancelled' && attempt.interrupted && !attempt.answered)
    return { state: 'p', due: 0, rule: '', tries: past.tries }
  // Something failed on our side before the telephone rang: it is still to be made, once that may have passed.
  if (disposition === 'technical' && !attempt.dialed)
    return { state: 'w', due: now + OUR_FAULT, rule: disposition, tries: past.tries }
  let due = retryAt(campaign, attempt, past.tries, now, hours)
  const zone = hours.zones[0]
  const perDay = campaign.attempts.per_day
  if (
    due !== null &&
    perDay !== null &&
    zone !== undefined &&
    past.today >= perDay &&
    localDate(due, zone) === past.day
  )
    due = nextOpening(nextLocalDay(due, zone), hours.zones, hours.windows, hours.holidays, YEAR)
  if (due === null) return done
  const tries = { ...past.tries, [disposition]: (past.tries[disposition] ?? 0) + 1 }
  return { state: 'w', due, rule: disposition, tries }
}

export interface Agreement {
  due_at: number
  expires_at: number
  /** It was put off to the next day once already. */
  moved: boolean
  tries: Record<string, number>
}

export interface NextAgreement extends Agreement {
  /** `retry`: the agreement is over, its contact is an ordinary one again. */
  state: 'open' | 'done' | 'missed' | 'retry'
  /** When it is dialled next, if it is open. */
  next_at: number
}

/** The callback after a call that carried it out, or tried to. */
export function afterCallback(
  campaign: Pick<Campaign, 'retry' | 'callbacks'>,
  attempt: Ended,
  agreement: Agreement,
  now: number,
  hours: Hours,
): NextAgreement {
  const over = { ...agreement, next_at: 0 }
  if (attempt.answered || attempt.disposition === 'opted_out') return { ...over, state: 'done' }
  const { disposition } = attempt
  if (disposition === 'cancelled') {
    if (!attempt.interrupted) return { ...over, state: 'done' }
    if (now < agreement.expires_at) return { ...over, state: 'open', next_at: now }
    return missed(campaign, agreement, now, hours)
  }
  if (disposition === 'technical' && !attempt.dialed && now + OUR_FAULT < agreement.expires_at)
    return { ...agreement, state: 'open', next_at: now + OUR_FAULT }
  const due = retryAt(campaign, attempt, agreement.tries, now, hours)
  if (due === null || due >= agreement.expires_at) return missed(campaign, agreement, now, hours)
  const tries = { ...agreement.tries, [disposition]: (agreement.tries[disposition] ?? 0) + 1 }
  return { ...agreement, state: 'open', next_at: due, tries }
}

/** The contact's next state after a call, which may have carried out an agreement; what became of that goes in. */
export function afterCall(
  campaign: Pick<Campaign, 'retry' | 'attempts'>,
  attempt: Ended,
  agreement: NextAgreement | null,
  past: Past,
  now: number,
  hours: Hours,
): Next {
  if (agreement !== null && agreement.state === 'retry') return { state: 'p', due: 0, rule: '', tries: {} }
  // An agreement that nobody answered is tried again as such, or is over; the contact's own rules do not add to it.
  if (agreement !== null && !attempt.answered) return { state: 'x', due: 0, rule: '', tries: {} }
  return afterAttempt(campaign, attempt, past, now, hours)
}

/** The callback whose time has run out, by the campaign's `on_missed`. */
export function missed(
  campaign: Pick<Campaign, 'callbacks'>,
  agreement: Agreement,
  now: number,
  hours: Hours,
): NextAgreement {
  const over = { ...agreement, next_at: 0 }
  switch (campaign.callbacks.on_missed) {
    case 'close':
      return { ...over, state: 'missed' }
    case 'retry':
      return { ...over, state: 'retry' }
    case 'next_day': {
      const due = agreement.moved ? null : sameHourNextDay(agreement.due_at, now, hours)
      if (due === null) return { ...over, state: 'missed' }
      const expires_at = due + (agreement.expires_at - agreement.due_at)
      return { due_at: due, expires_at, moved: true, tries: {}, state: 'open', next_at: due }
    }
    default: {
      const never: never = campaign.callbacks.on_missed
      return never
    }
  }
}

/** The hour that was agreed on, on the first later day on which it lies ahead of us; moved to an opening. */
function sameHourNextDay(agreed: number, now: number, hours: Hours): number | null {
  const zone = hours.zones[0]
  if (zone === undefined) return null
  let due = agreed
  do due = sameTimeNextDay(due, zone)
  while (due <= now)
  return nextOpening(due, hours.zones, hours.windows, hours.holidays, YEAR)
}
