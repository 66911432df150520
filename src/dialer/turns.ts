/**
 * Who may try the gate next, when there is less room than there are calls.
 *
 * Everybody who is ready stands in the row of a campaign; within a row callbacks go before retries, and those before
 * fresh contacts. One at a time tries, the campaigns in rotation, so that those that share a trunk share it fairly. A
 * campaign whose try found no room sleeps until the moment that the gate named, or until somebody hangs up; its turn is
 * not lost to the others, and nobody asks again before there can be another answer.
 */
import type { Clock } from '../call/ports.ts'

/** A try: it is settled, or there is no room for `wait` ms (-1: until a channel is given back). */
export type Try<T> = { done: T } | { wait: number }

interface Waiter {
  rank: number
  attempt: () => Promise<Try<unknown>>
  resolve(value: unknown): void
  reject(error: unknown): void
  timer: unknown
  /** Its try is under way: nobody else may settle it. */
  trying: boolean
  sentAway: boolean
}

interface Row {
  waiters: Waiter[]
  /** No try before this time, ms. */
  sleeps: number
}

/** Even without a kick a full trunk is tried again after this long: a ring of the bell may get lost. */
const LOOK_AGAIN = 1000

/** What a waiter is told that was sent away. */
export const SENT_AWAY = Symbol('sent away')

export class Turns {
  private readonly clock: Clock
  /** In the order of rotation. */
  private readonly rows = new Map<string, Row>()
  private running = false
  private kicks = 0
  private alarm: unknown = null

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Waits for the turn and for room, at most `patience` ms; SENT_AWAY when it ran out or the row was cleared. */
  take<T>(name: string, rank: number, patience: number, attempt: () => Promise<Try<T>>): Promise<T | typeof SENT_AWAY> {
    return new Promise<unknown>((resolve, reject) => {
      const waiter: Waiter = { rank, attempt, resolve, reject, timer: null, trying: false, sentAway: false }
      waiter.timer = this.clock.setTimeout(() => this.sendAway(name, waiter), patience)
      const row = this.rows.get(name) ?? { waiters: [], sleeps: 0 }
      const behind = row.waiters.findIndex((other) => other.rank > rank && !other.trying)
      row.waiters.splice(behind < 0 ? row.waiters.length : behind, 0, waiter)
      this.rows.set(name, row)
      void this.run()
    }) as Promise<T | typeof SENT_AWAY>
  }

  /** Room may have come up: all may try again. */
  kick(): void {
    this.kicks++
    for (const row of this.rows.values()) row.sleeps = 0
    void this.run()
  }

  /** Sends everybody away who waits in this row; without a name, in all. A try that is under way may still succeed. */
  clear(name: string | null = null): void {
    for (const [each, { waiters }] of this.rows)
      if (name === null || each === name) for (const waiter of [...waiters]) this.sendAway(each, waiter)
  }

  private sendAway(name: string, waiter: Waiter): void {
    waiter.sentAway = true
    if (!waiter.trying) this.settle(name, waiter, () => waiter.resolve(SENT_AWAY))
  }

  private settle(name: string, waiter: Waiter, tell: () => void): void {
    const row = this.rows.get(name)
    row?.waiters.splice(row.waiters.indexOf(waiter), 1)
    if (row?.waiters.length === 0) this.rows.delete(name)
    this.clock.clearTimeout(waiter.timer)
    tell()
  }

  private async run(): Promise<void> {
    if (this.running) return
    this.running = true
    for (let next = this.awake(); next !== null; next = this.awake()) await this.try(...next)
    this.running = false
    this.setAlarm()
  }

  private awake(): [string, Row, Waiter] | null {
    const now = this.clock.now()
    for (const [name, row] of this.rows) {
      const first = row.waiters[0]
      if (row.sleeps <= now && first !== undefined) return [name, row, first]
    }
    return null
  }

  private async try(name: string, row: Row, waiter: Waiter): Promise<void> {
    const kicks = this.kicks
    waiter.trying = true
    try {
      const answer = await waiter.attempt()
      if ('done' in answer) {
        // Whoever was served goes to the end of the rotation.
        this.rows.delete(name)
        this.rows.set(name, row)
        this.settle(name, waiter, () => waiter.resolve(answer.done))
      } else if (waiter.sentAway) {
        this.settle(name, waiter, () => waiter.resolve(SENT_AWAY))
      } else {
        waiter.trying = false
        const wait = answer.wait < 0 ? LOOK_AGAIN : answer.wait
        if (kicks === this.kicks) row.sleeps = this.clock.now() + wait
      }
    } catch (error) {
      this.settle(name, waiter, () => waiter.reject(error))
    }
  }

  private setAlarm(): void {
    if (this.alarm !== null) this.clock.clearTimeout(this.alarm)
    this.alarm = null
    if (this.rows.size === 0) return
    const next = Math.min(...[...this.rows.values()].map((row) => row.sleeps))
    this.alarm = this.clock.setTimeout(() => void this.run(), Math.max(0, Math.ceil(next - this.clock.now())))
  }
}
