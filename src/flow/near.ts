/** The known name that a wrong one was probably meant to be. */

import { distance } from 'fastest-levenshtein'

/** Null when nothing is near: about a third of the letters may differ. */
export function near(name: string, known: Iterable<string>): string | null {
  let best: string | null = null
  let least = Math.ceil(Math.min(name.length, 60) / 3) + 1
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= least) continue
    const d = apart(name.toLowerCase(), candidate.toLowerCase())
    if (d < least) {
      best = candidate
      least = d
    }
  }
  return best
}

/** Letters in another order are one slip of the hand, not two. */
function apart(a: string, b: string): number {
  const steps = distance(a, b)
  return steps === 2 && [...a].sort().join('') === [...b].sort().join('') ? 1 : steps
}

/** `": did you mean "greet"?"` or nothing. */
export function guess(name: string, known: Iterable<string>): string {
  const found = near(name, known)
  return found === null ? '' : `: did you mean "${found}"?`
}
