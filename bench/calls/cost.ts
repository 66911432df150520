/** T1 and T2: CPU a call of every arm, side by side in blocks. Each block has a rate of its own, so that the curve comes for free. */
import type { ArmName } from './arms/all.ts'
import type { Session } from './session.ts'
import type { Window } from './window.ts'

/** Calls a second; every one within the 30 to 60 that the targets speak of. */
const RATES = [40, 54, 32, 47, 36, 58, 44, 51, 34]

/** `seconds`: how long a window dials. The arms of a block follow one another, each block begins with another one. */
export async function cost(session: Session, arms: ArmName[], blocks: number, seconds: number): Promise<Window[][]> {
  for (const arm of arms) await session.arm(arm)
  const measured: Window[][] = []
  for (let block = 0; block < blocks; block += 1) {
    const rate = RATES[block % RATES.length]!
    const windows: Window[] = []
    for (let n = 0; n < arms.length; n += 1) {
      const arm = arms[(n + block) % arms.length]!
      windows.push(await session.window(arm, rate * seconds, rate))
    }
    measured.push(windows)
  }
  return measured
}
