/** Answers kept under an `Idempotency-Key` for 24 hours, so that a request that is sent again does nothing again. */
import type { Db } from './db.ts'
import { keys } from './keys.ts'

/** `answer` null: the first request is still under way. */
export interface KeptAnswer {
  fingerprint: string
  answer: { status: number; body: string; type: string } | null
}

const DAY = 86_400_000

export class Idempotency {
  private readonly db: Db
  constructor(db: Db) {
    this.db = db
  }

  /** Takes the key, at once and only once: null when it is ours now, else what is kept under it. */
  async claim(key: string, fingerprint: string): Promise<KeptAnswer | null> {
    const ours: KeptAnswer = { fingerprint, answer: null }
    // NX with GET gives the former value and sets only when there was none.
    const kept = await this.db.call((redis) =>
      redis.set(keys.idempotency(key), JSON.stringify(ours), 'PX', DAY, 'NX', 'GET'),
    )
    return kept === null ? null : (JSON.parse(kept) as KeptAnswer)
  }

  async keep(key: string, kept: KeptAnswer): Promise<void> {
    await this.db.call((redis) => redis.set(keys.idempotency(key), JSON.stringify(kept), 'PX', DAY))
  }

  async release(key: string): Promise<void> {
    await this.db.call((redis) => redis.del(keys.idempotency(key)))
  }
}
