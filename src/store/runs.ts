/** Runs of `apel batch`, kept under the id that the caller chose, so that the same id starts nothing twice. */
import type { Db } from './db.ts'
import { keys } from './keys.ts'

export interface Run {
  id: string
  campaign: string
  /** ms; when the id was first seen. */
  at: number
  started_at: number | null
  ended_at: number | null
  exit: number | null
}

/** ms that a run is remembered after it was last touched. */
const KEPT = 90 * 86_400_000

export class Runs {
  private readonly db: Db
  constructor(db: Db) {
    this.db = db
  }

  /** Takes the id; `created` false when it was there before. */
  async begin(campaign: string, id: string, now: number): Promise<{ created: boolean; run: Run }> {
    const key = keys.run(campaign, id)
    const [first] = await this.db.batch<[number, number]>((pipeline) =>
      pipeline.hsetnx(key, 'at', String(now)).pexpire(key, KEPT),
    )
    return { created: first === 1, run: await this.get(campaign, id) }
  }

  /** Sets `started_at`, or `exit` and `ended_at`; what is set stays. */
  async change(campaign: string, id: string, change: { started?: true; exit?: number }, now: number): Promise<Run> {
    const key = keys.run(campaign, id)
    await this.db.batch((pipeline) => {
      if (change.started) pipeline.hsetnx(key, 'started_at', String(now))
      if (change.exit !== undefined)
        pipeline.hsetnx(key, 'exit', String(change.exit)).hsetnx(key, 'ended_at', String(now))
      return pipeline.pexpire(key, KEPT)
    })
    return await this.get(campaign, id)
  }

  private async get(campaign: string, id: string): Promise<Run> {
    const hash = await this.db.call((redis) => redis.hgetall(keys.run(campaign, id)))
    const number = (name: string): number | null => (hash[name] === undefined ? null : Number(hash[name]))
    return {
      id,
      campaign,
      at: number('at') ?? 0,
      started_at: number('started_at'),
      ended_at: number('ended_at'),
      exit: number('exit'),
    }
  }
}
