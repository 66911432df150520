/** A whole campaign as a forecast reads it: bucket by bucket, so that live work goes on in between. */
import { type Callback, callbackOf } from './callbacks.ts'
import { type Progress, progressOf, type RawProgress } from './contacts.ts'
import type { Db } from './db.ts'
import { ROWS_A_BUCKET } from './keys.ts'
import type { Row } from './rows.ts'
import { agreementsScript, surveyScript } from './scripts/survey.ts'

export interface Surveyed {
  row: number
  contact: Row
  progress: Progress
  /** On the do-not-call list. */
  listed: boolean
  /** Attempts of the last week that count against the caps by number, newest first, ms. */
  times: number[]
  /** Until when it is left alone after an opt-out or an abandoned call, ms; 0: it is not. */
  alone: number
}

type Unpack = (campaign: string, packed: string) => Promise<Row>

export class Survey {
  private readonly db: Db
  private readonly unpack: Unpack
  constructor(db: Db, unpack: Unpack) {
    this.db = db
    this.unpack = unpack
  }

  /** Every contact in the order of the file, some at a time; of those that are done nothing is looked up. */
  async *contacts(campaign: string, now: number): AsyncGenerator<Surveyed[]> {
    let rows = 1
    for (let from = 0; from < rows; from += ROWS_A_BUCKET) {
      const answer = await this.db.run<{
        rows: number
        of: [number, string, RawProgress, number?, number[]?, number?][] | Record<string, never>
      }>(surveyScript, { campaign, from, now })
      rows = answer.rows
      const found: Surveyed[] = []
      for (const [row, packed, raw, listed, times, alone] of Array.isArray(answer.of) ? answer.of : [])
        found.push({
          row,
          contact: await this.unpack(campaign, packed),
          progress: progressOf(raw),
          listed: listed === 1,
          // Lua tells an empty list as an empty map.
          times: Array.isArray(times) ? times : [],
          alone: alone ?? 0,
        })
      yield found
    }
  }

  /** The agreements that are open, with the time (ms) at which each is tried next. */
  async agreements(campaign: string, now: number): Promise<{ callback: Callback; next_at: number }[]> {
    const found: { callback: Callback; next_at: number }[] = []
    for (let from = 0, more = true; more; from += 200) {
      const answer = await this.db.run<{ more: boolean; callbacks: Record<string, string>[] | Record<string, never> }>(
        agreementsScript,
        { campaign, from, now },
      )
      more = answer.more
      for (const hash of Array.isArray(answer.callbacks) ? answer.callbacks : []) {
        const callback = callbackOf(hash)
        if (callback !== null) found.push({ callback, next_at: Number(hash.next_at) })
      }
    }
    return found
  }
}
