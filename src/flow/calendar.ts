/**
 * Opening hours: when may a telephone ring?
 *
 * A set of windows gives each day of the week its open minutes, in the local time of the person called. Someone whose
 * zone is unsure has several zones, and it must be open in all of them at once; policy, campaign and step each bring a
 * set, and all must be open. Everything here is an intersection, so the first common opening is found by pushing one
 * instant forward until no zone and no set of windows pushes it further.
 *
 * Between two changes of a zone's offset, local time is UTC plus a constant: openings are plain arithmetic there, and
 * the changes themselves are found by bisection. So an hour that is skipped opens nothing, and an hour that comes twice
 * is open twice. Windows and offsets have a grain of one minute: a verdict holds until the minute's end.
 */

import { parsePhoneNumberFromString } from 'libphonenumber-js'
import { DateTime, type IANAZone } from 'luxon'
import type { Windows } from './io.ts'
import { zoneOf } from './zone.ts'

const MINUTE = 60_000
const DAY = 86_400_000
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
type Day = (typeof DAYS)[number]
type Interval = { from: number; to: number }

/**
 * Reads windows as they are written: `{ mon-fri: ["09:00-13:00", "14:00-18:00"], sat: "10:00-12:00" }`; a bare text or
 * list stands for every day. The end is exclusive, `24:00` is allowed, a day not named is closed, overlaps are merged.
 * Returns the windows, or a sentence that says what is wrong.
 */
export function parseWindows(spec: unknown): Windows | string {
  const everyDay = typeof spec === 'string' || Array.isArray(spec)
  if (!everyDay && (typeof spec !== 'object' || spec === null))
    return 'windows are a map of days, e.g. { mon-fri: "09:00-18:00" }'
  const found = new Map<Day, Interval[]>(DAYS.map((day) => [day, []]))
  const entries: [string, unknown][] = everyDay ? [['mon-sun', spec]] : Object.entries(spec as object)
  for (const [name, value] of entries) {
    const days = parseDays(name)
    if (typeof days === 'string') return days
    for (const text of Array.isArray(value) ? value : [value]) {
      const interval = parseInterval(text)
      if (typeof interval === 'string') return `${name}: ${interval}`
      for (const day of days) found.get(day)?.push({ ...interval })
    }
  }
  const windows = Object.fromEntries(DAYS.map((day) => [day, merge(found.get(day) ?? [])])) as Windows
  if (DAYS.every((day) => windows[day].length === 0)) return 'windows name no open time: no call could ever be made'
  return windows
}

function parseDays(name: string): Day[] | string {
  const [first, last, more] = name.toLowerCase().split('-')
  const from = DAYS.indexOf(first as Day)
  const to = last === undefined ? from : DAYS.indexOf(last as Day)
  if (from < 0 || to < 0 || more !== undefined)
    return `"${name}" is not a day: use mon, tue, wed, thu, fri, sat, sun or a range as mon-fri`
  return DAYS.filter((_, i) => (from <= to ? i >= from && i <= to : i >= from || i <= to))
}

function parseInterval(text: unknown): Interval | string {
  const match = typeof text === 'string' ? /^\s*(\d{1,2}):([0-5]\d)\s*-\s*(\d{1,2}):([0-5]\d)\s*$/.exec(text) : null
  if (match === null) return `"${text}" is not an interval: write "HH:MM-HH:MM"`
  const from = Number(match[1]) * 60 + Number(match[2])
  const to = Number(match[3]) * 60 + Number(match[4])
  if (from > 1440 || to > 1440) return `"${text}" goes past 24:00`
  if (from >= to) return `"${text}" ends before it begins: past midnight, name the next day as well`
  return { from, to }
}

function merge(intervals: Interval[]): Interval[] {
  const merged: Interval[] = []
  for (const next of intervals.sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1)
    if (last !== undefined && next.from <= last.to) last.to = Math.max(last.to, next.to)
    else merged.push(next)
  }
  return merged
}

/** Is this an IANA zone that the calendar knows? */
export function isZone(name: string): boolean {
  return zoneOf(name).isValid
}

/**
 * Is every window open in every zone at `at` (ms since the epoch)? `holidays` are local dates, YYYY-MM-DD. No zone, or
 * one that is not known, is closed: a call that may be illegal is not made. The answer holds until the minute's end.
 */
export function isOpen(at: number, zones: string[], windows: Windows[], holidays: string[]): boolean {
  const closed = new Set(holidays)
  return (
    zones.length > 0 &&
    zones.every((name) => {
      const zone = zoneOf(name)
      return zone.isValid && openIn(zone.offset(at) * MINUTE, at, windows, closed)
    })
  )
}

/** The local date (YYYY-MM-DD) in `zone` at `at`. */
export function localDate(at: number, zone: string): string {
  return dateOf(Math.floor((at + zoneOf(zone).offset(at) * MINUTE) / DAY))
}

/** The instant at which the next local day begins in `zone`, ms since the epoch. */
export function nextLocalDay(at: number, zone: string): number {
  const iana = zoneOf(zone)
  const today = localDate(at, zone)
  return firstInstant(at, at + 2 * DAY, (t) => dateOf(Math.floor((t + iana.offset(t) * MINUTE) / DAY)) > today)
}

/**
 * The first instant, `at` or later, at which every window is open in every zone; null when there is none within
 * `horizonMs`. Right over nights when the clocks change.
 */
export function nextOpening(
  at: number,
  zones: string[],
  windows: Windows[],
  holidays: string[],
  horizonMs: number,
): number | null {
  const closed = new Set(holidays)
  const known = zones.map((name) => zoneOf(name))
  if (known.length === 0 || known.some((zone) => !zone.isValid)) return null
  const latest = at + horizonMs
  let candidate = at
  let agreed = 0
  for (let i = 0; agreed < known.length; i = (i + 1) % known.length) {
    const opening = openingIn(known[i]!, candidate, windows, closed, latest)
    if (opening === null) return null
    agreed = opening === candidate ? agreed + 1 : 1
    candidate = opening
  }
  return candidate
}

function openingIn(zone: IANAZone, at: number, windows: Windows[], closed: Set<string>, latest: number): number | null {
  let t = at
  while (t <= latest) {
    const minutes = zone.offset(t)
    const dayEnd = t + DAY - positive(t + minutes * MINUTE, DAY)
    const change = zone.offset(dayEnd) === minutes ? dayEnd : firstInstant(t, dayEnd, (u) => zone.offset(u) !== minutes)
    const opening = openingOfDay(minutes * MINUTE, t, windows, closed)
    if (opening !== null && opening < change) return opening <= latest ? opening : null
    t = change
  }
  return null
}

/** The first open instant of this local day, `t` or later, as if the offset (ms) stayed as it is. */
function openingOfDay(offset: number, t: number, windows: Windows[], closed: Set<string>): number | null {
  if (openIn(offset, t, windows, closed)) return t
  const local = t + offset
  const day = Math.floor(local / DAY)
  if (closed.has(dateOf(day))) return null
  const starts = windows.flatMap((set) => set[dayOfWeek(day)].map(({ from }) => day * DAY + from * MINUTE - offset))
  const later = starts.filter((start) => start > t && openIn(offset, start, windows, closed))
  return later.length === 0 ? null : Math.min(...later)
}

function openIn(offset: number, t: number, windows: Windows[], closed: Set<string>): boolean {
  const local = t + offset
  const day = Math.floor(local / DAY)
  const minute = Math.floor(positive(local, DAY) / MINUTE)
  if (closed.has(dateOf(day))) return false
  return windows.every((set) => set[dayOfWeek(day)].some(({ from, to }) => minute >= from && minute < to))
}

/** The first instant in (from, to] at which `holds` is true, to the millisecond; it must turn true once and stay so. */
function firstInstant(from: number, to: number, holds: (t: number) => boolean): number {
  let low = from
  let high = to
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (holds(middle)) high = middle
    else low = middle
  }
  return high
}

function positive(value: number, modulus: number): number {
  return ((value % modulus) + modulus) % modulus
}

/** Days are counted from 1970-01-01, a Thursday. */
function dayOfWeek(day: number): Day {
  return DAYS[positive(day + 3, 7)]!
}

function dateOf(day: number): string {
  return new Date(day * DAY).toISOString().slice(0, 10)
}

const zonesByCountry = new Map<string, string[]>()
const countryByNumber = new Map<string, string | undefined>()
/** A number is asked about several times while it is called, and hardly again. */
const REMEMBERED = 10_000

/**
 * The zones in which the owner of this E.164 number may live: all zones of its country, by the data that Node carries
 * (`docs/decisions/0050-zones-of-a-number.md`). Empty when the country is not known.
 */
export function zonesOf(number: string): string[] {
  if (!countryByNumber.has(number)) {
    if (countryByNumber.size >= REMEMBERED) countryByNumber.clear()
    countryByNumber.set(number, parsePhoneNumberFromString(number)?.country)
  }
  const country = countryByNumber.get(number)
  return country === undefined ? [] : zonesOfCountry(country)
}

function zonesOfCountry(country: string): string[] {
  let zones = zonesByCountry.get(country)
  if (zones === undefined) {
    // Node 20 has the getter, later V8 only the method.
    const locale = new Intl.Locale(`und-${country}`) as unknown as {
      timeZones?: string[]
      getTimeZones?: () => string[] | undefined
    }
    zones = locale.getTimeZones?.() ?? locale.timeZones ?? []
    zonesByCountry.set(country, zones)
  }
  return zones
}

/** The same time of day on the next local day in `zone`; an hour that is skipped there moves on by what is skipped. */
export function sameTimeNextDay(at: number, zone: string): number {
  return DateTime.fromMillis(at, { zone: zoneOf(zone) })
    .plus({ days: 1 })
    .toMillis()
}
