/**
 * What the ledger is told of one call, in order. What becomes known on the way may be lost with the ledger (it all stands
 * in the final record again); the final record may not: it is written until the ledger has it.
 */
import type { Left } from '../flow/io.ts'
import type { Log } from '../log.ts'
import type { CallLedger, Clock } from './ports.ts'
import type { CallRecord } from './record.ts'
import { within } from './within.ts'

/** ms for one write on the way. */
const patience = 2_000
/** ms for one try of the final one, and between two. */
const longest = 10_000
const pauses = [500, 1_000, 2_000, 5_000]

export class Keeper {
  readonly #id: string
  readonly #ledger: CallLedger
  readonly #clock: Clock
  readonly #log: Log
  #last: Promise<unknown> = Promise.resolve()

  constructor(id: string, ledger: CallLedger, clock: Clock, log: Log) {
    this.#id = id
    this.#ledger = ledger
    this.#clock = clock
    this.#log = log
  }

  /** True when the ledger has it. Never rejects. */
  update(fields: Parameters<CallLedger['update']>[1]): Promise<boolean> {
    return this.#next(() => this.#ledger.update(this.#id, fields))
  }

  /** Settles when the ledger has the final record, or (false) has no such call. Never rejects. */
  async finish(record: CallRecord, left: Left = { tasks: {} }): Promise<boolean> {
    await this.#last
    for (let turn = 0; ; turn += 1) {
      try {
        // Finishing twice does no harm; waiting for ever would.
        const done = await within(this.#clock, longest, this.#ledger.finish(record, left), null)
        // An earlier try may have done it without our hearing of it.
        if (done !== null) return done || turn > 0
        throw new Error(`no answer within ${longest} ms`)
      } catch (error) {
        this.#log.error({ call: this.#id, err: error }, 'the record of a call cannot be written; it is tried again')
        const pause = pauses[Math.min(turn, pauses.length - 1)]!
        await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, pause))
      }
    }
  }

  #next(write: () => Promise<void>): Promise<boolean> {
    const done = this.#last.then(async () => {
      try {
        const kept = await within(
          this.#clock,
          patience,
          write().then(() => true),
          false,
        )
        if (!kept) this.#log.warn({ call: this.#id }, 'the ledger did not answer in time')
        return kept
      } catch (error) {
        this.#log.warn({ call: this.#id, err: error }, 'a call could not be kept in the ledger')
        return false
      }
    })
    this.#last = done
    return done
  }
}
