/**
 * A conversation as it looks from beside it: what was said and done, what is being said, whether the flow listens, and what it
 * waits for. It is fed every event with what came of it (`saw`) and decides nothing. The simulator's stage and a rehearsal on
 * a real line are both looked at through it, so that a script meets the same moments on either.
 */

import { Answers, type Fulfil } from './answers.ts'
import { family } from './called.ts'
import type { Effect, FlowEvent, Spoken } from './io.ts'
import type { Program } from './program.ts'
import type { State } from './step.ts'

/** One line of a conversation; `at` in ms since the answer. */
export interface Line {
  at: number
  who: 'us' | 'them' | 'call'
  text: string
  /** The step of the moment. */
  step: string | null
}

/** Something that was said, with the playback's id; times in ms since the epoch, `ended` infinite while nobody knows. */
export interface Utterance {
  id: string
  begun: number
  ended: number
  text: string
  parts: Spoken[]
  /** It was broken off. */
  cut: boolean
}

/** What sees every event with its effects and the states around it, in order. */
export type Watch = (event: FlowEvent, effects: Effect[], state: State, before: State) => void

/** The words of a playback. */
export function wordsOf(parts: Spoken[]): string {
  return parts.map((part) => ('text' in part ? part.text : `[${part.sound}]`)).join(' ')
}

export class View {
  readonly program: Program
  /** ms since the epoch at the answer. */
  start: number
  readonly lines: Line[] = []
  readonly steps: { at: number; step: string; event: string }[] = []
  readonly heard: Utterance[] = []
  readonly answers: Answers
  /** What the flow could not do, as far as it is known here, with the step of the moment; `at` as that of a line. */
  readonly errors: { at: number; step: string | null; reason: string }[] = []
  state: State
  over = false
  /** What is being said, and when it will have been, as far as that is known. */
  playing: { id: string; ends: number } | null = null
  /** Questions that ran out in silence, whether the step has a ladder for it or not. */
  silences = 0
  /** When the call ended, ms since the epoch; `on_hangup` may still run after it. */
  endedAt: number | null = null
  /** When the last agreed callback was chosen, ms since the epoch. */
  chosenAt: number | null = null
  private readonly recordings = new Set<string>()
  private readonly dials = new Set<string>()
  private asked: number | null = null

  constructor(program: Program, state: State, start: number, fulfil: Fulfil) {
    this.program = program
    this.state = state
    this.start = start
    this.answers = new Answers(fulfil)
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
    return this.answers.wanting(this.openTasks())
  }

  /** Gives answers that are in stock to whom they are for. */
  supply(): void {
    this.answers.supply(this.openTasks())
  }

  /** One event and what came of it. `at`: when, ms since the epoch. */
  saw(at: number, event: FlowEvent, effects: readonly Effect[], state: State): void {
    const before = this.state
    this.heardOf(at, event)
    this.state = state
    if (before.phase === 'on' && state.phase !== 'on') this.endedAt = at
    if (ranOut(before, event, state)) this.silences++
    if (before.callbackAt !== state.callbackAt) this.chosenAt = this.asked
    for (const effect of effects) this.did(at, effect)
  }

  private heardOf(at: number, event: FlowEvent): void {
    switch (event.type) {
      case 'key':
        return this.line(at, 'them', `presses ${event.key}`)
      case 'talk':
        return this.line(at, 'them', event.on ? 'talks' : 'stops talking')
      case 'hangup':
        return this.line(at, 'them', 'hangs up')
      case 'situation':
        return this.line(at, 'call', `situation ${event.name}`)
      case 'played':
        return this.silent(event.id, at, false)
      case 'recorded':
        this.recordings.delete(event.id)
        return
      case 'http':
      case 'dialed':
        // A need that was not answered in time is one no more.
        return this.forget(event.id)
      default:
        return
    }
  }

  private did(at: number, effect: Effect): void {
    switch (effect.type) {
      case 'enter':
        this.steps.push({ at: at - this.start, step: effect.step, event: effect.event })
        return
      case 'play': {
        const text = wordsOf(effect.parts)
        const { id, parts } = effect
        this.heard.push({ id, begun: at, ended: Number.POSITIVE_INFINITY, text, parts, cut: false })
        this.playing = { id, ends: Number.POSITIVE_INFINITY }
        return this.line(at, 'us', text)
      }
      case 'stop':
        return this.silent(effect.id, at, true)
      case 'music':
        return this.line(at, 'us', effect.on ? '[music]' : '[music stops]')
      case 'http':
        return this.answers.need({ kind: 'http', id: effect.id, url: effect.request.url })
      case 'callback':
        this.asked = at
        return
      case 'record':
        this.recordings.add(effect.id)
        return this.line(at, 'us', effect.beep ? '[beep, records]' : '[records]')
      case 'stop_record':
        this.recordings.delete(effect.id)
        return
      case 'press':
        return this.line(at, 'us', `[presses ${effect.keys}]`)
      case 'dial': {
        const { id, to, timeout } = effect
        this.dials.add(id)
        this.answers.need({ kind: 'dial', id, timeout, limit: effect.timeLimit ?? Number.POSITIVE_INFINITY })
        return this.line(at, 'us', `[calls ${'number' in to ? to.number : to.extension}]`)
      }
      case 'stop_dial':
        return this.forget(effect.id)
      case 'hangup':
        return this.line(at, 'us', '[hangs up]')
      case 'done':
        this.over = true
        return
      default:
        return
    }
  }

  private line(at: number, who: Line['who'], text: string): void {
    this.lines.push({ at: at - this.start, who, text, step: this.state.lastStep })
  }

  private silent(id: string, at: number, cut: boolean): void {
    if (this.playing?.id !== id) return
    this.playing = null
    const last = this.heard.at(-1)!
    last.ended = at
    last.cut = cut
  }

  private forget(id: string): void {
    this.answers.forget(id)
    this.dials.delete(id)
  }

  /** External tasks of holds that were entered, in this flow or in one that it called. */
  private openTasks(): string[] {
    const entered = Object.keys(this.state.holds)
    if (entered.length === 0) return []
    return family(this.program).flatMap((program) => {
      const own = program === this.program ? '' : `${program.flow}/`
      return entered.flatMap((id) => {
        const step = id.startsWith(own) ? program.steps.get(id.slice(own.length)) : undefined
        const node = step?.node as { task?: { name: string; request: unknown } | null } | undefined
        return node?.task && node.task.request === null ? [node.task.name] : []
      })
    })
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
