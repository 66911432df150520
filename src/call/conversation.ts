/**
 * The live driver of a flow: what happens goes into `step` and into the journal, and then what `step` asks for is done on
 * the line, by the clock, over the web and in the ledger. Nothing is decided here that a flow decides: the same inputs give
 * the same effects in the simulator and in a replay.
 *
 * `take` is called for one event at a time (the call's mailbox sees to that) and performs effects without waiting for
 * them; their answers come back as events through `post`.
 */
import type { CallContext, Effect, FlowEvent, FlowResult, HangupBy } from '../flow/io.ts'
import { Writer } from '../flow/journal.ts'
import type { Outstanding } from '../flow/outstanding.ts'
import type { Program } from '../flow/program.ts'
import { begin, result } from '../flow/step.ts'
import type { Journal } from './journal.ts'
import type { Keypad } from './keypad.ts'
import { optOut } from './opt-out.ts'
import type { Player } from './player.ts'
import type { CallPorts } from './ports.ts'
import type { CallRecord, StepTrace } from './record.ts'
import type { Recorder } from './recorder.ts'
import type { Taken } from './taken.ts'
import { shortestTalk } from './talk.ts'
import type { Timers } from './timers.ts'
import type { DialEffect } from './transfer.ts'
import { within } from './within.ts'

/** ms that the ledger may take over a callback before the flow hears of a fault; a caller is listening to silence. */
const ledgerPatience = 2_000

/** Methods whose request may be made twice (RFC 9110, 9.2.2). */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

export interface ConversationOptions {
  program: Program
  /** With the verdict in it. */
  context: CallContext
  record: CallRecord
  player: Player
  recorder: Recorder
  keypad: Keypad
  timers: Timers
  journal: Journal
  ports: CallPorts
  /** What another process has left of it; null: it begins. */
  taken: Taken | null
  /** Puts an answer of the world into the call's mailbox. */
  post(event: FlowEvent): void
  /** The flow calls somebody to connect the two, or ends that. */
  dial(effect: DialEffect): void
  stopDial(id: string): void
  /** The flow ends the call. */
  hangup(): void
}

export class Conversation {
  readonly #options: ConversationOptions
  readonly #writer: Writer
  #last = 0
  /** ms by which the conversation's hour is ahead of the clock; see `hour` of the ports. */
  #ahead: number | null = null
  #talked = 0
  #ended: HangupBy | null = null
  #done = false

  constructor(options: ConversationOptions) {
    const { program, context, taken } = options
    this.#options = options
    this.#writer =
      taken === null ? new Writer(program, begin(program, context)) : new Writer(program, taken.state, taken.sum)
    if (taken === null) return
    this.#last = taken.open.last
    this.#ended = taken.open.ended
    this.#done = taken.open.done
  }

  /** Who ended the call, once somebody has: the flow itself, or whoever the flow was told of. */
  get ended(): HangupBy | null {
    return this.#ended
  }

  /** Nothing more will come; `result` is final. */
  get done(): boolean {
    return this.#done
  }

  /** They talk, as far as the flow knows. */
  get talking(): boolean {
    return this.#writer.state.talking !== null
  }

  result(): FlowResult {
    const told = result(this.#writer.state)
    return told.callback_at === null ? told : { ...told, callback_at: this.#true(told.callback_at) }
  }

  /** Handles one event to its end. */
  async take(event: FlowEvent): Promise<void> {
    if (this.#done) return
    const { journal, ports, record } = this.#options
    const came = performance.now()
    const at = this.#timeOf(event)
    this.#ahead ??= (ports.hour?.(record.id) ?? at) - at
    const input = event.at === at + this.#ahead ? event : { ...event, at: at + this.#ahead }
    this.#last = at
    const before = this.#writer.state
    const { entry, effects } = this.#writer.take(input)
    const steps = entered(effects, at)
    const written = journal.write(entry, steps)
    for (const step of steps) ports.publish({ type: 'call.step', data: { id: record.id, ...step } })
    await written
    ports.watch?.(record.id, input, effects, this.#writer.state, before)
    if (event.type === 'hangup') this.#ended ??= event.by
    for (const effect of effects) this.#perform(effect, at)
    ports.stepTook?.((performance.now() - came) / 1000)
  }

  /**
   * What another process had asked of the world, and whose answers went to it. Asking twice does no harm where it only
   * reads or says the same again; keys have been sent, and a request that may have changed something counts as lost.
   */
  askAgain(open: Outstanding): void {
    const again = [...open.of('callback_check'), ...open.of('callback'), ...open.of('opt_out'), ...open.of('timer')]
    for (const { effect, at } of again) this.#perform(effect, at)
    const now = this.#options.ports.clock.now()
    for (const { effect } of open.of('press')) this.#later({ type: 'pressed', at: now, id: effect.id, ok: true })
    for (const { effect, at } of open.of('http')) {
      const { id, request, timeout } = effect
      const left = at + timeout - now
      if (SAFE.has(request.method.toUpperCase()) && left > 0) this.#http({ ...effect, timeout: left })
      else this.#later({ type: 'http', at: now, id, result: 'timeout', status: null, body: null })
    }
  }

  /** The detector dates talk back, a conversation only goes forward; what it calls talk has lasted, also from here. */
  #timeOf(event: FlowEvent): number {
    const at = Math.max(this.#last, event.at)
    if (event.type !== 'talk') return at
    if (!event.on) return Math.max(at, this.#talked + shortestTalk)
    this.#talked = at
    return at
  }

  /** A time of the conversation by the clock. */
  #true(at: number): number {
    return at - (this.#ahead ?? 0)
  }

  #perform(effect: Effect, at: number): void {
    const { player, recorder, keypad, timers, hangup } = this.#options
    switch (effect.type) {
      case 'enter':
        break
      case 'play':
        // Nobody is there to hear it.
        if (this.#ended !== null) this.#later({ type: 'played', at, id: effect.id, ok: false })
        else player.play(effect.id, effect.parts)
        break
      case 'stop':
        player.stop(effect.id)
        break
      case 'timer':
        timers.set(effect.id, at, effect.ms)
        break
      case 'cancel_timer':
        timers.cancel(effect.id)
        break
      case 'music':
        player.music(effect.on, effect.class)
        break
      case 'http':
        this.#http(effect)
        break
      case 'callback_check':
        this.#mayCall(effect)
        break
      case 'callback':
        this.#schedule(effect)
        break
      case 'record':
        recorder.start(effect.id, effect.name, effect.beep, effect.maxTime)
        break
      case 'stop_record':
        recorder.stop(effect.id, effect.keep)
        break
      case 'press':
        keypad.press(effect.id, effect.keys, effect.gap)
        break
      case 'dial':
        // Nobody is there to be connected.
        if (this.#ended === null) this.#options.dial(effect)
        break
      case 'stop_dial':
        this.#options.stopDial(effect.id)
        break
      case 'opt_out':
        this.#optOut(effect)
        break
      case 'hangup':
        this.#ended ??= effect.by
        hangup()
        break
      case 'done':
        this.#done = true
        break
      default:
        effect satisfies never
    }
  }

  #http({ id, request, timeout }: Extract<Effect, { type: 'http' }>): void {
    const { web, clock } = this.#options.ports
    const late = { result: 'timeout', status: null, body: null } as const
    const failed = { result: 'error', status: null, body: null } as const
    // The web keeps its own time; a second on top of it is for one that does not.
    void within(clock, timeout + 1_000, web.request(request, timeout), late)
      .catch(() => failed)
      .then((answer) => this.#later({ type: 'http', at: clock.now(), id, ...answer }))
  }

  #mayCall({ id, to }: Extract<Effect, { type: 'callback_check' }>): void {
    const { ports, context } = this.#options
    this.#ask(id, ports.book.allowed(context, to), 'allowed')
  }

  #schedule({ id, request }: Extract<Effect, { type: 'callback' }>): void {
    const { ports, record } = this.#options
    const due_at = this.#true(request.due_at)
    this.#ask(id, ports.book.schedule(record, { ...request, due_at }), 'scheduled')
  }

  #optOut({ id, list }: Extract<Effect, { type: 'opt_out' }>): void {
    const { ports, record } = this.#options
    void optOut(record, list, ports).then((ok) => this.#later({ type: 'opted_out', at: ports.clock.now(), id, ok }))
  }

  #ask(id: string, answer: Promise<boolean>, good: 'allowed' | 'scheduled'): void {
    const { clock, log } = this.#options.ports
    void within(clock, ledgerPatience, answer, null)
      .catch((error: unknown) => {
        log.error({ call: this.#options.record.id, err: error }, 'the ledger did not answer about a callback')
        return null
      })
      .then((yes) => {
        const said = yes === null ? 'fault' : yes ? good : 'unavailable'
        this.#later({ type: 'callback', at: clock.now(), id, result: said })
      })
  }

  #later(event: FlowEvent): void {
    this.#options.post(event)
  }
}

function entered(effects: Effect[], at: number): StepTrace[] {
  return effects.flatMap((effect) => {
    if (effect.type !== 'enter') return []
    const { type: _, ...step } = effect
    return [{ at, ...step }]
  })
}
