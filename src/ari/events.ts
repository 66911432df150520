/**
 * What Asterisk says, in our words. Pure, by a table: an event of ARI goes in, at most one `Signal` comes out. Unknown
 * types, missing fields and odd values give null and never throw; what a signal means for a call (repeats, wrong
 * order, which end it is) is decided by `line-state.ts`.
 */
import type { AriEvent } from './link.ts'

export type Signal = { channel: string } & (
  | { kind: 'entered'; args: string[]; called: string; caller: string; state: string }
  | { kind: 'left' }
  | { kind: 'state'; state: string }
  /** Somebody wants the channel to end; `soft` when it was on this side (a request of ours, a dial timeout, the CLI). */
  | { kind: 'leaving'; soft: boolean; cause: number | null; sip: number | null }
  | { kind: 'destroyed'; cause: number | null; sip: number | null }
  | { kind: 'key'; key: string }
  | { kind: 'talk'; on: boolean }
  | { kind: 'played'; id: string; ok: boolean }
  /** `duration` in ms, told in whole seconds. */
  | { kind: 'recorded'; name: string; ok: boolean; duration: number }
)

type Reader = (event: AriEvent, channel: Fields) => Body | null
type Fields = Record<string, unknown>
type Body = Signal extends infer S ? (S extends { channel: string } ? Omit<S, 'channel'> : never) : never

const READERS: Record<string, Reader> = {
  StasisStart: (event, channel) => ({
    kind: 'entered',
    args: list(event.args).map(String),
    called: text(fields(channel.dialplan).exten),
    caller: text(fields(channel.caller).number),
    state: text(channel.state),
  }),
  StasisEnd: () => ({ kind: 'left' }),
  // A 183 changes no state; ringing that is heard in the line is ringing all the same.
  Dial: (event) => (event.dialstatus === 'PROGRESS' ? { kind: 'state', state: 'Ringing' } : null),
  ChannelStateChange: (_, channel) => ({ kind: 'state', state: text(channel.state) }),
  ChannelHangupRequest: (event) => ({
    kind: 'leaving',
    soft: event.soft === true,
    cause: count(event.cause),
    sip: count(event.tech_cause),
  }),
  ChannelDestroyed: (event) => ({ kind: 'destroyed', cause: count(event.cause), sip: count(event.tech_cause) }),
  ChannelDtmfReceived: (event) => {
    const key = text(event.digit)
    return /^[0-9A-D*#]$/.test(key) ? { kind: 'key', key } : null
  },
  ChannelTalkingStarted: () => ({ kind: 'talk', on: true }),
  ChannelTalkingFinished: () => ({ kind: 'talk', on: false }),
  PlaybackFinished: (event) => {
    const playback = fields(event.playback)
    const id = text(playback.id)
    return id === '' ? null : { kind: 'played', id, ok: playback.state !== 'failed' }
  },
  RecordingFinished: (event) => recorded(event, true),
  RecordingFailed: (event) => recorded(event, false),
}

/** Another process has registered our application: it owns the events from now on. */
export const REPLACED = 'ApplicationReplaced'

/** The only types that a node needs to send: a call is 5 to 8 events instead of 21. */
export const EVENT_TYPES: readonly string[] = [...Object.keys(READERS), REPLACED]

/** Translates one event; null when it says nothing about a channel that we could use. */
export function readEvent(event: AriEvent): Signal | null {
  const reader = Object.hasOwn(READERS, event.type) ? READERS[event.type] : undefined
  if (!reader) return null
  const channel = fields(event.channel ?? event.peer)
  const id = text(channel.id) || targetOf(event.playback) || targetOf(event.recording)
  if (id === '') return null
  const body = reader(event, channel)
  return body && ({ ...body, channel: id } as Signal)
}

/** A channel as `GET /channels` lists it, read as if it had entered just now. */
export function readChannel(listed: unknown): (Signal & { kind: 'entered' }) | null {
  const channel = fields(listed)
  const id = text(channel.id)
  if (id === '') return null
  const plan = fields(channel.dialplan)
  const [, ...args] = text(plan.app_name) === 'Stasis' ? text(plan.app_data).split(',') : []
  return {
    channel: id,
    kind: 'entered',
    args,
    called: text(plan.exten),
    caller: text(fields(channel.caller).number),
    state: text(channel.state),
  }
}

function recorded(event: AriEvent, ok: boolean): Body | null {
  const recording = fields(event.recording)
  const name = text(recording.name)
  // One that was thrown away ends as a good one, too.
  const kept = ok && recording.state !== 'canceled'
  return name === '' ? null : { kind: 'recorded', name, ok: kept, duration: 1_000 * (count(recording.duration) ?? 0) }
}

/** The channel that a playback or a recording is on. */
function targetOf(thing: unknown): string {
  const target = text(fields(thing).target_uri)
  return target.startsWith('channel:') ? target.slice('channel:'.length) : ''
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** 0 is what Asterisk says when it knows no cause. */
function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : null
}
