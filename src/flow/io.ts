/**
 * What goes into a conversation and what comes out of it.
 *
 * `step(program, state, event)` is pure: time (`at`, milliseconds since the epoch) and every answer of the
 * outside world come in on the event; what is to be done goes out as effects. Effects carry ids that depend
 * only on the inputs so far, so that performing one twice does no harm and a replay gives the same ones.
 * The four drivers (live call, guided operator, simulator, replay) speak these types and nothing else.
 */

/** One thing to be played: words for the speech engine, or a recorded sound by its name. */
export type Spoken =
  | { text: string; language: string; voice: string | null; rate: number | null }
  | { sound: string; language: string }

/** Whether a person answered (Asterisk's AMD, or `human` without it). */
export type Verdict = 'human' | 'machine' | 'unsure'

/** Who ended the call; `callee` is the far side, in both directions. */
export type HangupBy = 'callee' | 'flow' | 'operator' | 'limit' | 'network' | 'unknown'

export type FlowEvent =
  /** The call is answered (and the verdict is there): the flow begins. */
  | { type: 'start'; at: number; verdict: Verdict }
  | { type: 'key'; at: number; key: string }
  /** A `play` has ended; `ok: false` when it could not be played (missing sound, speech engine failed). */
  | { type: 'played'; at: number; id: string; ok: boolean }
  /** They began (`on`) or stopped talking; the driver also sends `on: false` when no audio came for 1.5 s. */
  | { type: 'talk'; at: number; on: boolean }
  | { type: 'timer'; at: number; id: string }
  /** The answer to an `http` effect. `body` is parsed JSON, else text. */
  | { type: 'http'; at: number; id: string; result: 'ok' | 'error' | 'timeout'; status: number | null; body: unknown }
  /** An external task was finished over the API. */
  | { type: 'task'; at: number; name: string; status: 'done' | 'failed'; result: unknown }
  /** The answer to `callback_check` (`allowed`) or `callback` (`scheduled`); `fault` when the ledger could not be reached. */
  | { type: 'callback'; at: number; id: string; result: 'allowed' | 'scheduled' | 'unavailable' | 'fault' }
  /**
   * A `record` has come to its end: by `stop_record` with `keep`, by its longest time, or by a fault (`ok: false`, nothing
   * is kept). `duration` is ms of sound. Comes at most once; never after `stop_record` without `keep`, nor after a hang-up.
   */
  | { type: 'recorded'; at: number; id: string; ok: boolean; duration: number }
  /** The keys of a `press` have all been sent; `ok: false` when the line refused them. */
  | { type: 'pressed'; at: number; id: string; ok: boolean }
  /**
   * The other side of a `dial` has answered: the two hear each other, music has been stopped. Comes at most once, and not at
   * all when they hang up again in that moment.
   */
  | { type: 'connected'; at: number; id: string }
  /**
   * A `dial` is over and the far side is ours alone again. `completed`: they had answered, and have hung up
   * or the time limit came; `failed`: it may not or cannot be called, or the line refused. Comes once, never after
   * `stop_dial` nor after a hang-up.
   */
  | { type: 'dialed'; at: number; id: string; result: 'completed' | 'busy' | 'no_answer' | 'failed' }
  /** The answer to `opt_out`; `ok: false` when the list could not be written. */
  | { type: 'opted_out'; at: number; id: string; ok: boolean }
  /** An operator raises a situation of the flow (a guided call, a conversation test). */
  | { type: 'situation'; at: number; name: string }
  /** Another process goes on with the call: for `gap` ms nobody heard the other side, and what they did then is lost. */
  | { type: 'resumed'; at: number; gap: number }
  /** The far side is gone, or somebody outside the flow ended the call. Only silent clean-up runs after it. */
  | { type: 'hangup'; at: number; by: HangupBy; disposition?: 'cancelled' | 'technical' }

export type Effect =
  /**
   * A named step was entered (for the record, `call.step` events, coverage and counts on the graph). `event` is how it
   * was reached: `start`, `callback` (where an agreed call begins), `next`, `goto`, `option 1`, `if 1`, `else`, an outcome (`done`, `give_up`,
   * `scheduled` …), a rung (`noinput`, `nomatch`), `repeat`, `return`, `situation NAME`, `call` (where a called flow begins),
   * `on_error`, `taken over`. `flow` names the called flow that the step is one of; without it the step is one of the call's own flow.
   */
  | { type: 'enter'; step: string; event: string; flow?: string }
  /** Plays the parts one after another as one playback of this id; ends with a `played` event, also when stopped. */
  | { type: 'play'; id: string; parts: Spoken[] }
  /** Stops that playback; no `played` event is needed any more. */
  | { type: 'stop'; id: string }
  | { type: 'timer'; id: string; ms: number }
  | { type: 'cancel_timer'; id: string }
  | { type: 'music'; on: boolean; class: string }
  | { type: 'http'; id: string; request: HttpRequest; timeout: number }
  /** May this number be called back at all (withheld, not allowed, do-not-call)? `to` null: the call's own number. */
  | { type: 'callback_check'; id: string; to: string | null }
  | { type: 'callback'; id: string; request: CallbackRequest }
  /**
   * Keeps what the far side says from now on, after a beep if wanted, as the recording `name` (`CALL.ID`: the call's id, a
   * point, this effect's). What is still being played ends first. After `maxTime` ms it ends by itself and is kept; silence
   * and keys are the flow's to watch. A hang-up ends and keeps it.
   */
  | { type: 'record'; id: string; name: string; beep: boolean; maxTime: number }
  /** Ends it; with `keep` a `recorded` follows, without it the sound is thrown away and nothing more is told. */
  | { type: 'stop_record'; id: string; keep: boolean }
  /** Sends keys (`0-9*#A-D`) to the far side, `gap` ms apart; ends with a `pressed`. */
  | { type: 'press'; id: string; keys: string; gap: number }
  /**
   * Calls somebody and connects the two. What the far side hears until then is the flow's: `music` before, `music` off after
   * `connected`. Rings at most `timeout` ms; `timeLimit` ms after the answer (null: no limit) the other side is let go.
   * `record` names a recording of both sides, null for none. Ends with a `dialed`. Nothing is to be played meanwhile.
   */
  | {
      type: 'dial'
      id: string
      to: { extension: string } | { number: string }
      timeout: number
      timeLimit: number | null
      record: string | null
    }
  /** Ends that dial, whether it rings or talks: the other side is hung up, the far side is ours alone; no `dialed` follows. */
  | { type: 'stop_dial'; id: string }
  /** Puts the call's own number on the do-not-call list: the common one (null), or that of the campaign named. */
  | { type: 'opt_out'; id: string; list: string | null }
  /** Ends the call. The driver hangs up; nothing is played after it. */
  | { type: 'hangup'; by: 'flow' | 'limit' }
  /** Nothing more will come: `result(state)` is final. */
  | { type: 'done' }

export interface HttpRequest {
  method: string
  url: string
  headers: Record<string, string>
  json: unknown
}

/** A later call that was agreed on. Times in milliseconds since the epoch, already clamped to the windows. */
export interface CallbackRequest {
  /** Another number (E.164) to be called instead; null: the call's own. */
  to: string | null
  due_at: number
  /** How long after `due_at` it may still be dialled, ms; null: as long as the campaign says. */
  expires: number | null
  note: string | null
  agent: 'any' | 'same' | null
  /** Flow and step where that call starts; null: the same flow, its start. */
  flow: string | null
  at: string | null
}

/** Opening hours: each day of the week to its open intervals in minutes of the local day, end exclusive. */
export type Windows = Record<'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun', { from: number; to: number }[]>

/** The facts of a call that a flow may read, fixed before it begins. */
export interface CallContext {
  id: string
  direction: 'outbound' | 'inbound'
  /** The far side in E.164; "" when withheld. */
  number: string
  attempt: number
  kind: 'first' | 'retry' | 'callback' | 'manual' | 'inbound'
  amd: Verdict
  contact: Record<string, string>
  /** `campaign.*`: at least `name`. */
  campaign: Record<string, unknown>
  /**
   * The last conversation with this contact or number: outcome, step, strategy, agent, spoke_with, notes, tasks, at.
   * `tasks` maps a name to `{ status, result }` as in `FlowResult.tasks`, or to the bare result.
   */
  previous: Record<string, unknown>
  /** Overrides of the flow's vars (POST /v1/calls, conversation tests). */
  vars: Record<string, unknown>
  /** Where a callback begins, null: the flow's start. */
  start_at: string | null
  /** All zones the far side may be in (IANA names); a time is spoken in the first and must be open in all. */
  zones: string[]
  /** Every set of windows that a callback must fit: policy, campaign. */
  windows: Windows[]
  /** Local dates (YYYY-MM-DD) on which nothing opens. */
  holidays: string[]
  /** The country (ISO 3166, e.g. RO) of a telephone number typed without one; absent: that of `number`. */
  country?: string
}

/** What a conversation left behind, for the record. */
export interface FlowResult {
  disposition:
    | 'completed'
    | 'hangup'
    | 'silent'
    | 'nomatch'
    | 'callback'
    | 'opted_out'
    | 'abandoned'
    | 'machine'
    | 'technical'
    | 'cancelled'
  hangup_by: HangupBy
  outcome: string | null
  last_step: string | null
  vars: Record<string, unknown>
  /** ms since the epoch. */
  callback_at: number | null
  /** External tasks that were finished during the call; with those finished later they are `previous.tasks`. */
  tasks: Record<string, { status: 'done' | 'failed'; result: unknown }>
  /** The strategy that won; null where none did. */
  strategy?: string | null
  /** The extension or queue that they were last connected to; null for none. */
  agent?: string | null
}

/** What a conversation leaves for the next one beside its record. */
export type Left = Pick<FlowResult, 'tasks' | 'strategy' | 'agent'>
