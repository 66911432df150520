/**
 * What somebody types on a telephone, read as what it was meant to be. `date` is DDMMYYYY or DDMM (the next such day,
 * today counts), kept as 2026-12-01; `time` is HHMM, kept as 16:30; `phone` is kept in E.164.
 */

import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js'
import { DateTime } from 'luxon'
import type { CallContext } from './io.ts'
import { zoneOf } from './zone.ts'

export type EntryType = 'digits' | 'number' | 'date' | 'time' | 'phone'
/** The least or the largest that fits; null is no limit. Dates and times compare as text. */
export type Limit = number | string | null

/** The value to be kept, or null when the keys do not fit the type or its limits. */
export function readEntry(
  type: EntryType,
  keys: string,
  min: Limit,
  max: Limit,
  at: number,
  context: CallContext,
): string | number | null {
  if (!/^\d*$/.test(keys)) return null
  const value = read(type, keys, at, context)
  if (value === null) return null
  const measured = type === 'digits' || type === 'number' ? Number(value) : value
  if (min !== null && measured < min) return null
  if (max !== null && measured > max) return null
  return value
}

function read(type: EntryType, keys: string, at: number, context: CallContext): string | number | null {
  switch (type) {
    case 'digits':
      return keys
    case 'number':
      // Of a longer one the last digits would be lost.
      return keys !== '' && Number.isSafeInteger(Number(keys)) ? Number(keys) : null
    case 'date':
      return readDate(keys, at, context.zones[0] ?? 'UTC')
    case 'time': {
      const [hour, minute] = [keys.slice(0, 2), keys.slice(2)]
      return keys.length === 4 && Number(hour) < 24 && Number(minute) < 60 ? `${hour}:${minute}` : null
    }
    case 'phone':
      return readPhone(keys, context)
  }
}

function readDate(keys: string, at: number, zone: string): string | null {
  if (keys.length !== 4 && keys.length !== 8) return null
  const day = Number(keys.slice(0, 2))
  const month = Number(keys.slice(2, 4))
  const today = DateTime.fromMillis(at, { zone: zoneOf(zone) }).startOf('day')
  const inYear = (year: number) => DateTime.fromObject({ year, month, day }, { zone: zoneOf(zone) })
  if (keys.length === 8) {
    const date = inYear(Number(keys.slice(4)))
    return date.isValid && Number(keys.slice(4)) >= 1000 ? date.toISODate() : null
  }
  // Eight years hold a 29 February, also around a year that is divisible by 100.
  for (let year = today.year; year <= today.year + 8; year++) {
    const date = inYear(year)
    if (date.isValid && date.toISODate()! >= today.toISODate()!) return date.toISODate()
  }
  return null
}

/** A number as it is typed, in E.164; one without its country belongs to the country of the call. */
export function readPhone(keys: string, context: CallContext): string | null {
  const country = (context.country ?? parsePhoneNumberFromString(context.number)?.country) as CountryCode | undefined
  const international = keys.startsWith('+') ? keys : keys.startsWith('00') ? `+${keys.slice(2)}` : null
  const parsed = parsePhoneNumberFromString(international ?? keys, country)
  return parsed?.isPossible() && parsed.isValid() ? parsed.number : null
}

/** A `min` or `max` as it is written; a sentence when it does not fit the type. */
export function readLimit(type: EntryType, raw: unknown): { limit: Limit } | string {
  if (raw === undefined) return { limit: null }
  switch (type) {
    case 'digits':
    case 'number':
      return typeof raw === 'number' || /^\d+$/.test(String(raw)) ? { limit: Number(raw) } : 'expected a number'
    case 'date':
      return /^\d{4}-\d\d-\d\d$/.test(String(raw)) ? { limit: String(raw) } : 'expected a date as 2026-12-01'
    case 'time':
      return /^\d\d:\d\d$/.test(String(raw)) ? { limit: String(raw) } : 'expected a time as 16:30'
    case 'phone':
      return 'a telephone number has no limits'
  }
}
