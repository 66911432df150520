/**
 * What a conversation has asked of the world and not heard the end of: what is being played, which timers run, who is asked,
 * recorded or called. It is folded from the inputs and their effects, as a journal gives them; whoever goes on with the
 * conversation in another process has these to look after.
 */
import type { Effect, FlowEvent, HangupBy } from './io.ts'

/** Effects whose end comes back as an event with their id. */
export type Asked = Extract<
  Effect,
  { type: 'play' | 'timer' | 'http' | 'callback_check' | 'callback' | 'record' | 'press' | 'dial' | 'opt_out' }
>

export interface Open<E extends Asked = Asked> {
  effect: E
  /** When it was asked for, ms since the epoch. */
  at: number
  /** It came of the very last input: whoever died then may not have done it. */
  last: boolean
  /** Of a dial: the two hear each other. Of a recording: its end was asked for. */
  on: boolean
}

export class Outstanding {
  /** The time of the last input, ms since the epoch; 0 before the first. */
  last = 0
  /** Whether the conversation has begun. */
  begun = false
  /** The class of the music that plays. */
  music: string | null = null
  /** Who ended the call. */
  ended: HangupBy | null = null
  done = false
  /** Dials so far. */
  dials = 0
  readonly #open = new Map<string, Open>()

  /** Takes in an input with what came of it. */
  note(event: FlowEvent, effects: readonly Effect[]): void {
    this.last = Math.max(this.last, event.at)
    for (const open of this.#open.values()) open.last = false
    if (event.type === 'start') this.begun = true
    else if (event.type === 'connected') this.#mark(event.id)
    else if (event.type === 'hangup') this.#over(event.by)
    else if ('id' in event) this.#open.delete(event.id)
    for (const effect of effects) this.#effect(effect, event.at)
  }

  /** What is open of this type, oldest first. */
  of<T extends Asked['type']>(type: T): Open<Extract<Asked, { type: T }>>[] {
    return [...this.#open.values()].filter((open) => open.effect.type === type) as Open<Extract<Asked, { type: T }>>[]
  }

  #effect(effect: Effect, at: number): void {
    switch (effect.type) {
      case 'dial':
        this.dials += 1
        this.#ask(effect, at)
        break
      case 'play':
      case 'timer':
      case 'http':
      case 'callback_check':
      case 'callback':
      case 'record':
      case 'press':
      case 'opt_out':
        this.#ask(effect, at)
        break
      case 'stop':
      case 'cancel_timer':
      case 'stop_dial':
        this.#open.delete(effect.id)
        break
      case 'stop_record':
        if (effect.keep) this.#mark(effect.id)
        else this.#open.delete(effect.id)
        break
      case 'music':
        this.music = effect.on ? effect.class : null
        break
      case 'hangup':
        this.#over(effect.by)
        break
      case 'done':
        this.done = true
        break
      case 'enter':
        break
      default:
        effect satisfies never
    }
  }

  #ask(effect: Asked, at: number): void {
    this.#open.set(effect.id, { effect, at, last: true, on: false })
  }

  #mark(id: string): void {
    const open = this.#open.get(id)
    if (open) open.on = true
  }

  /** Nobody is on the line any more. */
  #over(by: HangupBy): void {
    this.ended ??= by
    this.music = null
    for (const [id, { effect }] of this.#open)
      if (effect.type === 'play' || effect.type === 'record' || effect.type === 'press' || effect.type === 'dial')
        this.#open.delete(id)
  }
}
