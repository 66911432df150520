/** Requests that wait for their answers: each ends by its answer, its deadline, or the end of the link. */
import { type AriAnswer, noAnswer, nodeDown } from './link.ts'

export interface Pending {
  /** Begins to wait. `what` is for the sentence when no answer comes within `ms`. */
  wait(id: string, what: string, ms: number): Promise<AriAnswer>
  /** False when nobody waits for it (any more). */
  answer(id: string, answer: AriAnswer): boolean
  fail(id: string, error: Error): void
  waits(id: string): boolean
  /** Rejects all, and every later one. */
  end(reason: string): void
  ended(): string | null
}

export function makePending(node: string): Pending {
  const waiting = new Map<string, { timer: NodeJS.Timeout; resolve(a: AriAnswer): void; reject(e: Error): void }>()
  let over: string | null = null

  const take = (id: string): { resolve(a: AriAnswer): void; reject(e: Error): void } | undefined => {
    const entry = waiting.get(id)
    if (entry) clearTimeout(entry.timer)
    waiting.delete(id)
    return entry
  }

  return {
    wait: (id, what, ms) =>
      new Promise((resolve, reject) => {
        if (over !== null) return reject(nodeDown(node, over, false))
        const timer = setTimeout(() => take(id)?.reject(noAnswer(node, what, ms)), ms)
        waiting.set(id, { timer, resolve, reject })
      }),
    answer(id, answer) {
      const entry = take(id)
      entry?.resolve(answer)
      return entry !== undefined
    },
    fail: (id, error) => take(id)?.reject(error),
    waits: (id) => waiting.has(id),
    end(reason) {
      over ??= reason
      for (const id of [...waiting.keys()]) take(id)?.reject(nodeDown(node, reason, true))
    },
    ended: () => over,
  }
}
