/** Counts the top-level results of a file's TAP. */
export interface TapCount {
  passed: number
  failed: number
  skipped: number
  /** The plan is there and is kept: the file did not break off. */
  whole: boolean
}

/** Indented lines are those of subtests, whose sum is the unindented line after (or, when buffered, before) them. */
export function countTap(output: string): TapCount {
  const count = { passed: 0, failed: 0, skipped: 0, whole: false }
  let planned: number | null = null
  let seen = 0
  for (const line of output.split('\n')) {
    const plan = /^1\.\.(\d+)/.exec(line)
    if (plan) planned = Number(plan[1])
    if (/^Bail out!/.test(line)) return { ...count, failed: count.failed + 1 }
    const result = /^(not )?ok\b(.*)$/.exec(line)
    if (!result) continue
    seen += 1
    if (/\s# (skip|todo)\b/i.test(result[2] ?? '')) count.skipped += 1
    else if (result[1]) count.failed += 1
    else count.passed += 1
  }
  return { ...count, whole: planned === seen }
}
