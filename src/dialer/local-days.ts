/** The calendar days of the people called: what the caps by day count in. Bounds are found once a zone and day. */
import { localDate, nextLocalDay } from '../flow/calendar.ts'

export interface LocalDay {
  /** YYYY-MM-DD. */
  date: string
  /** First instant of it, and of the next one; ms since the epoch. */
  start: number
  end: number
}

const LONGEST_DAY = 26 * 3_600_000

export class LocalDays {
  private readonly known = new Map<string, LocalDay>()

  /** The day in `zone` (which must be known) that `now` lies in. */
  of(zone: string, now: number): LocalDay {
    const last = this.known.get(zone)
    if (last !== undefined && now >= last.start && now < last.end) return last
    let start = nextLocalDay(now - LONGEST_DAY, zone)
    let end = nextLocalDay(start, zone)
    while (end <= now) {
      start = end
      end = nextLocalDay(start, zone)
    }
    const day = { date: localDate(now, zone), start, end }
    this.known.set(zone, day)
    return day
  }
}
