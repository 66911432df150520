/**
 * One call from its first sign on the line to its closed record. Line, timers, web and operator speak to it through one
 * mailbox; what they say either moves the call along (ringing, answered, gone) or goes into its conversation. It ends
 * exactly once: when the line is gone and the conversation has nothing more to do, or when a deadline says that waiting
 * for either makes no sense any more.
 */
import { family } from '../flow/called.ts'
import type { CallContext, Verdict } from '../flow/io.ts'
import { beginOf } from '../flow/journal.ts'
import type { Program } from '../flow/program.ts'
import { Dialogue, type Reply } from './dialogue.ts'
import { Ending } from './ending.ts'
import { Journal } from './journal.ts'
import { Keeper } from './keeper.ts'
import { makeMailbox } from './mailbox.ts'
import { type Asked, type Ended, hangupBy } from './outcome.ts'
import type { CallLedger, CallPorts, Line, LineEvent, Telephony } from './ports.ts'
import type { CallRecord, CallState, Disposition } from './record.ts'
import type { Taken } from './taken.ts'
import { Timers } from './timers.ts'

export interface LiveCallOptions {
  record: CallRecord
  program: Program
  context: CallContext
  /** The node that it is on. */
  telephony: Telephony
  /** How long it may ring, and when the node ends it by itself, ms; null: not for us to say. */
  ring: number | null
  absolute: number | null
  /** Whether a verdict about an answering machine follows the answer. */
  amd: boolean
  /** ms after which the record is closed whatever has or has not come. */
  longest: number
  /** What another process has left of it; null: it begins here. */
  taken: Taken | null
  ports: CallPorts
}

type Input =
  | { kind: 'line'; event: LineEvent }
  | Reply
  | ({ kind: 'hangup' } & Asked)
  | { kind: 'refused'; disposition: Disposition }
  | { kind: 'taken'; taken: Taken }
  | { kind: 'deadline'; id: string; turn: number }

/** ms that the ledger may take over the first entry of a journal. */
const openWithin = 2_000
/** ms. AMD is set to give its verdict within 2. */
const verdictWithin = 6_000
/** ms from our hang-up to the end of the channel; the line itself asks Asterisk meanwhile. */
const endWithin = 15_000
/** ms for the silent steps after the end; the flow's own limit is 30 s. */
const cleanUpWithin = 35_000

export class LiveCall {
  readonly id: string
  /** As far as it is known; whole when `over` settles. */
  readonly record: CallRecord
  /** Settles once, when the ledger has the record. Never rejects. */
  readonly over: Promise<CallRecord>

  readonly #options: LiveCallOptions
  readonly #ports: CallPorts
  readonly #keeper: Keeper
  readonly #journal: Journal
  readonly #ending: Ending
  readonly #deadlines: Timers
  readonly #mailbox = makeMailbox<Input>(
    (input) => this.#handle(input),
    (error) => this.#broken(error),
  )
  readonly #whenLine: Promise<Line | null>
  #gotLine: (line: Line | null) => void = () => {}
  #settle: (record: CallRecord) => void = () => {}
  #line: Line | null = null
  #dialogue: Dialogue | null = null
  /** What the detector said last before there was a dialogue. */
  #early: Extract<LineEvent, { type: 'talk' }> | null = null
  /** Tasks that were finished before the conversation had begun: it finds them as soon as it needs them. */
  readonly #beforehand: Extract<Input, { kind: 'flow' | 'timer' }>[] = []
  #opened: boolean
  /** The line has told its end; its turn in the mailbox is still to come. */
  #gone = false
  /** It is answered. */
  #up = false
  #state: CallState = 'reserved'
  #closed = false
  #abandoned = false

  constructor(options: LiveCallOptions) {
    const { record, ports } = options
    const { ledger, clock, log } = ports
    this.id = record.id
    this.record = record
    this.#options = options
    this.#ports = ports
    this.#keeper = new Keeper(record.id, ledger, clock, log)
    this.#opened = options.taken !== null
    this.#journal = new Journal(record.id, ledger, clock, log, () => this.abandon())
    this.#ending = new Ending({ record, journal: this.#journal, keeper: this.#keeper, ports })
    this.#deadlines = new Timers(clock, (id, turn) => {
      // The last one does not wait its turn behind a handler that may never end.
      if (id === 'everything') this.#overdue(id)
      else this.#mailbox.post({ kind: 'deadline', id, turn })
    })
    this.over = new Promise((resolve) => {
      this.#settle = resolve
    })
    this.#whenLine = new Promise((resolve) => {
      this.#gotLine = resolve
    })
    this.#deadline('everything', options.longest)
  }

  /** Another process holds it. */
  get abandoned(): boolean {
    return this.#abandoned
  }

  get state(): CallState {
    return this.#state
  }

  /** Somebody outside the flow has asked for the end. */
  get cancelled(): boolean {
    return this.#ending.asked !== null
  }

  /** What the line tells; may come before `take`. */
  readonly listen = (event: LineEvent): void => {
    if (event.type === 'ended') this.#gone = true
    this.#mailbox.post({ kind: 'line', event })
  }

  /**
   * Writes down what the conversation begins with, before the call is dialled or answered. Settles when the ledger has it
   * (true), or after 2 s. Never rejects.
   */
  async open(): Promise<boolean> {
    this.#open()
    return this.#journal.flush(openWithin)
  }

  #open(): void {
    if (this.#opened) return
    this.#opened = true
    const { program, context, telephony, amd, ring, absolute } = this.#options
    const { clock, texts } = this.#ports
    const { node, app } = telephony
    const line = { node, app, startup: telephony.startup(), amd, ring, absolute }
    void this.#journal.write(beginOf(program, context, clock.now(), texts(program), line))
  }

  /** The line is there. */
  take(line: Line): void {
    this.#line = line
    this.#gotLine(line)
    if (this.#closed) this.#leave()
    else if (this.#ending.asked) this.#hangUp()
  }

  /** Goes on where another process has left off; what the line tells meanwhile waits its turn. */
  takeOver(line: Line, taken: Taken): void {
    this.take(line)
    this.#mailbox.post({ kind: 'taken', taken })
  }

  /** Forgets the call without a word to anybody: another process holds it, or will. Its record is that one's to close. */
  abandon(): void {
    if (this.#closed) return
    this.#closed = true
    this.#abandoned = true
    this.#state = 'ended'
    this.#mailbox.close()
    this.#deadlines.clear()
    this.#dialogue?.abandon()
    this.#line?.release()
    this.#settle(this.record)
  }

  /** It is not put on the line, or could not be: nothing will come of it. */
  refuse(disposition: Disposition): void {
    this.#gotLine(null)
    this.#mailbox.post({ kind: 'refused', disposition })
  }

  /** Ends the call from outside of its flow. */
  hangup({ by, disposition }: Asked): void {
    this.#mailbox.post({ kind: 'hangup', by, disposition })
  }

  /** An operator raises a situation of the flow. False when the flow has none of that name. */
  raise(name: string): boolean {
    const at = this.#ports.clock.now()
    const known = family(this.#options.program).some(({ situations }) => situations.has(name))
    if (known) this.#mailbox.post({ kind: 'flow', event: { type: 'situation', at, name } })
    return known
  }

  /** An external task of this call was finished. */
  finishTask(name: string, status: 'done' | 'failed', result: unknown): void {
    const at = this.#ports.clock.now()
    this.#mailbox.post({ kind: 'flow', event: { type: 'task', at, name, status, result } })
  }

  /** Writes down what became known. True when the ledger has it. */
  update(fields: Parameters<CallLedger['update']>[1]): Promise<boolean> {
    const { state, ...known } = fields
    if (state) this.#state = state
    Object.assign(this.record, known)
    return this.#keeper.update(fields)
  }

  async #handle(input: Input): Promise<void> {
    // A nap must not be told from the far side's: what is about to be done may be another's to do.
    await this.#ports.doubt?.()
    if (this.#closed) return
    switch (input.kind) {
      case 'line':
        await this.#onLine(input.event)
        break
      case 'flow':
      case 'timer':
        if (this.#dialogue) await this.#dialogue.reply(input)
        else this.#beforehand.push(input)
        break
      case 'hangup':
        await this.#onHangup(input)
        break
      case 'taken':
        await this.#onTaken(input.taken)
        break
      case 'refused':
        this.#close({ disposition: this.#ending.asked?.disposition ?? input.disposition })
        return
      case 'deadline':
        if (this.#deadlines.take(input.id, input.turn) === null) return
        if (input.id === 'verdict') await this.#begin('unsure')
        else this.#overdue(input.id)
        break
      default:
        input satisfies never
    }
    if (this.#ending.told && (this.#dialogue?.done ?? true)) this.#close()
  }

  async #onLine(event: LineEvent): Promise<void> {
    switch (event.type) {
      case 'ringing':
        if (this.record.ringing_at === null && this.record.answered_at === null)
          void this.update({ ringing_at: event.at, state: 'ringing' })
        return
      case 'answered':
        if (this.#up) return
        this.#up = true
        if (this.record.answered_at === null) void this.update({ answered_at: event.at, state: 'up' })
        if (this.#options.amd) return this.#deadline('verdict', verdictWithin)
        return this.#begin('human')
      case 'amd':
        return this.#begin(verdictOf(event.status))
      case 'talk':
        this.#early = event
        return this.#dialogue?.heard(event)
      case 'key':
      case 'played':
      case 'recorded':
        return this.#dialogue?.heard(event)
      case 'ended':
        return this.#onEnd(event)
      default:
        event satisfies never
    }
  }

  async #begin(verdict: Verdict): Promise<void> {
    this.#deadlines.cancel('verdict')
    if (this.#dialogue || this.#ending.told || this.#ending.asked) return
    const line = await this.#whenLine
    if (line === null) return
    if (this.#options.amd) void this.update({ amd: verdict })
    this.#open()
    this.#dialogue = this.#converse(line, verdict, null)
    await this.#dialogue.take({ type: 'start', at: this.#ports.clock.now(), verdict })
    if (this.#early?.on) await this.#dialogue.heard(this.#early)
    for (const input of this.#beforehand.splice(0)) await this.#dialogue.reply(input)
  }

  #converse(line: Line, verdict: Verdict, taken: Taken | null): Dialogue {
    const { record, program, context, telephony, ports } = this.#options
    return new Dialogue({
      ...{ record, program, telephony, ports, line, taken },
      context: { ...context, amd: verdict },
      journal: this.#journal,
      post: (reply) => this.#mailbox.post(reply),
      hangup: () => this.#hangUp(),
      listed: () => void this.#keeper.update({ recordings: [...this.record.recordings] }),
    })
  }

  async #onTaken(taken: Taken): Promise<void> {
    const { by, linked, open, state } = taken
    await linked
    await this.#journal.write({ type: 'taken', at: this.#ports.clock.now(), by })
    // Answered while nobody was there, or not yet: the line tells.
    if (!open.begun || this.#line === null) return
    this.#up = true
    // The ledger may have missed it.
    if (this.record.answered_at === null) void this.update({ answered_at: state.answeredAt, state: 'up' })
    this.#dialogue = this.#converse(this.#line, state.verdict, taken)
    await this.#dialogue.takeOver(this.#gone)
    if (open.ended !== null) this.#hangUp()
  }

  async #onHangup({ by, disposition }: Asked): Promise<void> {
    if (!this.#ending.ask({ by, disposition })) return
    this.#hangUp()
    await this.#dialogue?.over(by, this.#ports.clock.now(), disposition)
  }

  async #onEnd(event: Ended): Promise<void> {
    if (!this.#ending.tell(event)) return
    this.#deadlines.cancel('end')
    this.#deadline('clean-up', cleanUpWithin)
    this.#dialogue?.gone()
    const by = hangupBy(event)
    await this.#dialogue?.over(by, event.at, by === 'network' ? 'technical' : undefined)
  }

  #hangUp(): void {
    this.#dialogue?.hush()
    // Not on the line yet: `take` comes back to it.
    if (this.#line === null || this.#ending.told) return
    this.#deadline('end', endWithin)
    this.#line.hangup().catch((error: unknown) => {
      this.#ports.log.warn({ call: this.id, err: error }, 'a hang-up was not accepted; the line asks again')
    })
  }

  #deadline(id: 'verdict' | 'end' | 'clean-up' | 'everything', ms: number): void {
    this.#deadlines.set(id, this.#ports.clock.now(), ms)
  }

  #overdue(what: string): void {
    this.#ports.log.warn({ call: this.id, what }, 'a call was closed because a wait ran out')
    this.#close()
  }

  /** A fault of ours in the middle of a call: it ends now, and its record says so. */
  #broken(error: unknown): void {
    this.#ports.log.error({ call: this.id, err: error }, 'a call was ended by a fault of its driver')
    this.#close({ disposition: 'technical', hangup_by: 'unknown' })
  }

  /** Closes the record, once. */
  #close(known: Partial<CallRecord> = {}): void {
    if (this.#closed) return
    this.#closed = true
    this.#mailbox.close()
    this.#deadlines.clear()
    this.#dialogue?.close()
    this.#leave()
    this.#state = 'ended'
    void this.#ending.close(this.#dialogue, known).then(() => this.#settle(this.record))
  }

  #leave(): void {
    if (this.#line === null) return
    if (!this.#ending.told) this.#line.hangup().catch(() => {})
    this.#line.release()
  }
}

/** Asterisk's AMDSTATUS as a verdict. */
export function verdictOf(status: string): Verdict {
  if (status === 'HUMAN') return 'human'
  return status === 'MACHINE' ? 'machine' : 'unsure'
}
