/**
 * When a schedule runs: cron in the local time of a zone, and what that means where the clocks change.
 *
 * croner finds the local minutes that a pattern names; they are enumerated as if the zone were UTC, and each is put into
 * the zone here. A minute that is skipped there runs at the first one that exists again, together with all others of that
 * gap; a minute that comes twice runs the first time alone. So every local day has each of its runs exactly once.
 * (croner's own rule for zones differs by how the pattern is written.)
 */
import { Cron } from 'croner'
import { IANAZone } from 'luxon'

const MINUTE = 60_000
const DAY = 86_400_000

const patterns = new Map<string, Cron>()

function patternOf(cron: string): Cron {
  let pattern = patterns.get(cron)
  if (pattern === undefined) {
    pattern = new Cron(cron, { timezone: 'UTC', mode: '5-part', paused: true })
    patterns.set(cron, pattern)
  }
  return pattern
}

/** What is wrong with a pattern of five parts (minute, hour, day of the month, month, day of the week); null: nothing. */
export function cronFault(cron: string): string | null {
  if (!cron.startsWith('@') && cron.trim().split(/\s+/).length !== 5)
    return `"${cron}" has not five parts: minute, hour, day of the month, month, day of the week`
  try {
    return patternOf(cron).nextRun(new Date(0)) === null ? `"${cron}" names no day that there ever is` : null
  } catch (error) {
    return `"${cron}" is not a cron pattern: ${(error as Error).message.replace(/^CronPattern: |\.+$/g, '')}`
  }
}

/** The first run after `after`, both ms since the epoch; null when there is none. `zone` must be known. */
export function nextRun(cron: string, zone: string, after: number): number | null {
  const iana = IANAZone.create(zone)
  let local: Date | null = new Date(after + iana.offset(after) * MINUTE)
  for (;;) {
    local = patternOf(cron).nextRun(local)
    if (local === null) return null
    const at = instantOf(local.getTime(), iana)
    if (at > after) return at
  }
}

/** The first instant at which the clocks of the zone show this local time; one that is skipped: the end of the gap. */
function instantOf(local: number, zone: IANAZone): number {
  const offsets = [zone.offset(local - DAY), zone.offset(local + DAY)].map((minutes) => minutes * MINUTE)
  const shown = offsets.map((offset) => local - offset).filter((at) => at + zone.offset(at) * MINUTE === local)
  if (shown.length > 0) return Math.min(...shown)
  let before = local - Math.max(...offsets)
  let behind = local - Math.min(...offsets)
  const old = zone.offset(before)
  while (behind - before > 1) {
    const middle = Math.floor((before + behind) / 2)
    if (zone.offset(middle) === old) before = middle
    else behind = middle
  }
  return behind
}
