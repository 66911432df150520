/**
 * A whole conversation on a virtual clock: the real interpreter, and a far side that follows a script.
 *
 * Every item of the script waits for its moment. What the other side does (`press`, `says`, `silent`, `hangs_up`, …) is
 * done in order; answers of machines (`http`, `task`) go to the one who waits for them, or are kept for the next who
 * does. A `hears` looks at what has been said since the last thing that was done. Speech lasts as long as its text.
 */

import type { CallContext, Effect, FlowEvent, FlowResult, Spoken, Verdict } from './io.ts'
import type { Program } from './program.ts'
import { begin, result, type State, step } from './step.ts'

/** Durations in ms. */
export type ScriptItem =
  | { hears: string }
  | { press: string; during?: 'prompt' }
  | { silent: true }
  | { says: number }
  | { waits: number }
  | { hangs_up: true }
  | { situation: string }
  | { http: { url?: string; status?: number; json?: unknown; after?: number } }
  | { task: { name: string; status?: 'done' | 'failed'; result?: unknown; after?: number } }
  | { amd: Verdict }

/** One line of a conversation; `at` in ms since the answer. */
export interface Line {
  at: number
  who: 'us' | 'them' | 'call'
  text: string
  /** The step of the moment. */
  step: string | null
}

export interface Simulation {
  lines: Line[]
  /** Named steps with how they were reached. */
  steps: { at: number; step: string; event: string }[]
  result: FlowResult
  /** ms from the answer to the end. */
  duration: number
  /** `callback_at` less the moment of the last key before it, ms; null without a callback. */
  callbackIn: number | null
  /** Items that were never met, in words. */
  unmet: string[]
  state: State
}

export interface SimulationOptions {
  context: CallContext
  /** ms since the epoch at the answer. */
  now: number
  /** What the ledger says to a callback. */
  callbacks?: 'scheduled' | 'unavailable' | 'fault'
  /** ms that each character takes to be spoken. */
  pace?: number
  /** Sees every event with its effects, in order. */
  watch?: (event: FlowEvent, effects: Effect[], state: State) => void
}

const HOUR = 3_600_000
const SOUND = 2000
const BETWEEN_KEYS = 200
const INTO_PROMPT = 300
/** How long one key of ours lasts. */
const KEY = 100

/** A first outbound call on Monday 2026-01-05 at 10:00 in Bucharest, to `with` fields of one's own. */
export function testCall(fields: Partial<CallContext> = {}): CallContext {
  const direction = fields.direction ?? 'outbound'
  return {
    id: 'test',
    direction,
    number: '+40712345678',
    attempt: 1,
    kind: direction === 'inbound' ? 'inbound' : 'first',
    amd: 'human',
    contact: {},
    campaign: { name: 'test' },
    previous: {},
    vars: {},
    start_at: null,
    zones: ['Europe/Bucharest'],
    windows: [],
    holidays: [],
    country: 'RO',
    ...fields,
  }
}

export const TEST_NOW = Date.UTC(2026, 0, 5, 8, 0, 0)

/** The words of a playback. */
export function wordsOf(parts: Spoken[]): string {
  return parts.map((part) => ('text' in part ? part.text : `[${part.sound}]`)).join(' ')
}

/** Case and runs of blanks apart. */
function contains(text: string, wanted: string): boolean {
  const plain = (t: string) => t.toLowerCase().replace(/\s+/g, ' ').trim()
  return plain(text).includes(plain(wanted))
}

interface Happening {
  at: number
  order: number
  event: FlowEvent | null
}

/** Runs a program against a script, to the end of the call, at most one virtual hour. Deterministic. */
export function simulate(program: Program, script: ScriptItem[], options: SimulationOptions): Simulation {
  const { context, now: start, callbacks = 'scheduled', pace = 60 } = options
  const lines: Line[] = []
  const steps: Simulation['steps'] = []
  const heard: { begun: number; ended: number; text: string }[] = []
  const stock: ScriptItem[] = []
  const wants: { kind: 'http' | 'task'; id: string; url: string; since: number }[] = []
  let queue: Happening[] = []
  /** When each recording began. */
  const recordings = new Map<string, number>()
  let state = begin(program, context)
  let now = start
  let order = 0
  let index = 0
  /** Utterances before this one are not looked at any more. */
  let mark = 0
  const mouth: { playing: { id: string; ends: number } | null } = { playing: null }
  let item = { index: -1, begun: start, noinputs: 0, busy: false }
  let lastKey = start
  let keyOfCallback: number | null = null
  let over = false

  const at = (time: number, event: FlowEvent | null) => {
    queue.push({ at: time, order: order++, event })
  }
  const line = (who: Line['who'], text: string) => lines.push({ at: now - start, who, text, step: state.lastStep })

  const feed = (event: FlowEvent) => {
    if (event.type === 'key') {
      lastKey = event.at
      line('them', `presses ${event.key}`)
    } else if (event.type === 'talk') line('them', event.on ? 'talks' : 'stops talking')
    else if (event.type === 'hangup') line('them', 'hangs up')
    else if (event.type === 'situation') line('call', `situation ${event.name}`)
    const turn = step(program, state, event)
    const before = state
    state = turn.state
    if (before.callbackAt !== state.callbackAt) keyOfCallback = lastKey
    for (const effect of turn.effects) perform(effect)
    options.watch?.(event, turn.effects, state)
  }

  const perform = (effect: Effect) => {
    switch (effect.type) {
      case 'enter':
        steps.push({ at: now - start, step: effect.step, event: effect.event })
        return
      case 'play': {
        const text = wordsOf(effect.parts)
        const sounds = effect.parts.filter((part) => 'sound' in part).length
        const slow = effect.parts.some((part) => 'rate' in part && part.rate !== null && part.rate < 140) ? 4 / 3 : 1
        const length = Math.max(1, Math.round(text.length * pace * slow) + sounds * SOUND)
        heard.push({ begun: now, ended: now + length, text })
        mouth.playing = { id: effect.id, ends: now + length }
        line('us', text)
        at(now + length, { type: 'played', at: now + length, id: effect.id, ok: true })
        return
      }
      case 'stop':
        queue = queue.filter(({ event }) => !(event?.type === 'played' && event.id === effect.id))
        if (mouth.playing?.id === effect.id) {
          mouth.playing = null
          heard.at(-1)!.ended = now
        }
        return
      case 'timer':
        at(now + effect.ms, { type: 'timer', at: now + effect.ms, id: effect.id })
        return
      case 'cancel_timer':
        queue = queue.filter(({ event }) => !(event?.type === 'timer' && event.id === effect.id))
        return
      case 'music':
        return void line('us', effect.on ? '[music]' : '[music stops]')
      case 'http': {
        const since = now
        wants.push({ kind: 'http', id: effect.id, url: effect.request.url, since })
        const end = now + effect.timeout
        at(end, { type: 'http', at: end, id: effect.id, result: 'timeout', status: null, body: null })
        return deliver()
      }
      case 'callback_check':
      case 'callback': {
        const answer = effect.type === 'callback_check' && callbacks === 'scheduled' ? 'allowed' : callbacks
        at(now, { type: 'callback', at: now, id: effect.id, result: answer })
        return
      }
      case 'record': {
        const end = now + effect.maxTime
        recordings.set(effect.id, now)
        at(end, { type: 'recorded', at: end, id: effect.id, ok: true, duration: effect.maxTime })
        return
      }
      case 'stop_record': {
        const begun = recordings.get(effect.id)
        const before = queue.length
        queue = queue.filter(({ event }) => !(event?.type === 'recorded' && event.id === effect.id))
        if (!effect.keep || begun === undefined || queue.length === before) return
        at(now, { type: 'recorded', at: now, id: effect.id, ok: true, duration: now - begun })
        return
      }
      case 'press': {
        const end = now + effect.keys.length * (KEY + effect.gap)
        line('us', `[presses ${effect.keys}]`)
        at(end, { type: 'pressed', at: end, id: effect.id, ok: true })
        return
      }
      case 'dial': {
        const end = now + effect.timeout
        at(end, { type: 'dialed', at: end, id: effect.id, result: 'no_answer' })
        return
      }
      case 'stop_dial':
        queue = queue.filter(({ event }) => !(event?.type === 'dialed' && event.id === effect.id))
        return
      case 'opt_out':
        at(now, { type: 'opted_out', at: now, id: effect.id, ok: true })
        return
      case 'hangup':
        return void line('us', '[hangs up]')
      case 'done':
        over = true
        return
      default: {
        const never: never = effect
        return never
      }
    }
  }

  /** Gives what is in stock to who waits for it. */
  const deliver = () => {
    for (const given of [...stock]) {
      if ('task' in given) {
        const { name, status = 'done', result: body = null, after = 0 } = given.task
        const waits = state.act !== null && holdsFor(program, state, name)
        if (!waits) continue
        stock.splice(stock.indexOf(given), 1)
        at(now + after, { type: 'task', at: now + after, name, status, result: body })
      } else if ('http' in given) {
        const { url, status = 200, json = null, after = 0 } = given.http
        const want = wants.find((w) => url === undefined || w.url.includes(url))
        if (want === undefined) continue
        stock.splice(stock.indexOf(given), 1)
        wants.splice(wants.indexOf(want), 1)
        const good = status >= 200 && status < 300
        const limit = queue.find(({ event }) => event?.type === 'http' && event.id === want.id)?.at ?? 0
        if (now + after >= limit) continue
        queue = queue.filter(({ event }) => !(event?.type === 'http' && event.id === want.id))
        at(now + after, {
          type: 'http',
          at: now + after,
          id: want.id,
          result: good ? 'ok' : 'error',
          status,
          body: json,
        })
      }
    }
  }

  const listening = () =>
    mouth.playing === null &&
    ((state.ask !== null && state.ask.phase === 'wait') || (state.music && state.ask === null))

  /** Does what the script says is to be done now; true when something was. */
  const act = (): boolean => {
    const current = script[index]
    if (current === undefined) return false
    if (item.index !== index) item = { index, begun: now, noinputs: state.misses.noinput, busy: false }
    const done = (since = item.begun) => {
      if (!('hears' in current))
        mark = Math.max(
          mark,
          heard.findIndex((u) => u.ended > since || u.begun >= since),
        )
      if (mark < 0) mark = 0
      index++
      return true
    }
    if ('hears' in current) {
      for (let i = mark; i < heard.length; i++)
        if (contains(heard[i]!.text, current.hears)) {
          mark = i + 1
          return done()
        }
      return false
    }
    if ('silent' in current) return state.misses.noinput > item.noinputs ? done(now) : false
    if ('amd' in current) return done()
    if ('http' in current || 'task' in current) {
      stock.push(current)
      deliver()
      return done()
    }
    if ('hangs_up' in current) {
      at(now, { type: 'hangup', at: now, by: 'callee' })
      return done(now)
    }
    if ('situation' in current) {
      at(now, { type: 'situation', at: now, name: current.situation })
      return done(now)
    }
    if ('waits' in current) {
      if (!item.busy) {
        item.busy = true
        at(now + current.waits, null)
      }
      return now >= item.begun + current.waits ? done() : false
    }
    if ('says' in current) {
      if (!item.busy) {
        if (!listening()) return false
        item = { ...item, busy: true, begun: now }
        at(now, { type: 'talk', at: now, on: true })
        at(now + current.says, { type: 'talk', at: now + current.says, on: false })
      }
      return now >= item.begun + current.says ? done() : false
    }
    // A press: its keys come one after another, and the next item waits for the last of them.
    const spread = (current.press.length - 1) * BETWEEN_KEYS
    if (!item.busy) {
      let from = now
      if (current.during === 'prompt') {
        if (mouth.playing === null) return false
        from = Math.min(now + INTO_PROMPT, Math.max(now, mouth.playing.ends - 1))
      } else if (!listening()) return false
      item = { ...item, busy: true, begun: from }
      for (const [i, key] of [...current.press].entries())
        at(from + i * BETWEEN_KEYS, { type: 'key', at: from + i * BETWEEN_KEYS, key })
      at(from + spread, null)
      return false
    }
    return now >= item.begun + spread && !queue.some(({ event }) => event?.type === 'key') ? done() : false
  }

  const amd = script.find((i) => 'amd' in i)
  feed({ type: 'start', at: now, verdict: amd !== undefined && 'amd' in amd ? amd.amd : 'human' })
  while (!over) {
    while (act()) {}
    deliver()
    queue.sort((a, b) => a.at - b.at || a.order - b.order)
    const next = queue.shift()
    if (next === undefined || next.at > start + HOUR) break
    now = next.at
    if (next.event === null) continue
    if (next.event.type === 'played' && mouth.playing?.id === next.event.id) mouth.playing = null
    feed(next.event)
  }
  while (act()) {}
  const final = result(state)
  return {
    lines,
    steps,
    result: final,
    duration: now - start,
    callbackIn: final.callback_at === null || keyOfCallback === null ? null : final.callback_at - keyOfCallback,
    unmet: script
      .slice(index)
      .filter((i) => !('amd' in i))
      .map(describe),
    state,
  }
}

function holdsFor(program: Program, state: State, name: string): boolean {
  const current = state.step === null ? undefined : program.steps.get(state.step)
  return state.phase === 'on' && current?.verb.name === 'hold' && current.node.task?.name === name
}

function describe(item: ScriptItem): string {
  if ('hears' in item) return `hears "${item.hears}"`
  if ('press' in item) return `press ${item.press}`
  if ('silent' in item) return 'silent'
  if ('says' in item) return `says ${item.says} ms`
  if ('waits' in item) return `waits ${item.waits} ms`
  if ('hangs_up' in item) return 'hangs_up'
  if ('situation' in item) return `situation ${item.situation}`
  return Object.keys(item)[0] ?? ''
}
