/**
 * A process may be stopped, or its whole machine, for longer than its lease. When it goes on, all its timers have run out at
 * once, while its calls may be another's by then. So everything that is about to happen in a call first asks here: after
 * such a nap it waits until the ledger has said whether the calls are still ours. So does the link to a node: whoever opens an
 * application takes it, with all its channels, from whoever has it. Once they are another's the doubt has no end.
 */
import type { Clock } from '../call/ports.ts'
import { LEASE } from '../store/instance.ts'

export interface Nap {
  /** Null: nothing is in doubt. Else settles when it is known that our calls are ours; never, when they are not. */
  doubt(): Promise<void> | null
  /** They are ours. */
  over(): void
  /** They are another's: in doubt from now on. */
  forGood(): void
  stop(): void
}

const TICK = 500

export function watchForNaps(clock: Clock, monotonic: () => number = () => performance.now()): Nap {
  let last = monotonic()
  let doubt: Promise<void> | null = null
  let settle = (): void => {}
  let timer: unknown = null
  let lost = false

  const look = (): void => {
    const now = monotonic()
    if (now - last > LEASE) begin()
    last = now
  }
  const begin = (): void => {
    doubt ??= new Promise((resolve) => {
      settle = resolve
    })
  }
  const tick = (): void => {
    look()
    timer = clock.setTimeout(tick, TICK)
  }
  tick()
  return {
    doubt() {
      look()
      return doubt
    },
    over() {
      if (lost) return
      doubt = null
      settle()
    },
    forGood() {
      lost = true
      begin()
    },
    stop: () => clock.clearTimeout(timer),
  }
}
