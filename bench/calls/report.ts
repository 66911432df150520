/** What a run has shown, as targets met or not and as a table; the targets are those of the whole product. */
import { cpus, release, totalmem } from 'node:os'
import Table from 'cli-table3'
import { type ArmName, BARE, FLOOR, PRODUCT, UNJOURNALED } from './arms/all.ts'
import type { Endurance } from './endurance.ts'
import { median, type Ratio, ratio } from './ratios.ts'
import type { Reaction } from './reaction.ts'
import { percent } from './session.ts'
import type { Window } from './window.ts'

export interface Measured {
  blocks: Window[][]
  /** The highest rate by arm, calls a second. */
  highest: Partial<Record<ArmName, number>>
  reactions: Reaction[]
  /** The rate at which the reactions are judged. */
  half: number | null
  endurance: Endurance | null
  journal: Window[][]
}

export interface Target {
  name: string
  what: string
  value: number | null
  /** At most, or at least. */
  most?: number
  least?: number
  spread?: Ratio | null
  met: boolean | null
}

export interface Report extends Measured {
  date: string
  machine: string
  /** The most that others used of the machine in any window, 0 to 1. */
  others: number
  targets: Target[]
}

export function report(measured: Measured, others: number): Report {
  return { date: new Date().toISOString(), machine: machine(), others, targets: targetsOf(measured), ...measured }
}

function targetsOf({ blocks, highest, reactions, half, endurance, journal }: Measured): Target[] {
  const targets: Target[] = []
  const add = (name: string, what: string, value: number | null, limit: { most?: number; least?: number }) => {
    const met = value === null ? null : value <= (limit.most ?? Number.POSITIVE_INFINITY) && value >= (limit.least ?? 0)
    targets.push({ name, what, value, ...limit, met })
  }
  const addRatio = (name: string, what: string, found: Ratio | null, most: number) => {
    add(name, what, found?.median ?? null, { most })
    Object.assign(targets.at(-1) ?? {}, { spread: found })
  }
  if (blocks.length > 0) {
    addRatio('T1', 'CPU a call, product / native', ratio(blocks, PRODUCT, FLOOR), 1.45)
    addRatio('T2', 'CPU a call, product / bare ari-client', ratio(blocks, PRODUCT, BARE), 0.75)
  }
  const [top, floor, bare] = [PRODUCT, FLOOR, BARE].map((arm) => highest[arm])
  if (top !== undefined && floor !== undefined)
    add('T3', 'highest rate, product / native', top / floor, { least: 0.75 })
  if (top !== undefined && bare !== undefined)
    add('T3', 'highest rate, product / bare ari-client', top / bare, { least: 1.5 })
  const [ours, theirs] = [PRODUCT, BARE].map((name) => reactions.find(({ arm, rate }) => arm === name && rate === half))
  if (ours) add('T4', 'key to next prompt, p99, ms', ours.p99, { most: 20 })
  if (ours && theirs) add('T4', 'the same, product / bare ari-client', ours.p99 / theirs.p99, { most: 0.6 })
  if (endurance) {
    add('T5', `CPU a call, last / first tenth of ${endurance.calls}`, endurance.ratio, { most: 1.05 })
    add('T5', 'growth of memory, MB', endurance.growth, { most: 5 })
    // Every window ends with a look: a channel that is left ends the run.
    add('T5', 'channels left', 0, { most: 0 })
  }
  if (journal.length > 0)
    addRatio('', 'CPU a call, with / without the journal', ratio(journal, PRODUCT, UNJOURNALED), 1.1)
  return targets
}

/** For the terminal. */
export function tables({
  blocks,
  journal,
  highest,
  reactions,
  endurance,
  targets,
  machine,
  date,
  others,
}: Report): string {
  const out = [`${machine}; ${date.slice(0, 16).replace('T', ' ')}; others used at most ${percent(others)} of it`]
  const table = (head: string[], rows: string[][]) => {
    const made = new Table({ head, style: { head: [], border: [], compact: true } })
    made.push(...rows)
    out.push(made.toString())
  }
  const all = [...blocks, ...journal]
  const arms = [...new Set(all.flatMap((block) => block.map(({ arm }) => arm)))]
  if (arms.length > 0)
    table(
      ['arm, ms of CPU a call', 'Asterisk', 'node', 'Redis', 'sum', '/ native', 'success'],
      arms.map((arm) => {
        const windows = all.flat().filter((one) => one.arm === arm)
        const mean = (name: string) => median(windows.map(({ cpu }) => cpu[name] ?? 0))
        const over = ratio(all, arm as ArmName, FLOOR)
        return [
          arm,
          ...['asterisk', 'node', 'redis'].map((name) => (name in windows[0]!.cpu ? mean(name).toFixed(2) : '')),
          median(windows.map(({ total }) => total)).toFixed(2),
          over === null ? '' : spread(over),
          percent(Math.min(...windows.map(({ success }) => success))),
        ]
      }),
    )
  if (Object.keys(highest).length > 0)
    table(
      ['arm', 'highest rate, calls a second'],
      Object.entries(highest).map(([arm, rate]) => [arm, String(rate)]),
    )
  if (reactions.length > 0)
    table(
      ['arm', 'calls a second', 'key to next prompt, ms: median', 'p99'],
      reactions.map(({ arm, rate, median, p99 }) => [arm, String(rate), String(median), String(p99)]),
    )
  if (endurance)
    out.push(
      `${endurance.calls} calls at ${endurance.rate}/s, ${percent(endurance.success)} good, CPU a call by tenths: ${endurance.tenths.map((ms) => ms.toFixed(2)).join(' ')}; resident memory ${endurance.resident.toFixed(1)} MB more`,
    )
  table(
    ['', 'target', 'measured', 'wanted', ''],
    targets.map(({ name, what, value, most, least, spread: found, met }) => [
      name,
      what,
      found ? spread(found) : value === null ? 'not measured' : value.toFixed(2),
      most === undefined ? `at least ${least}` : `at most ${most}`,
      met === null ? '' : met ? 'met' : 'MISSED',
    ]),
  )
  return out.join('\n\n')
}

function spread({ median, least, most, blocks }: Ratio): string {
  return `${median.toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)}, ${blocks} blocks)`
}

function machine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown'
  return `${cpus().length} cores (${model}), ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()}, Node ${process.version}`
}
