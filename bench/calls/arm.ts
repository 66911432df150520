/** What is compared: a way to lead the same call on the same Asterisk. */

export interface Arm {
  readonly name: string
  /** Its processes besides Asterisk, by what they are: each one's CPU is charged to it. */
  readonly processes: Record<string, number>
  /** Where the inspector of its node process can be opened. */
  readonly inspectPort?: number
  /** Makes so many calls at so many a second to new numbers. Resolves when the last one is over, as far as the arm knows. */
  run(calls: number, rate: number): Promise<void>
  /** Gives up what it still has to do. */
  abandon(): Promise<void>
  stop(): Promise<void>
}

let next = 0

/** Numbers that nobody called before. */
export function numbers(count: number): string[] {
  return Array.from({ length: count }, () => {
    next += 1
    return `+407${String(next).padStart(8, '0')}`
  })
}

/** Waits for all; rejects with the first fault afterwards. */
export async function settled(work: Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason
}
