/**
 * One `dial` of a flow: somebody is called beside the call, and the two are put together when that one answers. The far
 * side stays on our line in any case: it hears the flow before, the other one meanwhile, and the flow again afterwards.
 *
 * Whatever happens at the same moment (an answer and a hang-up, an end while the two are being put together), the bridge
 * that was made is undone, the leg that was dialled is hung up and its record finished, and the flow is told once.
 */
import type { Effect, FlowEvent } from '../flow/io.ts'
import { Leg } from './leg.ts'
import type { CallPorts, Line, Telephony } from './ports.ts'
import type { CallRecord, Disposition } from './record.ts'

export type DialEffect = Extract<Effect, { type: 'dial' }>
export type DialResult = Extract<FlowEvent, { type: 'dialed' }>['result']

export interface TransferOptions {
  effect: DialEffect
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

  async #run(): Promise<void> {
    const { effect, id, call, telephony, longest, ports } = this.#options
    const { clock, log, transfers } = ports
    const placed = await transfers.reserve(call, id, effect.to, effect.timeout).catch((error: unknown) => {
      log.error({ call: call.id, err: error }, 'a leg could not be written down; it is not dialled')
      return null
    })
    if (placed === null) return this.#tell('failed')
    const talk = effect.timeLimit ?? longest
    const leg = new Leg({
      record: placed.record,
      order: { ...placed.order, ring: effect.timeout, absolute: effect.timeout + talk + absoluteGrace },
      telephony,
      ports,
      answered: () => void this.#connect(leg, talk),
      ended: (disposition) => void this.#ended(disposition),
    })
    this.#leg = leg
    // Given up while it was being written down: it is finished without being dialled.
    if (this.#told) leg.hangup('flow')
    await leg.dial()
    await leg.over
    await this.#part()
    clock.clearTimeout(this.#timer)
  }

  async #connect(leg: Leg, talk: number): Promise<void> {
    const { effect, ports, quiet, connected } = this.#options
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
