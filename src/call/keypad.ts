/**
 * Keys that we press. The line takes them all at once and says nothing when the last one has been sent, so their time is
 * counted here.
 */
import type { Log } from '../log.ts'
import { type Clock, keyLength, type Line } from './ports.ts'

/** ms before the flow hears of a failure. */
const failureDelay = 300

export interface KeypadOptions {
  line: Line
  clock: Clock
  log: Log
  pressed(id: string, ok: boolean): void
}

export class Keypad {
  readonly #options: KeypadOptions
  readonly #timers = new Set<unknown>()
  #closed = false

  constructor(options: KeypadOptions) {
    this.#options = options
  }

  /** Sends keys, `gap` ms apart. */
  press(id: string, keys: string, gap: number): void {
    if (this.#closed) return
    void this.#press(id, keys, gap)
  }

  /** The line is gone: nothing is told any more. */
  close(): void {
    this.#closed = true
    for (const timer of this.#timers) this.#options.clock.clearTimeout(timer)
    this.#timers.clear()
  }

  async #press(id: string, keys: string, gap: number): Promise<void> {
    const { line, log, pressed } = this.#options
    try {
      await line.press(keys, gap)
    } catch (error) {
      log.warn({ call: line.id, err: error }, 'keys could not be pressed')
      // They may just have hung up: the end of the call is told first.
      this.#after(failureDelay, () => pressed(id, false))
      return
    }
    this.#after(keys.length * (keyLength + gap), () => pressed(id, true))
  }

  #after(ms: number, run: () => void): void {
    if (this.#closed) return
    const timer = this.#options.clock.setTimeout(() => {
      this.#timers.delete(timer)
      run()
    }, ms)
    this.#timers.add(timer)
  }
}
