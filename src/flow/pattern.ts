/** Regular expressions of flows: JavaScript runs them by trying, so one that can try for ever is refused. */

/** Why a pattern could run for ever; null when it cannot. */
export function unsafePattern(pattern: string): string | null {
  try {
    new RegExp(pattern)
  } catch {
    return 'the pattern of "matches" is not a regular expression'
  }
  if (pattern.length > 200) return 'the pattern of "matches" is longer than 200 characters'
  const bare = pattern.replace(/\\[^1-9k]/g, 'x').replace(/\[[^\]]*\]/g, 'x')
  if (/\\|\(\?[<=!]/.test(bare)) return 'the pattern of "matches" may not look back or ahead'
  if ((bare.match(/[*+]|\{\d+,\}/g)?.length ?? 0) > 2) return 'the pattern of "matches" repeats more than twice'
  const open: boolean[] = []
  for (let i = 0; i < bare.length; i++) {
    const char = bare[i]!
    if (char === '(') open.push(false)
    else if (char === ')') {
      const busy = open.pop() ?? false
      if (busy && /[*+{]/.test(bare[i + 1] ?? '')) return 'the pattern of "matches" repeats what already repeats'
      if (busy && open.length > 0) open[open.length - 1] = true
    } else if (/[*+{|]/.test(char) && open.length > 0) open[open.length - 1] = true
  }
  return null
}
