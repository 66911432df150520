/** How a limit of calls a second is kept: as a log of the last ones, see `store/scripts/reserve.ts`. */
import type { Rate } from '../store/attempts.ts'

/** What the way from the reservation to the wire may take longer for one call than for another, ms. */
const JITTER = 14

/** At most `cps` in any rolling second on the wire; a fraction is rounded so that it is never more. */
export function rateOf(cps: number): Rate {
  const n = Math.max(1, Math.floor(cps))
  return { n, window: Math.max(1000, (1000 * n) / cps) + JITTER, gap: n > 1 ? 500 / n : 0 }
}
