/** Answers that are kept for a request that comes again. */
/** An answer kept under an `Idempotency-Key`. `answer` null: the first request is still under way. */
export interface KeptAnswer {
  fingerprint: string
  answer: { status: number; body: string; type: string } | null
}

export interface IdempotencyPort {
  /** Takes the key for 24 h, at once and only once; null: it is ours, else what is kept under it. */
  claim(key: string, fingerprint: string): Promise<KeptAnswer | null>
  keep(key: string, kept: KeptAnswer): Promise<void>
  /** Gives the key back after an answer that says "again" (503, 429). */
  release(key: string): Promise<void>
}
