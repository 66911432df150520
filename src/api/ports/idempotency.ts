/** Answers that are kept for a request that comes again. */
/** An answer kept under an `Idempotency-Key`. `answer` null: the first request is still under way. */
export interface KeptAnswer {
  fingerprint: string
  answer: { status: number; body: string; type: string } | null
}

export interface IdempotencyPort {
  /**
   * Takes the key for 24 h, at once and only once. `id` is for what the request makes: who performs it again, `patience` ms
   * later or after a `release`, is given the same. Else what is kept under the key.
   */
  claim(key: string, fingerprint: string, patience: number): Promise<{ id: string } | { kept: KeptAnswer }>
  keep(key: string, kept: KeptAnswer): Promise<void>
  /** Gives the key back after an answer that says "again" (503, 429): the same request may be sent at once. */
  release(key: string, fingerprint: string, id: string): Promise<void>
}
