/**
 * The do-not-call list: numbers, and prefixes with `*` at their end, for everybody or for one campaign. The gate reads it
 * inside the reserve script; here it is kept.
 */
import { scanOf } from './cursor.ts'
import type { Db } from './db.ts'
import { keys } from './keys.ts'

export interface DncEntry {
  /** E.164 or an extension; a prefix ends with `*`. */
  number: string
  campaign: string | null
  reason: string | null
  at: number
}

export class DoNotCall {
  private readonly db: Db
  constructor(db: Db) {
    this.db = db
  }

  /** True when it was not on the list before. An entry that is there keeps its time and reason. */
  async add(entry: DncEntry): Promise<boolean> {
    const text = JSON.stringify({ reason: entry.reason, at: entry.at })
    return (await this.db.call((redis) => redis.hsetnx(keys.dnc(entry.campaign), entry.number, text))) === 1
  }

  /** Many at once; how many were new. */
  async addMany(entries: DncEntry[]): Promise<number> {
    if (entries.length === 0) return 0
    const added = await this.db.batch<number[]>((pipeline) => {
      for (const { number, campaign, reason, at } of entries)
        pipeline.hsetnx(keys.dnc(campaign), number, JSON.stringify({ reason, at }))
    })
    return added.reduce((sum, one) => sum + one, 0)
  }

  /** False when it was not there. */
  async remove(number: string, campaign: string | null): Promise<boolean> {
    return (await this.db.call((redis) => redis.hdel(keys.dnc(campaign), number))) === 1
  }

  async get(number: string, campaign: string | null): Promise<DncEntry | null> {
    const text = await this.db.call((redis) => redis.hget(keys.dnc(campaign), number))
    return text === null ? null : { number, campaign, ...(JSON.parse(text) as { reason: string | null; at: number }) }
  }

  /** The entry that forbids calling this number: itself or a prefix, on the common list or the campaign's; null when none does. */
  async covering(number: string, campaign: string | null): Promise<DncEntry | null> {
    for (const list of campaign === null ? [null] : [null, campaign]) {
      const [first] = await this.on(list, number)
      if (first !== undefined) return first
    }
    return null
  }

  /** Every entry of one list that forbids calling this number, itself first. */
  async on(list: string | null, number: string): Promise<DncEntry[]> {
    const fields = [number]
    for (let length = 2; length <= number.length; length++) fields.push(`${number.slice(0, length)}*`)
    const found = await this.db.call((redis) => redis.hmget(keys.dnc(list), ...fields))
    return found.flatMap((text, i) =>
      text === null
        ? []
        : [
            {
              number: fields[i] ?? number,
              campaign: list,
              ...(JSON.parse(text) as { reason: string | null; at: number }),
            },
          ],
    )
  }

  /** A page of one list; `cursor` as `next` gave it. Entries may come twice while the list changes. */
  async list(
    campaign: string | null,
    cursor: string | null,
    limit: number,
  ): Promise<{ entries: DncEntry[]; next: string | null }> {
    const entries: DncEntry[] = []
    let { at, skip } = scanOf(cursor)
    for (;;) {
      const [next, flat] = await this.db.call((redis) => redis.hscan(keys.dnc(campaign), at, 'COUNT', limit))
      const found = flat.length / 2
      for (; skip < found && entries.length < limit; skip++)
        entries.push({
          number: flat[2 * skip] ?? '',
          campaign,
          ...(JSON.parse(flat[2 * skip + 1] ?? '{}') as { reason: string | null; at: number }),
        })
      // A step of the scan may hold more than the page; a small list comes in one step, whatever was asked.
      if (skip < found) return { entries, next: `${at}.${skip}` }
      if (next === '0') return { entries, next: null }
      at = next
      skip = Math.max(0, skip - found)
      if (entries.length === limit) return { entries, next: `${at}.0` }
    }
  }
}
