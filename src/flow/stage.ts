/**
 * The stage of a rehearsal: the real interpreter in a world that is made up, on a virtual clock.
 *
 * What the flow does (effects) becomes happenings in a queue: speech lasts as long as its text, timers run, a ledger
 * says yes. What it needs of a machine or another person is answered from a stock (`answers.ts`). `advance` goes on
 * to the next happening, at once, whatever lies between. Two drivers stand on it: a script, and a person at a terminal.
 */

import type { Answer, Fulfil } from './answers.ts'
import type { CallContext, Effect, FlowEvent, Spoken, Verdict } from './io.ts'
import type { Program } from './program.ts'
import { begin, step } from './step.ts'
import { View, type Watch, wordsOf } from './view.ts'

export interface StageOptions {
  context: CallContext
  /** ms since the epoch at the answer. */
  now: number
  /** What the ledger says to a callback. */
  callbacks?: 'scheduled' | 'unavailable' | 'fault'
  /** ms that each character takes to be spoken. */
  pace?: number
  /** ms that this takes to be said; undefined: by its characters. */
  length?(parts: Spoken[]): number | undefined
  watch?: Watch
}

interface Happening {
  at: number
  order: number
  event: FlowEvent | null
}

/** How long a recorded sound lasts, ms. */
const SOUND = 2000
/** How long one key of ours lasts, ms. */
const KEY = 100
/** How long an operator lets it ring before taking the call, or being busy, and then talks, ms. */
export const RING = 2000
export const TALK = 30_000
const BETWEEN_KEYS = 200

export class Stage extends View {
  now: number
  private readonly options: StageOptions
  private queue: Happening[] = []
  private order = 0
  private readonly recorded = new Map<string, number>()

  constructor(program: Program, options: StageOptions) {
    super(program, begin(program, options.context), options.now, {
      http: (...given) => this.web(...given),
      task: (task) => this.task(task),
      agent: (...given) => this.agent(...given),
    })
    this.options = options
    this.now = options.now
  }

  /** The call is answered. */
  answer(verdict: Verdict): void {
    this.feed({ type: 'start', at: this.now, verdict })
  }

  /** Something is to happen then; null just has the clock stop there. */
  at(time: number, event: FlowEvent | null): void {
    this.queue.push({ at: time, order: this.order++, event })
  }

  /** Goes on to the next happening; false when there is none before `limit` (ms since the epoch). */
  advance(limit: number): boolean {
    this.supply()
    this.queue.sort((a, b) => a.at - b.at || a.order - b.order)
    const next = this.queue[0]
    if (next === undefined || next.at > limit) return false
    this.queue.shift()
    this.now = next.at
    if (next.event !== null) this.feed(next.event)
    return true
  }

  /** They press these keys, one after another, from then on. */
  press(time: number, keys: string): void {
    for (const [i, key] of [...keys].entries()) {
      const at = time + i * BETWEEN_KEYS
      this.at(at, { type: 'key', at, key })
    }
  }

  /** Whether a key of theirs is still under way. */
  pressing(): boolean {
    return this.queue.some(({ event }) => event?.type === 'key')
  }

  talk(time: number, length: number): void {
    this.at(time, { type: 'talk', at: time, on: true })
    this.at(time + length, { type: 'talk', at: time + length, on: false })
  }

  hangUp(time: number): void {
    this.at(time, { type: 'hangup', at: time, by: 'callee' })
  }

  raise(time: number, name: string): void {
    this.at(time, { type: 'situation', at: time, name })
  }

  /** Keeps an answer for the next need that it fits. */
  give(answer: Answer): void {
    this.answers.keep(answer)
    this.supply()
  }

  private feed(event: FlowEvent): void {
    const before = this.state
    const { state, effects, fault } = step(this.program, before, event)
    if (fault !== null) this.errors.push({ at: this.now - this.start, step: before.lastStep, reason: fault })
    this.saw(this.now, event, effects, state)
    for (const effect of effects) this.perform(effect)
    this.options.watch?.(event, effects, state, before)
  }

  private drop(gone: (event: FlowEvent) => boolean): void {
    this.queue = this.queue.filter(({ event }) => event === null || !gone(event))
  }

  private perform(effect: Effect): void {
    const { now } = this
    switch (effect.type) {
      case 'play': {
        const ended = now + this.length(effect.parts)
        if (this.playing?.id === effect.id) {
          this.playing.ends = ended
          this.heard.at(-1)!.ended = ended
        }
        return this.at(ended, { type: 'played', at: ended, id: effect.id, ok: true })
      }
      case 'stop':
        return this.drop((event) => event.type === 'played' && event.id === effect.id)
      case 'timer':
        return this.at(now + effect.ms, { type: 'timer', at: now + effect.ms, id: effect.id })
      case 'cancel_timer':
        return this.drop((event) => event.type === 'timer' && event.id === effect.id)
      case 'http': {
        const end = now + effect.timeout
        this.at(end, { type: 'http', at: end, id: effect.id, result: 'timeout', status: null, body: null })
        return this.supply()
      }
      case 'callback_check':
      case 'callback': {
        const { callbacks = 'scheduled' } = this.options
        const result = effect.type === 'callback_check' && callbacks === 'scheduled' ? 'allowed' : callbacks
        return this.at(now, { type: 'callback', at: now, id: effect.id, result })
      }
      case 'record': {
        const end = now + effect.maxTime
        this.recorded.set(effect.id, now)
        return this.at(end, { type: 'recorded', at: end, id: effect.id, ok: true, duration: effect.maxTime })
      }
      case 'stop_record': {
        const begun = this.recorded.get(effect.id)
        this.drop((event) => event.type === 'recorded' && event.id === effect.id)
        if (!effect.keep || begun === undefined) return
        return this.at(now, { type: 'recorded', at: now, id: effect.id, ok: true, duration: now - begun })
      }
      case 'press': {
        const end = now + effect.keys.length * (KEY + effect.gap)
        return this.at(end, { type: 'pressed', at: end, id: effect.id, ok: true })
      }
      case 'dial': {
        const { id, timeout } = effect
        this.at(now + timeout, { type: 'dialed', at: now + timeout, id, result: 'no_answer' })
        return this.supply()
      }
      case 'stop_dial':
        return this.drop((event) => (event.type === 'dialed' || event.type === 'connected') && event.id === effect.id)
      case 'opt_out':
        return this.at(now, { type: 'opted_out', at: now, id: effect.id, ok: true })
      case 'enter':
      case 'music':
      case 'hangup':
      case 'done':
        return
      default: {
        const never: never = effect
        return never
      }
    }
  }

  private length(parts: Spoken[]): number {
    const known = this.options.length?.(parts)
    if (known !== undefined) return known
    const slow = parts.some((part) => 'rate' in part && part.rate !== null && part.rate < 140) ? 4 / 3 : 1
    const sounds = parts.filter((part) => 'sound' in part).length
    return Math.max(1, Math.round(wordsOf(parts).length * (this.options.pace ?? 60) * slow) + sounds * SOUND)
  }

  private web({ id }: Parameters<Fulfil['http']>[0], answer: Parameters<Fulfil['http']>[1]): void {
    const { status = 200, json = null, after = 0 } = answer
    const end = this.now + after
    const limit = this.queue.find(({ event }) => event?.type === 'http' && event.id === id)?.at ?? 0
    if (end >= limit) return
    this.drop((event) => event.type === 'http' && event.id === id)
    const result = status >= 200 && status < 300 ? 'ok' : 'error'
    this.at(end, { type: 'http', at: end, id, result, status, body: json })
  }

  private task({ name, status = 'done', result = null, after = 0 }: Parameters<Fulfil['task']>[0]): void {
    const end = this.now + after
    this.at(end, { type: 'task', at: end, name, status, result })
  }

  private agent({ id, timeout, limit }: Parameters<Fulfil['agent']>[0], what: Parameters<Fulfil['agent']>[1]): void {
    const answered = this.now + Math.min(RING, timeout - 1)
    if (what === 'no_answer') return
    this.drop((event) => event.type === 'dialed' && event.id === id)
    if (what === 'busy') return this.at(answered, { type: 'dialed', at: answered, id, result: 'busy' })
    const end = answered + Math.min(TALK, limit)
    this.at(answered, { type: 'connected', at: answered, id })
    this.at(end, { type: 'dialed', at: end, id, result: 'completed' })
  }
}
