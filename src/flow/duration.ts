/** Durations as flows and campaigns write them: `500ms`, `5s`, `10m`, `2h`. */

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

export const DURATION = /^\d{1,9}(?:\.\d{1,3})?(?:ms|s|m|h)$/

/** Milliseconds, or null when the text is not a duration. */
export function parseDuration(text: string): number | null {
  if (!DURATION.test(text)) return null
  const unit = /[a-z]+$/.exec(text)![0]
  return Math.round(Number(text.slice(0, -unit.length)) * UNITS[unit]!)
}
