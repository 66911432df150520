/** Nobody is left in silence: how long a conversation may go on without a sound. */

import { calledBy } from './called.ts'
import type { Program, Step } from './program.ts'
import { type Place, type Way, waysOf } from './ways.ts'

/** Pauses are at most 3 s in a row, and nobody waits longer than this without a sound for anything else (ms). */
const PAUSE = 3000
const SILENCE = 10_000

/** A wait without a sound, and how much of it is pauses, ms. */
interface Wait {
  all: number
  pause: number
}

const NONE: Wait = { all: 0, pause: 0 }

/**
 * The longest wait without a sound that begins at each step; ways that need nobody have no rounds here. A flow that is called
 * brings along the wait before its own first sound.
 */
function measurer(
  program: Program,
  ways: (step: Step) => { to: Place | null; spoken: boolean }[],
): (id: string) => Wait {
  const known = new Map<string, Wait>()
  const measure = (id: string): Wait => {
    const found = known.get(id)
    if (found !== undefined) return found
    const step = program.steps.get(id)
    if (step === undefined) return NONE
    const own = step.verb.silence?.(step.node) ?? 0
    const quiet = step.verb.silence !== undefined || ['set', 'branch', 'goto', 'strategies'].includes(step.verb.name)
    known.set(id, NONE)
    const called = calledBy(step)
    const after =
      called !== null
        ? beginnings(called).map(measurer(called, (inner) => waysOf(called, inner)))
        : quiet
          ? ways(step).map(({ to, spoken }) =>
              to !== null && typeof to === 'object' && !spoken ? measure(to.step) : NONE,
            )
          : []
    const pausing = step.verb.name === 'pause'
    const total = {
      all: own + Math.max(0, ...after.map((a) => a.all)),
      pause: step.verb.name === 'http' ? 0 : (pausing ? own : 0) + Math.max(0, ...after.map((a) => a.pause)),
    }
    known.set(id, total)
    return total
  }
  return measure
}

function beginnings({ start }: Program): string[] {
  return [start.human, start.machine, start.unsure].flatMap((target) => (target?.to === 'step' ? [target.step] : []))
}

/** Reports the steps at which a wait begins that is too long. */
export function silence(
  program: Program,
  ways: Map<string, Way[]>,
  report: (message: string, step: Step) => void,
): void {
  const measure = measurer(program, ({ id }) => ways.get(id) ?? [])
  for (const step of program.steps.values()) {
    if (step.verb.silence === undefined || step.id.startsWith('@on_hangup')) continue
    const { all, pause } = measure(step.id)
    if (pause > PAUSE) report(`pauses of ${pause / 1000} s in a row: nobody is left in silence over 3 s`, step)
    else if (all > SILENCE)
      report(`the other side may wait ${all / 1000} s here without a sound: use hold, or say something`, step)
  }
}
