/** T4: how long after a key the next prompt begins. */
import type { ArmName } from './arms/all.ts'
import { observe } from './observer.ts'
import { quantile } from './ratios.ts'
import type { Session } from './session.ts'

export interface Reaction {
  arm: ArmName
  rate: number
  /** ms. */
  median: number
  p99: number
  calls: number
}

/** The arms side by side at each rate. */
export async function reaction(
  session: Session,
  arms: ArmName[],
  rates: number[],
  seconds: number,
): Promise<Reaction[]> {
  const observer = await observe(session.stage)
  try {
    const all: Reaction[] = []
    for (const rate of rates) {
      for (const arm of arms) {
        await session.arm(arm)
        observer.take()
        const { calls } = await session.window(arm, Math.round(rate * seconds), rate)
        const times = observer.take()
        all.push({ arm, rate, median: quantile(times, 0.5), p99: quantile(times, 0.99), calls })
      }
    }
    return all
  } finally {
    observer.close()
  }
}
