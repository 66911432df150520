/** Ratios within a block, their median and their spread: what the machine does to one arm it does to its neighbour. */
import type { ArmName } from './arms/all.ts'
import { SUCCESS, type Window } from './window.ts'

export interface Ratio {
  median: number
  least: number
  most: number
  /** How many blocks it is made of. */
  blocks: number
}

/** One over another, block by block; blocks in which either lost calls are left out. Null when none is left. */
export function ratio(blocks: Window[][], above: ArmName, below: ArmName): Ratio | null {
  const values = blocks.flatMap((block) => {
    const [one, other] = [above, below].map((name) => block.find(({ arm }) => arm === name))
    return one && other && one.success >= SUCCESS && other.success >= SUCCESS ? [one.total / other.total] : []
  })
  if (values.length === 0) return null
  return { median: median(values), least: Math.min(...values), most: Math.max(...values), blocks: values.length }
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The value below which this share of them lies; the largest for a share of 1. */
export function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}
