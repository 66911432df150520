/**
 * The small interfaces through which a live call reaches the world. `service.ts` passes the real ones in:
 * `ari/` is the line, `store/` the ledger, `media/` the voice. Nothing here names Asterisk or Redis.
 */
import type { CallbackRequest, CallContext, HttpRequest, Left, Spoken } from '../flow/io.ts'
import type { Entry } from '../flow/journal.ts'
import type { Program } from '../flow/program.ts'
import type { Watch } from '../flow/view.ts'
import type { Log } from '../log.ts'
import type { CallRecord, StepTrace } from './record.ts'

/** What a line tells. `at` is milliseconds since the epoch. */
export type LineEvent =
  | { type: 'ringing'; at: number }
  | { type: 'answered'; at: number }
  | { type: 'amd'; at: number; status: string; cause: string }
  | { type: 'key'; at: number; key: string }
  | { type: 'talk'; at: number; on: boolean }
  | { type: 'played'; at: number; id: string; ok: boolean }
  /** A recording of this channel has ended, and is kept if `ok`. `duration` in ms, as exactly as the line knows (a second). */
  | { type: 'recorded'; at: number; name: string; ok: boolean; duration: number }
  /**
   * The channel is gone. `cause` is Q.850, `sip` the SIP code when one came; `by` is `limit` when Asterisk's own
   * TIMEOUT(absolute) ended it, `callee` when the far side hung up, `us` after our own hang-up, `network` when the
   * node or its link was lost together with the channel, else `unknown`.
   */
  | {
      type: 'ended'
      at: number
      cause: number | null
      sip: number | null
      by: 'callee' | 'us' | 'limit' | 'network' | 'unknown'
    }

/** One channel. Every method settles within its deadline (5 s) and rejects with an `ApelError`; 404 on an ending is success. */
export interface Line {
  readonly id: string
  /** Plays absolute paths without extension, one after another, as one playback; `played` tells its end. */
  play(id: string, files: string[]): Promise<void>
  stopPlay(id: string): Promise<void>
  startMusic(musicClass: string): Promise<void>
  stopMusic(): Promise<void>
  /**
   * Keeps what comes in, from the end of what is being played on, after a beep if wanted, as a WAV file of this name
   * (`A-Za-z0-9._-`). `recorded` tells its end: after `maxTime` ms, rounded up to seconds, by `stopRecord`, or a fault.
   */
  record(name: string, options: { beep: boolean; maxTime: number }): Promise<void>
  /** Ends a recording; without `keep` it is thrown away, whatever `recorded` says of it. One that has ended is success. */
  stopRecord(name: string, keep: boolean): Promise<void>
  /** Sends keys; returns at once, each takes `keyLength` and `gap` ms. */
  press(keys: string, gap: number): Promise<void>
  /** Whether this sound is being played, or waits to be. */
  plays(id: string): Promise<boolean>
  /** Whether a recording of this name is being made, has been kept, or neither. */
  records(name: string): Promise<'now' | 'kept' | null>
  ring(): Promise<void>
  answer(): Promise<void>
  hangup(): Promise<void>
  /** RTP packets received so far; talk that goes on without new packets is silence (a phone that stopped sending). */
  receivedPackets(): Promise<number>
  /** Forgets the listener. Called once, after `ended`. */
  release(): void
}

export interface DialOrder {
  /** The attempt's id, which is the channel's. */
  id: string
  /** A dial string from a trunk's template, e.g. `PJSIP/+40711111111@carrier`. */
  endpoint: string
  /** E.164, from the trunk's list; null for an extension without one. */
  callerId: string | null
  /** ms. */
  ring: number
  /** After this many ms from creation Asterisk itself ends the channel. */
  absolute: number
  amd: boolean
  /** Awaited right before the INVITE is asked for: the trunk's pace, without what the way here took longer or less. */
  turn?(): Promise<void>
}

/** An inbound call that entered our application. Nobody has answered it yet. */
export interface InboundCall {
  id: string
  /** The number called and the number calling, raw as Asterisk gave them. */
  called: string
  caller: string
}

/** ms that a key of ours lasts. */
export const keyLength = 100

/** What is known of a channel that another process has left behind. Times in ms. */
export interface LeftLine {
  direction: 'outbound' | 'inbound'
  /** When it was made, and after how long the node ends it; null: not known. */
  born: number
  absolute: number | null
  /** How long it may still ring; null: it is not for us to end that. */
  ring: number | null
  /** A verdict about an answering machine is still to come. */
  amd: boolean
  ringing: boolean
  answered: boolean
}

/** One Asterisk node. */
export interface Telephony {
  readonly node: string
  /** The application whose channels these are. */
  readonly app: string
  /** When the node was started, as it says itself; empty before the first link. */
  startup(): string
  /** Link up, last pong fresh, an endpoint checked. The gate for this node is closed when false. */
  ready(): boolean
  /** Why it is not ready; null when it is. */
  reason(): string | null
  /** Registers the listener, then creates and dials. Rejects when the node refused; the listener is then released. */
  dial(order: DialOrder, listener: (event: LineEvent) => void): Promise<Line>
  /** Takes over the events of a channel that exists already: an inbound one, or one that was left behind. */
  attach(id: string, listener: (event: LineEvent) => void): Line
  /**
   * Lets two answered channels hear each other. It waits for what is being played on them, so that must have been stopped.
   * Rejects when they cannot be put together; both are alone then.
   */
  bridge(id: string, channels: readonly [string, string]): Promise<void>
  /** Keeps what is said in a bridge as the WAV file of this name, until the bridge is gone, at most `maxTime` ms. */
  recordBridge(id: string, name: string, maxTime: number): Promise<void>
  /** Who is in a bridge; null: it is not there. */
  bridged(id: string): Promise<string[] | null>
  /** Takes the two apart; both go on alone. A bridge that is not there is success. */
  unbridge(id: string): Promise<void>
  /** Called once for each inbound call. */
  onInbound(handler: (call: InboundCall) => void): void
}

/** Turns what is spoken into files that Asterisk can play (absolute paths without extension). */
export interface Voice extends Speaker {
  /** The same for a call in which somebody types what may be kept nowhere: what it has to make is gone some minutes later. */
  passing: Speaker
}

export interface Speaker {
  /** Rejects with an `ApelError` naming the sound or the engine's complaint. */
  files(parts: Spoken[]): Promise<string[]>
  /** How long files that it gave play, ms; null when it cannot tell. The deadline of a playback whose end is never told. */
  duration(files: string[]): number | null
}

/** The part of the ledger that a live call needs. */
export interface CallLedger {
  /** Fields that became known while the call goes on, e.g. `ringing_at`, `answered_at`. */
  update(id: string, fields: Partial<CallRecord> & { state?: 'dialing' | 'ringing' | 'up' }): Promise<void>
  /**
   * An entry of the conversation's journal, kept before the effects of its input are performed, and the steps that were
   * entered with it. Rejects with `not_ours` when another process holds the call by now.
   */
  journal(id: string, entry: Entry, steps: StepTrace[]): Promise<void>
  /**
   * The final result, exactly once: record, contact's next state, trunk's channel given back, and what the next
   * conversation may read as `previous`. Called again when it rejects. False: the ledger has no such call that is on, since
   * it was held back before the dial, or somebody else has closed it.
   */
  finish(record: CallRecord, left: Left): Promise<boolean>
}

/** Callbacks as a flow needs them. */
export interface CallbackBook {
  /** False when the number is withheld, not allowed or on the do-not-call list. `to` null: the call's own number. */
  allowed(context: CallContext, to: string | null): Promise<boolean>
  /** Keeps it (one open callback a number: a new one replaces it). False when it may not be kept after all. */
  schedule(record: CallRecord, request: CallbackRequest): Promise<boolean>
}

/** Whom a call is to be connected to: an extension of the PBX, or a telephone number as somebody wrote it. */
export type Peer = { extension: string } | { number: string }

/** A second channel for a call: its record stands in the ledger as reserved, and is to be finished like any other. */
export interface LegOrder {
  record: CallRecord
  order: Omit<DialOrder, 'absolute'>
}

/** The gate, for legs. */
export interface Transfers {
  /** The leg's record, if another process has left one: it has ended, or is ours now. */
  left(id: string): Promise<CallRecord | null>
  /**
   * Writes the leg `id` of a live call down if it may be dialled on the call's node: a listed extension or an allowed
   * number, not on the do-not-call list, a trunk with a free channel and a call left in this second (waited for, some
   * seconds). Null when not, for whatever reason; that has been logged. Rejects when the ledger cannot be reached.
   */
  reserve(call: CallRecord, id: string, to: Peer, ring: number): Promise<LegOrder | null>
}

/** The do-not-call list, for a flow. */
export interface OptOuts {
  /** Keeps the call's number on the common list (null) or a campaign's. A withheld number needs no list. */
  add(call: CallRecord, campaign: string | null): Promise<void>
}

export interface Web {
  /** Never rejects: a failed request is a result. Allow-list, private addresses, size and time are its business. */
  request(
    request: HttpRequest,
    timeout: number,
  ): Promise<{ result: 'ok' | 'error' | 'timeout'; status: number | null; body: unknown }>
}

export type ServiceEvent =
  | { type: 'call.started'; data: CallRecord }
  | { type: 'call.step'; data: { id: string } & StepTrace }
  | { type: 'call.ended'; data: CallRecord }
  | { type: 'callback.scheduled'; data: Record<string, unknown> }
  | { type: 'campaign.state'; data: { name: string; state: string } }
  | { type: 'trunk.state'; data: Record<string, unknown> }

/** Real time, so that tests may bring their own. */
export interface Clock {
  now(): number
  setTimeout(run: () => void, ms: number): unknown
  clearTimeout(handle: unknown): void
}

/** Everything that the calls of an instance need, passed in once. */
export interface CallPorts {
  ledger: CallLedger
  book: CallbackBook
  web: Web
  transfers: Transfers
  optOuts: OptOuts
  /** Whether conversations of two may be recorded (`recordings.enabled`); messages that are asked for always are. */
  recordsTalks: boolean
  /** Null, or left out: our calls are ours. Else settles when that is known again; never, when they are another's. */
  doubt?(): Promise<void> | null
  clock: Clock
  log: Log
  /** The name under which the texts of a program are kept, for a replay; null: they are not. */
  texts(program: Program): string | null
  /** The voice whose files this node can play. */
  voice(node: string): Voice
  /** Must not throw and is not waited for. */
  publish(event: ServiceEvent): void
  /** Told how long an input of a conversation took, seconds, from its arrival to its effects being asked for. */
  stepTook?(seconds: number): void
  /** When a conversation begins, ms since the epoch, in its own eyes; absent: when it does. Of a rehearsal, held at any hour. */
  hour?(id: string): number | undefined
  /** Sees what goes into the conversation of a call and what comes of it, right before that is done. Must not throw. */
  watch?(id: string, ...turn: Parameters<Watch>): void
}
