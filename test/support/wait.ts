/** Waiting for a condition, never for a time. */
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Calls `look` until it answers something truthy, and answers that. Throws with `what` after `timeout` ms; what `look`
 * itself threw last is the cause.
 */
export async function waitFor<T>(
  look: () => T | Promise<T>,
  { timeout = 15_000, every = 25, what = 'the condition' }: { timeout?: number; every?: number; what?: string } = {},
): Promise<NonNullable<T>> {
  let cause: unknown
  for (const end = Date.now() + timeout; ; await sleep(every)) {
    try {
      const found = await look()
      if (found) return found
      cause = undefined
    } catch (thrown) {
      cause = thrown
    }
    if (Date.now() > end) throw new Error(`waited ${timeout} ms in vain for ${what}`, { cause })
  }
}
