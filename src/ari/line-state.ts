/**
 * What a channel has been through, and what a signal therefore means. Asterisk may repeat itself, the order may be
 * broken by a gap in the link, an event may be missing; out of here every call rings at most once, is answered at most
 * once and ends exactly once, with nothing after its end. Deterministic: no time but `at`, no effects.
 *
 * Two kinds of channels end differently. One that we created is subscribed by its creation: `StasisEnd`, then
 * `ChannelDestroyed` with the cause. An inbound one ends with `StasisEnd` and nothing more.
 */
import type { LineEvent } from '../call/ports.ts'
import type { Signal } from './events.ts'

export interface LineState {
  readonly direction: 'outbound' | 'inbound'
  /** When the channel was born, ms since the epoch, and after how many ms Asterisk ends it; null: unknown. */
  readonly born: number
  readonly absolute: number | null
  /** After the answer a machine is to be told from a person. */
  amd: boolean
  /** Another process has left it behind before it rang: nobody knows whether it was dialled at all. */
  doubtful: boolean
  entered: boolean
  ringing: boolean
  answered: boolean
  /** They talk, as far as we know; before the answer nobody is told. */
  talking: boolean
  /** We sent it into the dialplan (AMD): leaving our application is not its end. */
  away: boolean
  /** Who first asked for the end. */
  leaving: 'us' | 'callee' | 'node' | null
  /** What the far side gave as its reasons when it asked. */
  cause: number | null
  sip: number | null
  /** It left our application without our doing; a created channel's `destroyed` must follow. */
  left: boolean
  ended: boolean
}

export function newLine(
  direction: LineState['direction'],
  born: number,
  absolute: number | null,
  amd: boolean,
): LineState {
  return {
    direction,
    born,
    absolute,
    amd,
    doubtful: false,
    entered: false,
    ringing: false,
    answered: false,
    talking: false,
    away: false,
    leaving: null,
    cause: null,
    sip: null,
    left: false,
    ended: false,
  }
}

/** Asterisk looks at its time limit once a second or so, and its clock is not ours. */
const LIMIT_MARGIN = 1_500

/** Takes a signal in (changing `line`) and says what there is to tell. */
export function observe(line: LineState, signal: Signal, at: number): LineEvent[] {
  if (line.ended) return []
  switch (signal.kind) {
    case 'entered':
      return entered(line, signal.args, signal.state, at)
    case 'state':
      return stateIs(line, signal.state, at)
    case 'leaving':
      // A request of ours comes back as a soft one; whoever asked first ended the call.
      line.leaving ??= signal.soft ? 'node' : 'callee'
      if (!signal.soft) {
        line.cause = signal.cause ?? line.cause
        line.sip = signal.sip ?? line.sip
      }
      return []
    case 'left':
      if (line.away) return []
      line.left = true
      return line.direction === 'inbound' ? [end(line, null, null, at)] : []
    case 'destroyed':
      return [end(line, signal.cause, signal.sip, at)]
    case 'key':
      return line.answered ? [{ type: 'key', at, key: signal.key }] : []
    case 'talk':
      line.talking = signal.on
      return line.answered ? [{ type: 'talk', at, on: signal.on }] : []
    case 'played':
      // A sound cut by the hang-up counts as failed; its caller hears of the end instead.
      return line.leaving && !signal.ok ? [] : [{ type: 'played', at, id: signal.id, ok: signal.ok }]
    case 'recorded':
      return [{ type: 'recorded', at, name: signal.name, ok: signal.ok, duration: signal.duration }]
    default: {
      const never: never = signal
      return never
    }
  }
}

/** The channel is gone, found out by asking: its cause is lost. `restarted`: Asterisk itself was away meanwhile. */
export function gone(line: LineState, at: number, restarted: boolean): LineEvent[] {
  if (line.ended) return []
  const event = end(line, null, null, at)
  return [restarted && event.type === 'ended' ? { ...event, by: 'network' } : event]
}

function entered(line: LineState, args: string[], state: string, at: number): LineEvent[] {
  line.entered = true
  line.left = false
  const events = stateIs(line, state, at)
  if (args[0] !== 'amd' || !line.away) return events
  line.away = false
  return [...events, { type: 'amd', at, status: args[1] ?? '', cause: args[2] ?? '' }]
}

function stateIs(line: LineState, state: string, at: number): LineEvent[] {
  if (line.answered) return []
  if (state === 'Ringing' && line.direction === 'outbound' && !line.ringing) {
    line.ringing = true
    return [{ type: 'ringing', at }]
  }
  if (state === 'Up') {
    line.answered = true
    const answered: LineEvent = { type: 'answered', at }
    // Their first words may be quicker than the news of the answer.
    return line.talking ? [answered, { type: 'talk', at, on: true }] : [answered]
  }
  return []
}

function end(line: LineState, lastCause: number | null, lastSip: number | null, at: number): LineEvent {
  line.ended = true
  const unseen = line.doubtful && !line.ringing && !line.answered
  if (unseen && line.leaving === 'us') return { type: 'ended', at, cause: null, sip: null, by: 'unknown' }
  // A refusal within a millisecond of the dial reaches the request for the end, and is wiped from the end itself (seen).
  const cause = lastCause ?? line.cause
  const sip = lastSip ?? line.sip
  const by = endedBy(line, cause, sip, at)
  // For a call that we gave up Asterisk makes a SIP code up (603); only its dial timeout's is worth keeping.
  return { type: 'ended', at, cause, sip: by === 'us' && cause !== 19 ? null : sip, by }
}

function endedBy(
  line: LineState,
  cause: number | null,
  sip: number | null,
  at: number,
): 'callee' | 'us' | 'limit' | 'unknown' {
  if (line.leaving === 'us' || line.leaving === 'callee') return line.leaving
  // The dial timeout that we gave to Asterisk: a soft request of its own, then cause 19.
  if (line.leaving === 'node') return !line.answered && cause === 19 ? 'us' : 'unknown'
  // A refusal says who by its SIP code, even when the request for the end was missed.
  if (!line.answered && sip !== null) return 'callee'
  if (line.absolute !== null && at - line.born >= line.absolute - LIMIT_MARGIN) return 'limit'
  return 'unknown'
}
