/**
 * Who may try the gate next, when there is less room than there are calls.
 *
 * Everybody who is on the way stands in the row of a campaign, callbacks before all others, then in the order in which
 * they were handed out. One at a time tries, the campaigns in rotation, so that those that share a trunk share it
 * fairly. A campaign whose try found no room sleeps until the moment that the gate named, or until somebody hangs up:
 * nobody asks again before there can be another answer. Whoever is still being prepared keeps its place for a moment.
 */
import type { Clock } from '../call/ports.ts'

/**
 * A try: it is settled, or there is no room. `wait`: the row need not ask again for so many ms; -1: until a channel is
 * given back.
 */
export type Try<T> = { done: T; wait?: number } | { wait: number }

/** What a waiter is told that was sent away. */
export const SENT_AWAY = Symbol('sent away')

/** A place in a row; whoever has one takes its turn or gives it up. */
export interface Place {
  /** Waits for the turn and for room, at most `patience` ms; SENT_AWAY when it ran out or the row was cleared. */
  take<T>(patience: number, attempt: () => Promise<Try<T>>): Promise<T | typeof SENT_AWAY>
  giveUp(): void
}

interface Waiter {
  rank: number
  order: number
  /** Until then it keeps its place without being ready, ms. */
  awaited: number
  /** Null while it is being prepared. */
  attempt: (() => Promise<Try<unknown>>) | null
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
  /** It sleeps until a channel is given back, not for a time that is known. */
  full: boolean
}

/** Even without a kick a full trunk is tried again after this long: a ring of the bell may get lost. */
const LOOK_AGAIN = 1000
/** How long those behind wait for somebody who is not ready, ms. */
const AWAITED = 300

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

  /** A place in the row: before those of a higher rank, and of a higher order within the same one. */
  join(name: string, rank: number, order: number): Place {
    const waiter: Waiter = {
      rank,
      order,
      awaited: this.clock.now() + AWAITED,
      attempt: null,
      resolve: () => undefined,
      reject: () => undefined,
      timer: null,
      trying: false,
      sentAway: false,
    }
    const row = this.rows.get(name) ?? { waiters: [], sleeps: 0, full: false }
    const behind = row.waiters.findIndex((other) => (other.rank - rank || other.order - order) > 0)
    row.waiters.splice(behind < 0 ? row.waiters.length : behind, 0, waiter)
    this.rows.set(name, row)
    return {
      take: <T>(patience: number, attempt: () => Promise<Try<T>>) =>
        new Promise<unknown>((resolve, reject) => {
          if (waiter.sentAway) return resolve(SENT_AWAY)
          Object.assign(waiter, { resolve, reject, attempt })
          waiter.timer = this.clock.setTimeout(() => this.sendAway(name, waiter), patience)
          void this.run()
        }) as Promise<T | typeof SENT_AWAY>,
      giveUp: () => {
        if (waiter.attempt === null && !waiter.sentAway) this.sendAway(name, waiter)
        void this.run()
      },
    }
  }

  /** Room may have come up. `freed`: a channel was given back, which is no news for those who wait for their time. */
  kick(freed = false): void {
    this.kicks++
    for (const row of this.rows.values()) if (!freed || row.full) row.sleeps = 0
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
    const at = row?.waiters.indexOf(waiter) ?? -1
    if (at >= 0) row?.waiters.splice(at, 1)
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
      const first = row.waiters.find((waiter) => waiter.attempt !== null || waiter.awaited > now)
      if (row.sleeps <= now && first !== undefined && first.attempt !== null) return [name, row, first]
    }
    return null
  }

  private async try(name: string, row: Row, waiter: Waiter): Promise<void> {
    const kicks = this.kicks
    waiter.trying = true
    try {
      const answer = (await waiter.attempt?.()) ?? { wait: 0 }
      if ('done' in answer) {
        // Whoever was served goes to the end of the rotation.
        this.rows.delete(name)
        this.rows.set(name, row)
        this.rest(row, answer.wait ?? 0, kicks)
        this.settle(name, waiter, () => waiter.resolve(answer.done))
      } else if (waiter.sentAway) {
        this.settle(name, waiter, () => waiter.resolve(SENT_AWAY))
      } else {
        waiter.trying = false
        this.rest(row, answer.wait, kicks)
      }
    } catch (error) {
      this.settle(name, waiter, () => waiter.reject(error))
    }
  }

  /** A channel that was given back during the try may be room that the try did not see. */
  private rest(row: Row, wait: number, kicks: number): void {
    row.full = wait < 0
    row.sleeps = row.full && kicks !== this.kicks ? 0 : this.clock.now() + (row.full ? LOOK_AGAIN : wait)
  }

  /** Wakes at the next moment at which a row may try again. */
  private setAlarm(): void {
    if (this.alarm !== null) this.clock.clearTimeout(this.alarm)
    this.alarm = null
    const now = this.clock.now()
    const times = [...this.rows.values()].map(({ sleeps, waiters }) => {
      if (waiters.every(({ attempt }) => attempt === null)) return Number.POSITIVE_INFINITY
      const first = waiters.find((waiter) => waiter.attempt !== null || waiter.awaited > now)
      return first?.attempt === null ? Math.max(sleeps, first.awaited) : sleeps
    })
    const next = Math.min(...times)
    if (next === Number.POSITIVE_INFINITY) return
    this.alarm = this.clock.setTimeout(() => void this.run(), Math.max(0, Math.ceil(next - now)))
  }
}
