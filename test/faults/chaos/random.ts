/** Chance with a seed, so that a run can be had again: mulberry32. */
export interface Random {
  /** From 0 up to, not with, 1. */
  next(): number
  /** Between both, ms or whatever they are. */
  between(from: number, to: number): number
  one<T>(of: readonly T[]): T
}

export function seeded(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    between: (from, to) => from + next() * (to - from),
    one: (of) => of[Math.floor(next() * of.length)]!,
  }
}
