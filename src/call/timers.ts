/**
 * The timers of one call, by their names in the flow. A timer runs from the moment of the event that set it, not from when
 * its effect was performed, so that a slow journal or a late detector does not stretch a caller's silence. One that was
 * cancelled or set anew after it had run out, but before its turn in the mailbox, is no longer meant: `take` says so. What it
 * tells the flow is when it was due, so that a busy machine, too, comes to the same conversation.
 */
import type { Clock } from './ports.ts'

export class Timers {
  readonly #clock: Clock
  readonly #ring: (id: string, turn: number) => void
  readonly #set = new Map<string, { turn: number; due: number; handle: unknown }>()
  #turn = 0

  /** `ring` is called when a timer has run out; it puts (id, turn) into the mailbox. */
  constructor(clock: Clock, ring: (id: string, turn: number) => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** Sets or resets a timer that runs out `ms` after `from` (ms since the epoch). */
  set(id: string, from: number, ms: number): void {
    this.cancel(id)
    this.#turn += 1
    const turn = this.#turn
    const due = from + ms
    const left = Math.max(0, due - this.#clock.now())
    this.#set.set(id, { turn, due, handle: this.#clock.setTimeout(() => this.#ring(id, turn), left) })
  }

  cancel(id: string): void {
    const timer = this.#set.get(id)
    if (timer === undefined) return
    this.#clock.clearTimeout(timer.handle)
    this.#set.delete(id)
  }

  /** When it was due (ms since the epoch), if this running out is still meant; it is used up then. Else null. */
  take(id: string, turn: number): number | null {
    const timer = this.#set.get(id)
    if (timer?.turn !== turn) return null
    this.#set.delete(id)
    return timer.due
  }

  /** Cancels all. */
  clear(): void {
    for (const id of [...this.#set.keys()]) this.cancel(id)
  }

  get size(): number {
    return this.#set.size
  }
}
