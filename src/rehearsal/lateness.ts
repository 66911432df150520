/**
 * How far this machine is behind: a timer that should come every so often tells by how much it came too late. On a machine that is
 * too busy for its own work a line takes longer than it would; that much is not held against it.
 */
const EVERY = 50

export class Lateness {
  readonly #late: { at: number; ms: number }[] = []
  readonly #timer: NodeJS.Timeout
  #due = Date.now() + EVERY

  constructor() {
    this.#timer = setInterval(() => {
      const now = Date.now()
      if (now > this.#due + EVERY) this.#late.push({ at: now, ms: now - this.#due })
      this.#due = now + EVERY
    }, EVERY)
  }

  /** ms lost between two moments, ms since the epoch. */
  between(from: number, to: number): number {
    return this.#late.reduce((sum, { at, ms }) => (at > from && at - ms < to ? sum + ms : sum), 0)
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
