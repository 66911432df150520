/**
 * The end of a call: who has asked for it, what the line has told of it, and the record that follows from both and from what was
 * said. Whoever asks first is heard, the line tells it once, and the record is written until the ledger has it.
 */
import type { FlowResult } from '../flow/io.ts'
import type { Dialogue } from './dialogue.ts'
import type { Journal } from './journal.ts'
import type { Keeper } from './keeper.ts'
import { type Asked, type Ended, outcomeOf } from './outcome.ts'
import type { CallPorts } from './ports.ts'
import type { CallRecord } from './record.ts'

export interface EndingParts {
  record: CallRecord
  journal: Journal
  keeper: Keeper
  ports: CallPorts
}

/** ms that the last entries of the journal may take. */
const journalWithin = 1_000

export class Ending {
  readonly #parts: EndingParts
  #asked: Asked | null = null
  #told: Ended | null = null

  constructor(parts: EndingParts) {
    this.#parts = parts
  }

  /** Somebody outside of the flow has asked for it. */
  get asked(): Asked | null {
    return this.#asked
  }

  /** What the line has told of it. */
  get told(): Ended | null {
    return this.#told
  }

  /** False when somebody has asked before, or it has come. */
  ask({ by, disposition }: Asked): boolean {
    if (this.#told || this.#asked) return false
    this.#asked = { by, disposition }
    return true
  }

  /** False when the line has told it before. */
  tell(end: Ended): boolean {
    if (this.#told) return false
    this.#told = end
    return true
  }

  /**
   * Fills the record in before it returns; `known` goes before what follows from the rest. Settles when the ledger has the record
   * and nobody is left of the call. Never rejects.
   */
  async close(dialogue: Dialogue | null, known: Partial<CallRecord>): Promise<void> {
    const { record, journal, keeper, ports } = this.#parts
    const result = this.#resultOf(dialogue)
    const facts = { inbound: record.kind === 'inbound', answered: record.answered_at !== null }
    const outcome = outcomeOf({ ...facts, end: this.#told, asked: this.#asked, result })
    Object.assign(record, outcome, known, { ended_at: this.#told?.at ?? ports.clock.now() })

    await journal.flush(journalWithin)
    const { tasks, strategy, agent } = result ?? { tasks: {} }
    const kept = await keeper.finish(record, { tasks, strategy, agent })
    // What was held back before the dial is no call.
    if (kept || record.dialed_at !== null) ports.publish({ type: 'call.ended', data: record })
    // A call is over when nobody is left of it.
    await dialogue?.parted()
  }

  #resultOf(dialogue: Dialogue | null): FlowResult | null {
    try {
      return dialogue?.result() ?? null
    } catch (error) {
      const { record, ports } = this.#parts
      ports.log.error({ call: record.id, err: error }, 'a conversation left no result')
      return null
    }
  }
}
