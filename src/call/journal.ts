/**
 * Writes the journal of one call (`flow/journal.ts`), each entry before anything is done about it, so that whoever reads it
 * comes to the same state. A ledger that cannot be reached does not stop a person in mid-sentence: the call goes on after a
 * short wait, what could not be written is kept, in order and bounded, and follows with the next entry.
 */
import { ApelError } from '../errors.ts'
import type { Entry } from '../flow/journal.ts'
import type { Log } from '../log.ts'
import type { CallLedger, Clock } from './ports.ts'
import type { StepTrace } from './record.ts'
import { within } from './within.ts'

/** ms that an effect waits for its journal. */
const patience = 250
/** Entries kept while the ledger is away; a call has some tens. */
const most = 2000

export class Journal {
  readonly #id: string
  readonly #ledger: CallLedger
  readonly #clock: Clock
  readonly #log: Log
  readonly #kept: { entry: Entry; steps: StepTrace[] }[] = []
  /** Entries that there was no room for, since then. */
  #lost = 0
  #writing: Promise<boolean> | null = null
  #away = false
  readonly #lostCall: () => void

  /** `lost` is called when the call turns out to be another process' by now. */
  constructor(id: string, ledger: CallLedger, clock: Clock, log: Log, lost: () => void = () => {}) {
    this.#lostCall = lost
    this.#id = id
    this.#ledger = ledger
    this.#clock = clock
    this.#log = log
  }

  /** Settles when the entry is written, with the steps that were entered with it, or after 250 ms. Never rejects. */
  async write(entry: Entry, steps: StepTrace[] = []): Promise<void> {
    if (this.#kept.length >= most) this.#lost += 1
    else {
      if (this.#lost > 0)
        this.#kept.push({ entry: { type: 'gap', at: this.#clock.now(), lost: this.#lost }, steps: [] })
      this.#lost = 0
      this.#kept.push({ entry, steps })
    }
    await this.flush(patience)
  }

  /** Writes what is kept; false when some of it is still not written after `ms`. */
  async flush(ms: number): Promise<boolean> {
    if (this.#kept.length === 0) return true
    this.#writing ??= this.#write()
    return within(this.#clock, ms, this.#writing, false)
  }

  async #write(): Promise<boolean> {
    try {
      while (this.#kept.length > 0) {
        const { entry, steps } = this.#kept[0]!
        await this.#ledger.journal(this.#id, entry, steps)
        this.#kept.shift()
      }
      this.#away = false
      return true
    } catch (error) {
      if (error instanceof ApelError && error.code === 'not_ours') {
        this.#kept.length = 0
        this.#lostCall()
        return false
      }
      if (!this.#away) this.#log.warn({ call: this.#id, err: error }, 'the journal cannot be written; the call goes on')
      this.#away = true
      return false
    } finally {
      this.#writing = null
    }
  }
}
