/**
 * One `dial` of a flow: somebody is called beside the call, and the two are put together when that one answers. The far
 * side stays on our line in any case: it hears the flow before, the other one meanwhile, and the flow again afterwards.
 *
 * Whatever happens at the same moment (an answer and a hang-up, an end while the two are being put together), the bridge
 * that was made is undone, the leg that was dialled is hung up and its record finished, and the flow is told once.
 */
import type { Effect, FlowEvent } from '../flow/io.ts'
import { Leg } from './leg.ts'
import type { CallPorts, DialOrder, Line, Telephony } from './ports.ts'
import type { CallRecord, Disposition } from './record.ts'

export type DialEffect = Extract<Effect, { type: 'dial' }>
export type DialResult = Extract<FlowEvent, { type: 'dialed' }>['result']

/** A dial that another process had begun, at `at` ms since the epoch; `connected`: the flow has heard that they talk. */
export interface LeftDial {
  at: number
  connected: boolean
}

export interface TransferOptions {
  effect: DialEffect
  /** Null, or left out: it begins. */
  left?: LeftDial | null
  /** The leg's id, and its bridge's. */
  id: string
  call: CallRecord
  line: Line
  telephony: Telephony
  /** ms that a talk may last when the flow sets no limit. */
  longest: number
  ports: CallPorts
  /** Ends what the far side hears from us; settles when it has ended. */
  quiet(): Promise<void>
  connected(): void
  dialed(result: DialResult): void
  /** A recording of both is being made. */
  recording(name: string): void
}

/** ms after which the node itself ends a leg that nobody looks after, beyond its ring and its talk. */
const absoluteGrace = 60_000

export class Transfer {
  /** Settles when nothing of it is left and the leg's record, if there was one, is finished. Never rejects. */
  readonly over: Promise<void>
  readonly #options: TransferOptions
  #leg: Leg | null = null
  #bridged: Promise<boolean> | null = null
  #parted: Promise<boolean> | null = null
  #timer: unknown = null
  #told = false

  constructor(options: TransferOptions) {
    this.#options = options
    this.over = this.#run()
  }

  /** Another process goes on with it. */
  abandon(): void {
    this.#told = true
    this.#options.ports.clock.clearTimeout(this.#timer)
    this.#leg?.abandon()
  }

  async #run(): Promise<void> {
    const { id, left = null, ports, call } = this.#options
    if (left === null) return this.#begin()
    const record = await ports.transfers.left(id).catch((error: unknown) => {
      ports.log.error({ call: call.id, err: error }, 'a leg that was left behind could not be read')
      return null
    })
    return record === null ? this.#begin() : this.#takeOver(record, left)
  }

  get id(): string {
    return this.#options.effect.id
  }

  /** Ends it from our side; nothing more is told. */
  stop(): void {
    this.#told = true
    this.#options.ports.clock.clearTimeout(this.#timer)
    this.#leg?.hangup('flow')
    void this.#part()
  }

  async #begin(): Promise<void> {
    const { effect, id, call, ports } = this.#options
    const { log, transfers } = ports
    const placed = await transfers.reserve(call, id, effect.to, effect.timeout).catch((error: unknown) => {
      log.error({ call: call.id, err: error }, 'a leg could not be written down; it is not dialled')
      return null
    })
    if (placed === null) return this.#tell('failed')
    const leg = this.#legOf(placed.record, placed.order)
    // Given up while it was being written down: it is finished without being dialled.
    if (this.#told) leg.hangup('flow')
    await leg.dial()
    await this.#end(leg)
  }

  /** The leg is on the line, or was. They may be talking; one of them may be alone in the bridge by now. */
  async #takeOver(record: CallRecord, left: LeftDial): Promise<void> {
    const { id, line, telephony } = this.#options
    const inside = await telephony.bridged(id).catch(() => null)
    if (record.disposition !== null) {
      this.#bridged = Promise.resolve(inside !== null)
      return this.#ended(record.disposition)
    }
    const leg = this.#legOf(record, { id, endpoint: '', callerId: null, amd: false })
    if (left.connected || inside !== null) this.#bridged = Promise.resolve(true)
    const together = inside?.includes(line.id) && inside.includes(leg.id)
    if (!together && leg.answered && inside !== null) await telephony.unbridge(id).catch(() => {})
    leg.takeOver(telephony, () => void (together ? this.#talking(leg, left) : this.#connect(leg)))
    await this.#end(leg)
  }

  #legOf(record: CallRecord, order: Omit<DialOrder, 'absolute' | 'ring'>): Leg {
    const { effect, telephony, ports } = this.#options
    const leg = new Leg({
      record,
      order: { ...order, ring: effect.timeout, absolute: effect.timeout + this.#talk + absoluteGrace },
      telephony,
      ports,
      answered: () => void this.#connect(leg),
      ended: (disposition) => void this.#ended(disposition),
    })
    this.#leg = leg
    return leg
  }

  /** ms that they may talk. */
  get #talk(): number {
    return this.#options.effect.timeLimit ?? this.#options.longest
  }

  async #end(leg: Leg): Promise<void> {
    await leg.over
    await this.#part()
    this.#options.ports.clock.clearTimeout(this.#timer)
  }

  /** They have been talking since before we came. */
  #talking(leg: Leg, { connected }: LeftDial): void {
    const { clock } = this.#options.ports
    const since = leg.record.answered_at ?? clock.now()
    this.#timer = clock.setTimeout(() => leg.hangup('limit'), Math.max(0, since + this.#talk - clock.now()))
    if (!connected) this.#options.connected()
  }

  async #connect(leg: Leg): Promise<void> {
    const { effect, ports, quiet, connected } = this.#options
    const talk = this.#talk
    this.#bridged = this.#bridge(leg, quiet)
    const together = await this.#bridged
    if (this.#told || leg.closed) return
    if (!together) return leg.hangup('flow', 'technical')
    this.#timer = ports.clock.setTimeout(() => leg.hangup('limit'), talk)
    connected()
    if (effect.record !== null) await this.#record(effect.record, talk)
  }

  async #bridge(leg: Leg, quiet: () => Promise<void>): Promise<boolean> {
    const { id, call, line, telephony, ports } = this.#options
    try {
      await quiet()
      if (this.#told || leg.closed) return false
      await telephony.bridge(id, [line.id, leg.id])
      return true
    } catch (error) {
      if (!this.#told && !leg.closed)
        ports.log.warn({ call: call.id, err: error }, 'two channels could not be connected')
      return false
    }
  }

  async #record(name: string, talk: number): Promise<void> {
    const { id, call, telephony, ports, recording } = this.#options
    if (!ports.recordsTalks) return ports.log.info({ call: call.id }, 'a talk is not recorded: recordings are off')
    try {
      await telephony.recordBridge(id, name, talk)
      recording(name)
    } catch (error) {
      ports.log.warn({ call: call.id, err: error }, 'a talk could not be recorded')
    }
  }

  async #ended(disposition: Disposition): Promise<void> {
    this.#options.ports.clock.clearTimeout(this.#timer)
    const together = await this.#part()
    this.#tell(together ? 'completed' : resultOf(disposition))
  }

  /** Undoes the bridge, once it is known whether there is one; true when there was. */
  async #part(): Promise<boolean> {
    const { id, call, telephony, ports } = this.#options
    const bridged = this.#bridged
    if (bridged === null) return false
    const part = async (): Promise<boolean> => {
      if (!(await bridged)) return false
      await telephony.unbridge(id).catch((error: unknown) => {
        ports.log.warn({ call: call.id, err: error }, 'a bridge could not be undone')
      })
      return true
    }
    this.#parted ??= part()
    return this.#parted
  }

  #tell(result: DialResult): void {
    if (this.#told) return
    this.#told = true
    this.#options.dialed(result)
  }
}

/** How a leg ended, for the flow. Who declines is there and does not take the call: busy. */
export function resultOf(disposition: Disposition): DialResult {
  switch (disposition) {
    case 'completed':
      return 'completed'
    case 'busy':
    case 'rejected':
      return 'busy'
    case 'no_answer':
    case 'unreachable':
      return 'no_answer'
    default:
      return 'failed'
  }
}
