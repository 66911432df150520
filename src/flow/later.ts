/**
 * The times that a callback offers: "in half an hour", "tomorrow at ten", or one that is typed. All are times of the
 * person called. Whatever they choose is moved to the next moment at which everything is open (`calendar.ts`) before
 * it is spoken.
 */

import { DateTime } from 'luxon'
import { nextOpening } from './calendar.ts'
import { DURATION, parseDuration } from './duration.ts'
import type { CallContext, Windows } from './io.ts'
import type { SpokenDay } from './phrases.ts'
import { zoneOf } from './zone.ts'

export type Choice =
  | { kind: 'in'; ms: number }
  /** `day`: 0 is Monday; null is the next such time. */
  | { kind: 'at'; day: 'today' | 'tomorrow' | number | null; time: string }
  | { kind: 'typed' }

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const LONG_DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']
const MINUTE = 60_000
const DAY = 86_400_000
/** Nothing opens within this time: there is no callback. */
const HORIZON = 7 * DAY

/** `30m`, `16:30`, `tomorrow 10:00`, `mon 09:00` or `enter_time`; null when it is none of them. */
export function readChoice(text: string): Choice | null {
  if (text === 'enter_time') return { kind: 'typed' }
  if (DURATION.test(text)) return { kind: 'in', ms: parseDuration(text)! }
  const match = /^(?:([a-z]+)\s+)?(?:at\s+)?(\d{1,2}):([0-5]\d)$/.exec(text.trim().toLowerCase())
  if (match === null || Number(match[2]) > 23) return null
  const time = `${match[2]!.padStart(2, '0')}:${match[3]}`
  const word = match[1]
  if (word === undefined) return { kind: 'at', day: null, time }
  if (word === 'today' || word === 'tomorrow') return { kind: 'at', day: word, time }
  const day = Math.max(DAYS.indexOf(word), LONG_DAYS.indexOf(word))
  return day < 0 ? null : { kind: 'at', day, time }
}

/** When that is, ms since the epoch, for somebody who chose it at `at`; a time of today that is over is tomorrow's. */
export function wantedTime(choice: Exclude<Choice, { kind: 'typed' }>, at: number, zone: string): number {
  if (choice.kind === 'in') return at + choice.ms
  const [hour, minute] = choice.time.split(':').map(Number)
  const today = DateTime.fromMillis(at, { zone: zoneOf(zone) }).set({ hour, minute, second: 0, millisecond: 0 })
  if (choice.day === 'tomorrow') return today.plus({ days: 1 }).toMillis()
  for (let days = 0; days <= 7; days++) {
    const day = today.plus({ days })
    const fits = typeof choice.day !== 'number' || day.weekday - 1 === choice.day
    if (fits && day.toMillis() > at) return day.toMillis()
  }
  return today.plus({ days: 1 }).toMillis()
}

/** Four typed digits as the next such time to come, ms since the epoch; null when there is no such time. */
export function typedTime(keys: string, at: number, zone: string): number | null {
  if (!/^([01]\d|2[0-3])[0-5]\d$/.test(keys)) return null
  return wantedTime({ kind: 'at', day: null, time: `${keys.slice(0, 2)}:${keys.slice(2)}` }, at, zone)
}

/** The first open moment from then on, by all windows; null when nothing opens within 7 days. */
export function open(wanted: number, context: CallContext, window: Windows | null): number | null {
  const windows = window === null ? context.windows : [...context.windows, window]
  return nextOpening(wanted, context.zones, windows, context.holidays, HORIZON)
}

/** How a moment is spoken, rounded to the minute. */
export function spokenTime(due: number, at: number, zone: string): { day: SpokenDay; time: string } {
  const moment = localTime(Math.round(due / MINUTE) * MINUTE, zone)
  const today = Math.floor(localTime(at, zone) / DAY)
  const days = Math.floor(moment / DAY) - today
  const [date, time] = new Date(moment).toISOString().split('T') as [string, string]
  const day: SpokenDay =
    days <= 0
      ? { day: 'today' }
      : days === 1
        ? { day: 'tomorrow' }
        : days < 7
          ? { day: 'weekday', weekday: (new Date(moment).getUTCDay() + 6) % 7 }
          : { day: 'date', date }
  return { day, time: time.slice(0, 5) }
}

/** What the clock shows there, as milliseconds since the epoch would show it in UTC. */
function localTime(at: number, zone: string): number {
  return at + zoneOf(zone).offset(at) * MINUTE
}
