/** The calls that this instance is holding, by id. A call is here from before its dial until the ledger has its record. */
import type { LiveCall } from './live-call.ts'
import type { Asked } from './outcome.ts'
import type { Clock } from './ports.ts'
import { within } from './within.ts'

export class Registry {
  readonly #calls = new Map<string, LiveCall>()
  readonly #empty: (() => void)[] = []

  /** Keeps the call until it is over. */
  add(call: LiveCall): void {
    this.#calls.set(call.id, call)
    void call.over.then(() => {
      this.#calls.delete(call.id)
      if (this.#calls.size === 0) for (const done of this.#empty.splice(0)) done()
    })
  }

  /** Forgets all without a word: they are another process' by now, or will be. */
  abandon(): void {
    for (const call of this.list()) call.abandon()
  }

  get(id: string): LiveCall | undefined {
    return this.#calls.get(id)
  }

  list(): LiveCall[] {
    return [...this.#calls.values()]
  }

  get size(): number {
    return this.#calls.size
  }

  /** Ends a call from outside of its flow. False when it is not here. */
  hangup(id: string, asked: Asked = { by: 'operator', disposition: 'cancelled' }): boolean {
    const call = this.#calls.get(id)
    call?.hangup(asked)
    return call !== undefined
  }

  /** Ends all, or those that a caller picks. */
  hangupAll(asked: Asked, which: (call: LiveCall) => boolean = () => true): void {
    for (const call of this.list()) if (which(call)) call.hangup(asked)
  }

  /** Waits until there is none, at most `ms`. True when there is none. */
  async drained(clock: Clock, ms: number): Promise<boolean> {
    if (this.#calls.size === 0) return true
    const empty = new Promise<true>((resolve) => this.#empty.push(() => resolve(true)))
    return within(clock, ms, empty, false)
  }
}
