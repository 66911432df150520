/** Long work on the thread of the live calls, in slices: once one is over, whatever waits has its turn. */
import { setImmediate } from 'node:timers/promises'

/** ms. */
const SLICE = 3

export class Slices {
  private begun = performance.now()

  get over(): boolean {
    return performance.now() - this.begun >= SLICE
  }

  /** Settles when the others have had their turn. */
  async rest(): Promise<void> {
    await setImmediate()
    this.begun = performance.now()
  }
}
