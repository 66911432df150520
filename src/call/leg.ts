/**
 * The second channel of a call, to somebody whom the caller is connected to. It has a record of its own, written before
 * its INVITE and finished once like that of any attempt, and no conversation: whoever made it puts the two together.
 */
import { dispositionOf, dispositionOfRefusal } from './causes.ts'
import { Keeper } from './keeper.ts'
import { hangupBy } from './outcome.ts'
import type { CallPorts, DialOrder, Line, LineEvent, Telephony } from './ports.ts'
import type { CallRecord, Disposition } from './record.ts'

export interface LegOptions {
  /** It stands in the ledger as reserved. */
  record: CallRecord
  order: DialOrder
  telephony: Telephony
  ports: CallPorts
  answered(): void
  /** It is over; said once, whatever happens. */
  ended(disposition: Disposition): void
}

interface Leaving {
  by: 'flow' | 'limit'
  as: Disposition
}

type Ended = Extract<LineEvent, { type: 'ended' }>

/** ms from our hang-up to the end of the channel; the line itself asks the node meanwhile. */
const endWithin = 15_000
/** ms after the node's own limit at which the record is closed in any case. */
const grace = 30_000

export class Leg {
  readonly id: string
  readonly record: CallRecord
  /** Settles when the ledger has the final record. Never rejects. */
  readonly over: Promise<void>
  readonly #options: LegOptions
  readonly #keeper: Keeper
  #line: Line | null = null
  /** Why we have asked for its end. */
  #leaving: Leaving | null = null
  #timer: unknown
  #closed = false
  #settle: () => void = () => {}
  #up: () => void

  constructor(options: LegOptions) {
    const { record, order, ports, answered } = options
    this.#up = answered
    this.#options = options
    this.id = record.id
    this.record = record
    this.#keeper = new Keeper(record.id, ports.ledger, ports.clock, ports.log)
    this.over = new Promise((resolve) => {
      this.#settle = resolve
    })
    this.#closeAfter(order.absolute + grace)
  }

  get answered(): boolean {
    return this.record.answered_at !== null
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Dials once. Never rejects: what keeps it from being dialled ends it. */
  async dial(): Promise<void> {
    const { order, telephony, ports } = this.#options
    if (this.#givenUp()) return
    const dialed_at = ports.clock.now()
    // Without this in the ledger nobody could tell later whether it was dialled.
    const kept = await this.#keeper.update({ dialed_at, node: telephony.node, state: 'dialing' })
    if (this.#givenUp()) return
    if (!kept) return this.#close('technical')
    this.record.dialed_at = dialed_at
    try {
      this.#line = await telephony.dial(order, (event) => this.#hear(event))
      if (this.#leaving || this.#closed) this.#hangUp(this.#line)
    } catch (error) {
      ports.log.warn({ call: this.id, node: telephony.node, err: error }, 'a leg could not be dialled')
      this.#close(dispositionOfRefusal(error))
    }
  }

  /** Goes on with one that another process has dialled; `up` is called when it is answered, or at once when it has been. */
  takeOver(telephony: Telephony, up: () => void): void {
    this.#up = up
    if (this.record.dialed_at === null) {
      // The dial may have been on its way: nobody dials it again.
      telephony
        .attach(this.id, () => {})
        .hangup()
        .catch(() => {})
      this.#close('unknown')
      return
    }
    this.#line = telephony.attach(this.id, (event) => this.#hear(event))
    if (this.#leaving) this.#hangUp(this.#line)
    // Its end, if it has come, is told in a moment; until then nobody connects anybody.
    else if (this.answered) setImmediate(() => this.#closed || up())
  }

  /** Ends it; `as` is its disposition if it was answered, else it is `cancelled`. */
  hangup(by: 'flow' | 'limit', as: Disposition = 'completed'): void {
    if (this.#closed || this.#leaving) return
    this.#leaving = { by, as: this.answered ? as : 'cancelled' }
    if (this.#line === null) return
    this.#closeAfter(endWithin)
    this.#hangUp(this.#line)
  }

  /** Forgets it without a word: its record is another process' to close. */
  abandon(): void {
    this.#closed = true
    this.#options.ports.clock.clearTimeout(this.#timer)
    this.#line?.release()
    this.#settle()
  }

  /** Somebody has thought better of it before it was dialled. */
  #givenUp(): boolean {
    const leaving = this.#leaving
    if (leaving !== null) this.#close(leaving.as, leaving.by)
    return leaving !== null
  }

  #hangUp(line: Line): void {
    line.hangup().catch((error: unknown) => {
      this.#options.ports.log.warn({ call: this.id, err: error }, 'a hang-up was not accepted; the line asks again')
    })
  }

  #hear(event: LineEvent): void {
    if (this.#closed) return
    const { record } = this
    switch (event.type) {
      case 'ringing':
        if (record.ringing_at !== null || this.answered) return
        record.ringing_at = event.at
        void this.#keeper.update({ ringing_at: event.at, state: 'ringing' })
        return
      case 'answered':
        if (this.answered) return
        record.answered_at = event.at
        void this.#keeper.update({ answered_at: event.at, state: 'up' })
        if (this.#leaving === null) this.#up()
        return
      case 'ended':
        this.#end(event)
        return
      default:
    }
  }

  #end(event: Ended): void {
    const { record } = this
    record.cause = event.cause
    record.sip_code = event.sip
    record.ended_at = event.at
    const leaving = this.#leaving
    if (!this.answered) {
      // Of us, only the time that it may ring ends one that nobody has given up.
      if (event.by === 'us' && leaving === null) this.#close(dispositionOf(event), 'limit')
      else this.#close(dispositionOf(event), event.by === 'us' ? leaving?.by : hangupBy(event))
    } else if (event.by === 'network') this.#close('technical', 'network')
    else if (leaving !== null && event.by !== 'callee') this.#close(leaving.as, leaving.by)
    else this.#close('completed', hangupBy(event))
  }

  #close(disposition: Disposition, by: CallRecord['hangup_by'] = 'unknown'): void {
    if (this.#closed) return
    this.#closed = true
    const { clock } = this.#options.ports
    clock.clearTimeout(this.#timer)
    this.#line?.release()
    Object.assign(this.record, { disposition, hangup_by: by, ended_at: this.record.ended_at ?? clock.now() })
    this.#options.ended(disposition)
    void this.#keeper.finish(this.record).then(this.#settle)
  }

  #closeAfter(ms: number): void {
    const { clock, log } = this.#options.ports
    clock.clearTimeout(this.#timer)
    this.#timer = clock.setTimeout(() => {
      log.warn({ call: this.id }, 'a leg was closed because a wait ran out')
      if (this.#line !== null) this.#hangUp(this.#line)
      if (this.answered) this.#close(this.#leaving?.as ?? 'completed', this.#leaving?.by)
      else this.#close(this.#leaving === null ? 'unknown' : 'cancelled', this.#leaving?.by)
    }, ms)
  }
}
