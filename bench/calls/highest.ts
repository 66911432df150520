/** T3: the highest rate at which an arm still holds its calls and dials them on time, by halving on a ladder of 7 % steps. */
import type { ArmName } from './arms/all.ts'
import type { Session } from './session.ts'
import { SUCCESS } from './window.ts'

const LEAST = 20
const STEP = 1.07
const RUNGS = 36

const rateAt = (rung: number): number => Math.round(LEAST * STEP ** rung)

/** Calls a second; 0 when even the lowest was too much. `seconds`: how long a window dials. */
export async function highest(session: Session, arm: ArmName, seconds: number): Promise<number> {
  const holds = async (rung: number): Promise<boolean> => {
    const rate = rateAt(rung)
    const { success, onTime } = await session.window(arm, Math.round(rate * seconds), rate)
    return success >= SUCCESS && onTime
  }
  // What it held in another part of this run need not be tried again.
  const held = session.windows
    .filter((one) => one.arm === arm && one.success >= SUCCESS && one.onTime)
    .map(({ rate }) => rate)
  let best = Math.floor(Math.log(Math.max(LEAST - 1, ...held) / LEAST) / Math.log(STEP))
  let worst = RUNGS
  while (worst - best > 1) {
    const middle = best < 0 ? 0 : Math.min((best + worst) >> 1, best + 6)
    if (await holds(middle)) best = middle
    else worst = middle
  }
  return best < 0 ? 0 : rateAt(best)
}
