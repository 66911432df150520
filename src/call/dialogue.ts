/**
 * A conversation on a line: the flow that leads it, its voice, its ear and its timers. It begins when the call is answered
 * and the verdict is there. What the line tells is put into the flow's terms here: the end of a sound that nobody waits for
 * any more is dropped, talk is made exact, a timer that ran out while they may have begun to talk waits until that is known.
 *
 * Every method is called from the call's mailbox, one at a time; what comes back later goes through it again by `post`.
 */
import type { CallContext, FlowEvent, FlowResult, HangupBy } from '../flow/io.ts'
import type { Outstanding } from '../flow/outstanding.ts'
import type { Program } from '../flow/program.ts'
import { keepsSecrets } from '../flow/secrets.ts'
import { Conversation } from './conversation.ts'
import type { Journal } from './journal.ts'
import { Keypad } from './keypad.ts'
import { Player } from './player.ts'
import type { CallPorts, Clock, Line, LineEvent, Telephony } from './ports.ts'
import type { CallRecord } from './record.ts'
import { Recorder } from './recorder.ts'
import type { Taken } from './taken.ts'
import { TalkWatch } from './talk.ts'
import { Timers } from './timers.ts'
import { type DialEffect, type LeftDial, Transfer } from './transfer.ts'

/** What comes back to a dialogue through the mailbox. */
export type Reply = { kind: 'flow'; event: FlowEvent } | { kind: 'timer'; id: string; turn: number }

export interface DialogueOptions {
  line: Line
  program: Program
  /** With the verdict in it. */
  context: CallContext
  record: CallRecord
  telephony: Telephony
  journal: Journal
  /** What another process has left of it; null: it begins. */
  taken: Taken | null
  ports: CallPorts
  post(reply: Reply): void
  /** The flow ends the call. */
  hangup(): void
  /** The record's `recordings` have changed. */
  listed(): void
}

export class Dialogue {
  readonly #timers: Timers
  readonly #player: Player
  readonly #talk: TalkWatch
  readonly #recorder: Recorder
  readonly #keypad: Keypad
  readonly #transfers: Transfer[] = []
  readonly #conversation: Conversation
  readonly #held: Reply[] = []
  readonly #open: Outstanding | null
  readonly #clock: Clock
  readonly #post: (reply: Reply) => void
  readonly #dial: (effect: DialEffect, left: LeftDial) => void
  #deaf = false

  constructor({ line, telephony, ports, post, listed, ...rest }: DialogueOptions) {
    const { clock, log } = ports
    const { record, taken } = rest
    this.#open = taken?.open ?? null
    this.#clock = clock
    this.#post = post
    let dials = (taken?.open.dials ?? 0) - (taken?.open.of('dial').length ?? 0)
    const tell = (event: FlowEvent) => post({ kind: 'flow', event })
    this.#timers = new Timers(clock, (id, turn) => post({ kind: 'timer', id, turn }))
    const voice = ports.voice(telephony.node)
    this.#player = new Player({
      line,
      voice: keepsSecrets(rest.program) ? voice.passing : voice,
      clock,
      log,
      played: (id, ok) => tell({ type: 'played', at: clock.now(), id, ok }),
    })
    this.#recorder = new Recorder({
      line,
      clock,
      log,
      kept: record.recordings,
      listed,
      heard: () => this.#player.asked(),
      recorded: (id, ok, duration) => tell({ type: 'recorded', at: clock.now(), id, ok, duration }),
    })
    this.#keypad = new Keypad({
      line,
      clock,
      log,
      pressed: (id, ok) => tell({ type: 'pressed', at: clock.now(), id, ok }),
    })
    this.#talk = new TalkWatch({
      clock,
      packets: () => line.receivedPackets(),
      say: (on, at) => tell({ type: 'talk', at, on }),
      decided: () => {
        for (const reply of this.#held.splice(0)) post(reply)
      },
    })
    const dial = (effect: DialEffect, left: LeftDial | null = null): void => {
      dials += 1
      const transfer = new Transfer({
        effect,
        left,
        id: `${record.id}.${dials}`,
        call: record,
        line,
        telephony,
        longest: rest.program.limits.maxCallTime,
        ports,
        quiet: () => this.#player.quiet(),
        connected: () => tell({ type: 'connected', at: clock.now(), id: effect.id }),
        dialed: (result) => tell({ type: 'dialed', at: clock.now(), id: effect.id, result }),
        recording(name) {
          record.recordings.push(name)
          listed()
        },
      })
      this.#transfers.push(transfer)
    }
    this.#dial = dial
    this.#conversation = new Conversation({
      ...rest,
      ports,
      player: this.#player,
      recorder: this.#recorder,
      keypad: this.#keypad,
      dial,
      stopDial: (id) => this.#transfers.find((transfer) => transfer.id === id)?.stop(),
      timers: this.#timers,
      post: tell,
    })
  }

  /**
   * Goes on where another process has left off. What it had begun on the line is looked for, and what has come to its end
   * meanwhile is told; then the flow hears for how long nobody listened. `gone`: the line is no more.
   */
  async takeOver(gone: boolean): Promise<void> {
    const open = this.#open
    if (open === null) return
    for (const { effect, at, on } of open.of('dial')) this.#dial(effect, { at, connected: on })
    if (open.ended === null && !gone) await this.#takeOverLine(open)
    // Last: what ran out meanwhile may not be meant any more once a question is asked anew.
    if (open.ended !== null || !gone) this.#conversation.askAgain(open)
  }

  async #takeOverLine(open: Outstanding): Promise<void> {
    const gap = this.#clock.now() - open.last
    this.#player.takeOverMusic(open.music)
    for (const { effect, at, on } of open.of('record')) await this.#recorder.takeOver(effect, at, on)
    for (const { effect, at } of open.of('play')) await this.#player.takeOver(effect.id, effect.parts, at)
    if (this.#conversation.talking) this.#talk.takeOver()
    this.#post({ kind: 'flow', event: { type: 'resumed', at: this.#clock.now(), gap } })
  }

  /** Who ended the call, as far as the flow knows; null while nobody has. */
  get ended(): HangupBy | null {
    return this.#conversation.ended
  }

  /** The flow has nothing more to do. */
  get done(): boolean {
    return this.#conversation.done
  }

  result(): FlowResult {
    return this.#conversation.result()
  }

  async heard(event: Extract<LineEvent, { type: 'key' | 'talk' | 'played' | 'recorded' }>): Promise<void> {
    if (event.type === 'talk') {
      if (!this.#deaf) this.#talk.detected(event.on, event.at)
    } else if (event.type === 'key') await this.take(event)
    else if (event.type === 'recorded') this.#recorder.ended(event)
    else {
      const id = this.#player.ended(event.id)
      if (id !== null) await this.take({ ...event, id })
    }
  }

  async reply(reply: Reply): Promise<void> {
    if (reply.kind === 'flow') return this.take(reply.event)
    // If they turn out to have begun to talk, it was before this.
    if (this.#talk.undecided) return void this.#held.push(reply)
    const due = this.#timers.take(reply.id, reply.turn)
    if (due !== null) await this.take({ type: 'timer', at: due, id: reply.id })
  }

  async take(event: FlowEvent): Promise<void> {
    if (this.#deaf && (event.type === 'key' || event.type === 'talk')) return
    await this.#conversation.take(event)
  }

  /** Somebody has ended the call, or it has ended: only what cleans up is told from here. */
  async over(by: HangupBy, at: number, disposition?: 'cancelled' | 'technical'): Promise<void> {
    this.hush()
    if (this.#conversation.ended !== null) return
    await this.#conversation.take({ type: 'hangup', at, by, disposition })
  }

  /** They are not listened to any more. */
  hush(): void {
    this.#deaf = true
    this.#talk.close()
  }

  /** The line is gone. */
  gone(): void {
    this.hush()
    this.#player.close()
    this.#recorder.close()
    this.#keypad.close()
    for (const transfer of this.#transfers) transfer.stop()
  }

  /** Settles when nothing is left of those whom the flow had called. */
  async parted(): Promise<void> {
    await Promise.all(this.#transfers.map((transfer) => transfer.over))
  }

  /** Another process goes on with it: nothing is asked of the line any more, and nobody is let go. */
  abandon(): void {
    this.hush()
    this.#player.close()
    this.#recorder.close()
    this.#keypad.close()
    for (const transfer of this.#transfers) transfer.abandon()
    this.#timers.clear()
  }

  /** The record is being closed: no timer and no sound is left behind. */
  close(): void {
    this.gone()
    this.#timers.clear()
  }
}
