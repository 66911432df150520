/**
 * Pages of calls, as they are listed: which calls, in one look, then all of each in another. A page of a thousand must come over
 * a slow network, too, within the time that a client waits, so its round trips do not grow with it.
 */
import type { StepTrace } from '../call/record.ts'
import { type Attempt, attemptOf } from './attempt-record.ts'
import { beforeEntry } from './cursor.ts'
import type { Db } from './db.ts'
import { keys } from './keys.ts'

/** An attempt with the steps that it has gone through and its second channels, `ID.1`, `ID.2`, …. */
export interface WholeCall {
  attempt: Attempt
  steps: StepTrace[]
  legs: Attempt[]
}

export interface PageIds {
  /** In their order. */
  live: string[]
  /** Newest first, each with its place: the cursor of what comes after it. */
  ended: { id: string; place: string }[]
}

/** Ids of the calls that are on, and of those that have ended from before `cursor`; null: none of these are asked for. */
export async function pageIds(
  db: Db,
  campaign: string | null,
  { live, ended }: { live: boolean; ended: { cursor: string | null; limit: number } | null },
): Promise<PageIds> {
  const from = ended && beforeEntry(ended.cursor)
  const found = await db.batch<unknown[]>((pipeline) => {
    if (live) pipeline.smembers(campaign === null ? keys.live : keys.campaignLive(campaign))
    if (ended)
      pipeline.xrevrange(campaign === null ? keys.ended : keys.results(campaign), from!, '-', 'COUNT', ended.limit)
  })
  const entries = ended ? (found.at(-1) as [string, string[]][]) : []
  return {
    live: live ? (found[0] as string[]).sort() : [],
    ended: entries.map(([place, fields]) => ({ id: fields[1] ?? '', place })),
  }
}

/** Those that are there, in the order of the ids: one round trip, and one more for each leg beyond the first that any of them has. */
export async function wholeCalls(db: Db, ids: string[]): Promise<WholeCall[]> {
  if (ids.length === 0) return []
  const found = await db.batch<(Record<string, string> & string[])[]>((pipeline) => {
    for (const id of ids)
      pipeline
        .hgetall(keys.attempt(id))
        .lrange(keys.steps(id), 0, -1)
        .hgetall(keys.attempt(`${id}.1`))
  })
  const calls = ids.flatMap((_, n): WholeCall[] => {
    const [attempt, leg] = [attemptOf(found[3 * n]!), attemptOf(found[3 * n + 2]!)]
    const steps = found[3 * n + 1]!.map((text) => JSON.parse(text) as StepTrace)
    return attempt === null ? [] : [{ attempt, steps, legs: leg === null ? [] : [leg] }]
  })
  for (let more = calls.filter(({ legs }) => legs.length > 0), n = 2; more.length > 0; n += 1) {
    const legs = await db.batch<Record<string, string>[]>((pipeline) => {
      for (const { attempt } of more) pipeline.hgetall(keys.attempt(`${attempt.record.id}.${n}`))
    })
    more = more.filter((call, i) => {
      const leg = attemptOf(legs[i]!)
      if (leg !== null) call.legs.push(leg)
      return leg !== null
    })
  }
  return calls
}
