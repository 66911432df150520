/**
 * The limits that the reserve script applies in Redis (`store/scripts/reserve.ts`), once more as pure functions, for a
 * forecast: a hundred thousand contacts on a virtual clock must not ask a Redis that is busy with live calls. A test puts the
 * same random states before both and compares their verdicts.
 */
import type { Rate } from '../store/attempts.ts'

const WEEK = 7 * 86_400_000

/** Of a person at a moment, all in ms: the caps by number, and the callee's calendar day. */
export interface Caps {
  day: number | null
  week: number | null
  day_start: number
  day_end: number
}

/** When the caps by number let it be called again; null: now. `times` of the attempts that count, newest first. */
export function capUntil(times: readonly number[], caps: Caps, now: number): number | null {
  let today = 0
  let week = 0
  let until: number | null = null
  for (const at of times) {
    if (at <= now - WEEK && at < caps.day_start) break
    if (at >= caps.day_start) today++
    if (at > now - WEEK) week++
    if (caps.day !== null && today >= caps.day) until = Math.max(until ?? 0, caps.day_end)
    if (caps.week !== null && week === caps.week) until = Math.max(until ?? 0, at + WEEK)
  }
  return until
}

/** The budget's word on a contact: `refuse`, the time (ms) from which it may be called, or null: now. */
export function budgetUntil(
  past: { used: number; day: string; today: number; due: number },
  budget: { max: number; per_day: number | null; day: string; day_end: number },
  now: number,
): 'refuse' | number | null {
  if (past.used >= budget.max) return 'refuse'
  const waits = past.due > now ? past.due : null
  if (budget.per_day === null || past.day !== budget.day || past.today < budget.per_day) return waits
  return Math.max(waits ?? 0, budget.day_end)
}

/** ms until the rate lets the next call go; `log` of the last ones, newest first, at least `rate.n` of them. */
export function waitOf(log: readonly number[], { n, window, gap }: Rate, now: number): number {
  const last = log[0]
  if (last === undefined) return 0
  const nth = log[n - 1]
  const from = Math.max(last + gap, nth === undefined ? Number.NEGATIVE_INFINITY : nth + window)
  return Math.max(0, from - now)
}
