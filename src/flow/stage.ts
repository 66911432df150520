/**
 * The stage of a rehearsal: the real interpreter in a world that is made up, on a virtual clock.
 *
 * What the flow does (effects) becomes happenings in a queue: speech lasts as long as its text, timers run, a ledger
 * says yes. What it needs of a machine or another person (an answer to `http`, a task, somebody to be dialled) is a
 * need; answers that were given before are kept in stock for the next need that they fit, in order. `advance` goes on
 * to the next happening, at once, whatever lies between. Two drivers stand on it: a script, and a person at a terminal.
 */

import type { CallContext, Effect, FlowEvent, Spoken, Verdict } from './io.ts'
import type { Program } from './program.ts'
import { begin, type State, step } from './step.ts'

/** Answers of machines and of other people, as a script gives them. Durations in ms, from the need. */
export type Answer =
  | { http: { url?: string; status?: number; json?: unknown; after?: number } }
  | { task: { name: string; status?: 'done' | 'failed'; result?: unknown; after?: number } }
  | { agent: 'answers' | 'busy' | 'no_answer' }

/** One line of a conversation; `at` in ms since the answer. */
export interface Line {
  at: number
  who: 'us' | 'them' | 'call'
  text: string
  /** The step of the moment. */
  step: string | null
}

/** Something that was said, with the playback's id; times in ms since the epoch. */
export interface Utterance {
  id: string
  begun: number
  ended: number
  text: string
}

/** What sees every event with its effects and the states around it, in order. */
export type Watch = (event: FlowEvent, effects: Effect[], state: State, before: State) => void

export interface StageOptions {
  context: CallContext
  /** ms since the epoch at the answer. */
  now: number
  /** What the ledger says to a callback. */
  callbacks?: 'scheduled' | 'unavailable' | 'fault'
  /** ms that each character takes to be spoken. */
  pace?: number
  watch?: Watch
}

interface Happening {
  at: number
  order: number
  event: FlowEvent | null
}

type Need = { kind: 'http'; id: string; url: string } | { kind: 'dial'; id: string; timeout: number; limit: number }

/** How long a recorded sound lasts, ms. */
const SOUND = 2000
/** How long one key of ours lasts, ms. */
const KEY = 100
/** How long an operator lets it ring before taking the call, or being busy, and then talks, ms. */
const RING = 2000
const TALK = 30_000

/** The words of a playback. */
export function wordsOf(parts: Spoken[]): string {
  return parts.map((part) => ('text' in part ? part.text : `[${part.sound}]`)).join(' ')
}

export class Stage {
  readonly program: Program
  readonly start: number
  readonly lines: Line[] = []
  readonly steps: { at: number; step: string; event: string }[] = []
  readonly heard: Utterance[] = []
  now: number
  state: State
  over = false
  /** What is being said, and when it will have been. */
  playing: { id: string; ends: number } | null = null
  /** Questions that ran out in silence, whether the step has a ladder for it or not. */
  silences = 0
  /** When the call ended, ms since the epoch; `on_hangup` may still run after it. */
  endedAt: number | null = null
  /** When the last agreed callback was chosen, ms since the epoch. */
  chosenAt: number | null = null
  private readonly options: StageOptions
  private queue: Happening[] = []
  private order = 0
  private stock: Answer[] = []
  private needs: Need[] = []
  private readonly tasks = new Set<string>()
  private readonly recordings = new Map<string, number>()
  private readonly dials = new Set<string>()
  private asked: number | null = null

  constructor(program: Program, options: StageOptions) {
    this.program = program
    this.options = options
    this.start = options.now
    this.now = options.now
    this.state = begin(program, options.context)
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
    if (next.event === null) return true
    if (next.event.type === 'played' && this.playing?.id === next.event.id) this.playing = null
    if (next.event.type === 'recorded') this.recordings.delete(next.event.id)
    // A need that was not answered in time is one no more.
    if (next.event.type === 'http' || next.event.type === 'dialed') this.forget(next.event.id)
    this.feed(next.event)
    return true
  }

  /** Whether a key of theirs is still under way. */
  pressing(): boolean {
    return this.queue.some(({ event }) => event?.type === 'key')
  }

  /** Whether nothing is being said and the flow waits for them: asks, records, plays music, lets a greeting end. */
  listening(): boolean {
    const { state } = this
    // While somebody is dialled their keys are for that person.
    if (this.playing !== null || this.dials.size > 0) return false
    return state.ask === null
      ? state.music || this.recordings.size > 0 || state.timers.timeout !== null
      : state.ask.phase === 'wait'
  }

  /** What the flow waits for and nobody has answered, in words. */
  wanting(): string[] {
    return [
      ...this.needs.map((need) => (need.kind === 'http' ? `an answer of ${need.url}` : 'somebody to take the call')),
      ...this.openTasks().map((name) => `the task ${name}`),
    ]
  }

  /** Keeps an answer for the next need that it fits. */
  give(answer: Answer): void {
    this.stock.push(answer)
    this.supply()
  }

  /** Answers that nobody has needed. */
  unused(): readonly Answer[] {
    return this.stock
  }

  private line(who: Line['who'], text: string): void {
    this.lines.push({ at: this.now - this.start, who, text, step: this.state.lastStep })
  }

  private feed(event: FlowEvent): void {
    if (event.type === 'key') this.line('them', `presses ${event.key}`)
    else if (event.type === 'talk') this.line('them', event.on ? 'talks' : 'stops talking')
    else if (event.type === 'hangup') this.line('them', 'hangs up')
    else if (event.type === 'situation') this.line('call', `situation ${event.name}`)
    const before = this.state
    const turn = step(this.program, before, event)
    this.state = turn.state
    if (before.phase === 'on' && turn.state.phase !== 'on') this.endedAt = this.now
    if (ranOut(before, event, turn.state)) this.silences++
    if (before.callbackAt !== turn.state.callbackAt) this.chosenAt = this.asked
    for (const effect of turn.effects) this.perform(effect)
    this.options.watch?.(event, turn.effects, turn.state, before)
  }

  private forget(id: string): void {
    this.needs = this.needs.filter((need) => need.id !== id)
    this.dials.delete(id)
  }

  private drop(gone: (event: FlowEvent) => boolean): void {
    this.queue = this.queue.filter(({ event }) => event === null || !gone(event))
  }

  private perform(effect: Effect): void {
    const { now } = this
    switch (effect.type) {
      case 'enter':
        this.steps.push({ at: now - this.start, step: effect.step, event: effect.event })
        return
      case 'play': {
        const text = wordsOf(effect.parts)
        const ended = now + this.length(effect.parts)
        this.heard.push({ id: effect.id, begun: now, ended, text })
        this.playing = { id: effect.id, ends: ended }
        this.line('us', text)
        return this.at(ended, { type: 'played', at: ended, id: effect.id, ok: true })
      }
      case 'stop':
        this.drop((event) => event.type === 'played' && event.id === effect.id)
        if (this.playing?.id !== effect.id) return
        this.playing = null
        this.heard.at(-1)!.ended = now
        return
      case 'timer':
        return this.at(now + effect.ms, { type: 'timer', at: now + effect.ms, id: effect.id })
      case 'cancel_timer':
        return this.drop((event) => event.type === 'timer' && event.id === effect.id)
      case 'music':
        return this.line('us', effect.on ? '[music]' : '[music stops]')
      case 'http': {
        this.needs.push({ kind: 'http', id: effect.id, url: effect.request.url })
        const end = now + effect.timeout
        this.at(end, { type: 'http', at: end, id: effect.id, result: 'timeout', status: null, body: null })
        return this.supply()
      }
      case 'callback_check':
      case 'callback': {
        const { callbacks = 'scheduled' } = this.options
        if (effect.type === 'callback') this.asked = now
        const result = effect.type === 'callback_check' && callbacks === 'scheduled' ? 'allowed' : callbacks
        return this.at(now, { type: 'callback', at: now, id: effect.id, result })
      }
      case 'record': {
        const end = now + effect.maxTime
        this.recordings.set(effect.id, now)
        this.line('us', effect.beep ? '[beep, records]' : '[records]')
        return this.at(end, { type: 'recorded', at: end, id: effect.id, ok: true, duration: effect.maxTime })
      }
      case 'stop_record': {
        const begun = this.recordings.get(effect.id)
        this.drop((event) => event.type === 'recorded' && event.id === effect.id)
        this.recordings.delete(effect.id)
        if (!effect.keep || begun === undefined) return
        return this.at(now, { type: 'recorded', at: now, id: effect.id, ok: true, duration: now - begun })
      }
      case 'press': {
        const end = now + effect.keys.length * (KEY + effect.gap)
        this.line('us', `[presses ${effect.keys}]`)
        return this.at(end, { type: 'pressed', at: end, id: effect.id, ok: true })
      }
      case 'dial': {
        const { id, to, timeout } = effect
        this.line('us', `[calls ${'number' in to ? to.number : to.extension}]`)
        this.dials.add(id)
        this.needs.push({ kind: 'dial', id, timeout, limit: effect.timeLimit ?? Number.POSITIVE_INFINITY })
        this.at(now + timeout, { type: 'dialed', at: now + timeout, id, result: 'no_answer' })
        return this.supply()
      }
      case 'stop_dial':
        this.forget(effect.id)
        return this.drop((event) => (event.type === 'dialed' || event.type === 'connected') && event.id === effect.id)
      case 'opt_out':
        return this.at(now, { type: 'opted_out', at: now, id: effect.id, ok: true })
      case 'hangup':
        return this.line('us', '[hangs up]')
      case 'done':
        this.over = true
        return
      default: {
        const never: never = effect
        return never
      }
    }
  }

  private length(parts: Spoken[]): number {
    const slow = parts.some((part) => 'rate' in part && part.rate !== null && part.rate < 140) ? 4 / 3 : 1
    const sounds = parts.filter((part) => 'sound' in part).length
    return Math.max(1, Math.round(wordsOf(parts).length * (this.options.pace ?? 60) * slow) + sounds * SOUND)
  }

  /** Gives what is in stock to whom it is for. */
  private supply(): void {
    for (const answer of [...this.stock]) {
      const given = 'http' in answer ? this.web(answer.http) : 'task' in answer ? this.task(answer) : this.agent(answer)
      if (given) this.stock.splice(this.stock.indexOf(answer), 1)
    }
  }

  private web({ url, status = 200, json = null, after = 0 }: Extract<Answer, { http: unknown }>['http']): boolean {
    const need = this.needs.find((n) => n.kind === 'http' && (url === undefined || n.url.includes(url)))
    if (need === undefined) return false
    this.needs.splice(this.needs.indexOf(need), 1)
    const end = this.now + after
    const limit = this.queue.find(({ event }) => event?.type === 'http' && event.id === need.id)?.at ?? 0
    if (end >= limit) return true
    this.drop((event) => event.type === 'http' && event.id === need.id)
    const result = status >= 200 && status < 300 ? 'ok' : 'error'
    this.at(end, { type: 'http', at: end, id: need.id, result, status, body: json })
    return true
  }

  private task({ task }: Extract<Answer, { task: unknown }>): boolean {
    const { name, status = 'done', result = null, after = 0 } = task
    if (!this.openTasks().includes(name)) return false
    this.tasks.add(name)
    const end = this.now + after
    this.at(end, { type: 'task', at: end, name, status, result })
    return true
  }

  /** External tasks of holds that were entered; each is answered once. */
  private openTasks(): string[] {
    const names: string[] = []
    for (const id of Object.keys(this.state.holds)) {
      const node = this.program.steps.get(id)?.node as { task?: { name: string; request: unknown } | null } | undefined
      if (node?.task && node.task.request === null && !this.tasks.has(node.task.name)) names.push(node.task.name)
    }
    return names
  }

  private agent({ agent }: Extract<Answer, { agent: unknown }>): boolean {
    const need = this.needs.find((n) => n.kind === 'dial')
    if (need?.kind !== 'dial') return false
    const { id } = need
    this.needs.splice(this.needs.indexOf(need), 1)
    const answered = this.now + Math.min(RING, need.timeout - 1)
    if (agent === 'no_answer') return true
    this.drop((event) => event.type === 'dialed' && event.id === id)
    if (agent === 'busy') this.at(answered, { type: 'dialed', at: answered, id, result: 'busy' })
    else {
      const end = answered + Math.min(TALK, need.limit)
      this.at(answered, { type: 'connected', at: answered, id })
      this.at(end, { type: 'dialed', at: end, id, result: 'completed' })
    }
    return true
  }
}

/** Whether this event was the end of a question's time, with nothing said and no key. */
function ranOut(before: State, event: FlowEvent, after: State): boolean {
  if (after.misses.noinput > before.misses.noinput) return true
  return (
    event.type === 'timer' &&
    before.timers.timeout === event.id &&
    before.ask !== null &&
    !before.ask.talked &&
    before.timers.talk === null &&
    after.misses.nomatch === before.misses.nomatch
  )
}
