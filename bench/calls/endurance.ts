/** T5: many calls in a row. Does a call cost more in the end than in the beginning, and does anything grow or stay behind? */
import { heldBy } from '../../test/support/memory.ts'
import { PRODUCT } from './arms/all.ts'
import { cpuOf, residentOf } from './cpu.ts'
import type { Session } from './session.ts'
import type { Window } from './window.ts'

export interface Endurance {
  calls: number
  rate: number
  success: number
  /** ms of CPU a call, by tenths of the calls. */
  tenths: number[]
  /** Last over first. */
  ratio: number
  /** MB that the service holds more at the end, after a collection; and how its resident memory has changed. */
  growth: number
  resident: number
}

const MB = 1024 * 1024

export async function endurance(session: Session, calls: number, rate: number): Promise<Endurance> {
  const arm = await session.arm(PRODUCT)
  const node = arm.processes.node ?? 0
  const pids = [session.stage.asterisk.pid, ...Object.values(arm.processes)]
  const held = async () => (await heldBy(node, arm.inspectPort ?? 0)).bytes
  const before = { held: await held(), resident: residentOf(node) }
  let marks: { done: number; cpu: number }[] = []
  const window: Window = await session.window(PRODUCT, calls, rate, {
    watch({ arrived, good, failed }) {
      if (arrived === 0) marks = []
      // Half-way between begun and ended, so that neither the first tenth nor the last one has the calls of another.
      else marks.push({ done: (arrived + good + failed) / 2, cpu: pids.reduce((sum, pid) => sum + cpuOf(pid), 0) })
    },
  })
  const resident = residentOf(node) - before.resident
  const growth = (await held()) - before.held
  const tenths = Array.from({ length: 10 }, (_, i) => between(marks, (i * calls) / 10, ((i + 1) * calls) / 10))
  return {
    ...{ calls, rate, tenths, success: window.success },
    ratio: tenths[9]! / tenths[0]!,
    growth: growth / MB,
    resident: resident / MB,
  }
}

/** ms a call between two counts of calls. */
function between(marks: { done: number; cpu: number }[], from: number, to: number): number {
  const at = (done: number) => {
    const after = marks.findIndex((mark) => mark.done >= done)
    const [a, b] = after <= 0 ? [marks[0], marks[0]] : [marks[after - 1], marks[after]]
    const last = marks.at(-1)
    if (after < 0 || !a || !b) return { done: last?.done ?? 0, cpu: last?.cpu ?? 0 }
    const share = b.done === a.done ? 0 : (done - a.done) / (b.done - a.done)
    return { done: a.done + share * (b.done - a.done), cpu: a.cpu + share * (b.cpu - a.cpu) }
  }
  const [start, end] = [at(from), at(to)]
  return (end.cpu - start.cpu) / (end.done - start.done)
}
