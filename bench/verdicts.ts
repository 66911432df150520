/** What a bench prints: each measure beside its target, how busy the machine was, and the exit code. */
import { loadavg } from 'node:os'
import Table from 'cli-table3'

export interface Verdict {
  what: string
  /** As it is told, with its unit. */
  value: string
  target: string
  met: boolean
}

export function tell(verdicts: Verdict[]): void {
  const table = new Table({ head: ['measure', 'value', 'target', ''], style: { head: [], border: [] } })
  for (const { what, value, target, met } of verdicts) table.push([what, value, target, met ? 'met' : 'MISSED'])
  console.log(table.toString())
  console.log(`The machine's load over the last minute, this included: ${loadavg()[0]?.toFixed(1)}`)
  process.exitCode = verdicts.every(({ met }) => met) ? 0 : 1
}
