/**
 * A script as the other side follows it. Every item waits for its moment: `begin` sets out to do one, and what it gives back does
 * what can be done now and says whether all of it is done. What the other side does goes to a scene, which is the simulator's
 * stage or a phone on a real line; a `hears` looks at what has been said since the last thing that was done.
 */

import type { Answer } from './answers.ts'
import type { FlowResult, Verdict } from './io.ts'
import type { State } from './step.ts'
import type { Line, Utterance, View } from './view.ts'

/** Durations in ms. */
export type ScriptItem =
  | Answer
  | { hears: string }
  | { press: string; during?: 'prompt' }
  | { silent: true }
  | { says: number }
  | { waits: number }
  | { hangs_up: true }
  | { situation: string }
  | { amd: Verdict }

/** Where a script is played. Times in ms since the epoch. */
export interface Scene extends View {
  readonly now: number
  /** They press these keys, one after another, from then on. */
  press(time: number, keys: string): void
  /** Whether a key of theirs is still under way. */
  pressing(): boolean
  talk(time: number, length: number): void
  hangUp(time: number): void
  /** An operator raises a situation. */
  raise(time: number, name: string): void
  /** Keeps an answer for the next need that it fits. */
  give(answer: Answer): void
}

export interface Simulation {
  lines: Line[]
  /** Named steps with how they were reached. */
  steps: { at: number; step: string; event: string }[]
  /** What was said; `met` where a `hears` met it. */
  heard: (Utterance & { met: boolean })[]
  result: FlowResult
  /** Whether the call came to its end, and did not only go on and on. */
  over: boolean
  /** ms from the answer to the end of the call. */
  duration: number
  /** `callback_at` less the moment it was chosen, ms; null without a callback. */
  callbackIn: number | null
  /** Items that were met, each with how many lines there were then. */
  met: { item: string; lines: number }[]
  /** Items that were never come to, and answers that nobody needed, in words. */
  unmet: string[]
  unused: string[]
  /** Why the flow could not go on somewhere and went to `on_error`. */
  errors: View['errors']
  state: State
}

const BETWEEN_KEYS = 200
const INTO_PROMPT = 300

/** Case and runs of blanks apart. */
export function contains(text: string, wanted: string): boolean {
  const plain = (t: string) => t.toLowerCase().replace(/\s+/g, ' ').trim()
  return plain(text).includes(plain(wanted))
}

export class Script {
  private readonly scene: Scene
  private readonly met: Simulation['met'] = []
  private readonly matched = new Set<Utterance>()
  /** Utterances before this one are not looked at any more. */
  private mark = 0

  constructor(scene: Scene) {
    this.scene = scene
  }

  /** Keeps that this item was done. */
  did(item: ScriptItem): void {
    this.met.push({ item: describe(item), lines: this.scene.lines.length })
  }

  /** The whole conversation, with what it came to; `left` are items that were never met. */
  told(result: FlowResult, left: ScriptItem[]): Simulation {
    const { scene } = this
    const { callback_at: due } = result
    return {
      lines: scene.lines,
      steps: scene.steps,
      heard: scene.heard.map((utterance) => ({ ...utterance, met: this.matched.has(utterance) })),
      result,
      over: scene.over,
      duration: (scene.endedAt ?? scene.now) - scene.start,
      callbackIn: due === null || scene.chosenAt === null ? null : due - scene.chosenAt,
      met: this.met,
      unmet: left.map(describe),
      unused: scene.answers.unused().map(describe),
      errors: scene.errors,
      state: scene.state,
    }
  }

  /** Sets out to do an item; what comes back does what can be done now, and says whether it is all done. */
  begin(item: ScriptItem): () => boolean {
    const { scene } = this
    const since = scene.now
    if ('hears' in item) return () => this.hears(item.hears)
    if ('http' in item || 'task' in item || 'agent' in item) {
      scene.give(item)
      return () => true
    }
    if ('amd' in item) return () => true
    if ('hangs_up' in item || 'situation' in item) {
      return () => {
        if (scene.over) return false
        if ('hangs_up' in item) scene.hangUp(since)
        else scene.raise(since, item.situation)
        return this.done(since)
      }
    }
    if ('silent' in item) {
      const before = scene.silences
      return () => scene.silences > before && this.done(scene.now)
    }
    if ('waits' in item) return () => scene.now >= since + item.waits && this.done(since)
    return 'says' in item ? this.talks(item.says) : this.presses(item.press, item.during === 'prompt')
  }

  private talks(length: number): () => boolean {
    const { scene } = this
    let begun: number | null = null
    return () => {
      if (begun === null) {
        if (!scene.listening()) return false
        begun = scene.now
        scene.talk(begun, length)
      }
      // Who is hung up on in the middle of a word has talked all the same.
      return (scene.over || scene.now >= begun + length) && this.done(begun)
    }
  }

  /** The keys come one after another, and the next item waits for the last of them. */
  private presses(keys: string, into: boolean): () => boolean {
    const { scene } = this
    let begun: number | null = null
    return () => {
      if (begun === null) {
        if (into ? scene.playing === null : !scene.listening()) return false
        begun = scene.now
        if (into) begun = Math.min(begun + INTO_PROMPT, Math.max(begun, scene.playing!.ends - 1))
        scene.press(begun, keys)
        return false
      }
      return scene.now >= begun + (keys.length - 1) * BETWEEN_KEYS && !scene.pressing() && this.done(begun)
    }
  }

  private hears(text: string): boolean {
    const { heard } = this.scene
    for (let i = this.mark; i < heard.length; i++)
      if (contains(heard[i]!.text, text)) {
        this.matched.add(heard[i]!)
        this.mark = i + 1
        return true
      }
    return false
  }

  /** What was over before `since` is not listened to any more. */
  private done(since: number): true {
    const { heard } = this.scene
    const next = heard.findIndex((utterance) => utterance.ended > since || utterance.begun >= since)
    this.mark = Math.max(this.mark, next < 0 ? heard.length : next)
    return true
  }
}

/** An item as an author would write it. */
export function describe(item: ScriptItem): string {
  if ('hears' in item) return `hears "${item.hears}"`
  if ('press' in item) return `press ${item.press}`
  if ('says' in item) return `says ${item.says / 1000}s`
  if ('waits' in item) return `waits ${item.waits / 1000}s`
  if ('situation' in item) return `situation ${item.situation}`
  if ('agent' in item) return `agent ${item.agent}`
  if ('task' in item) return `task ${item.task.name}`
  return Object.keys(item)[0] ?? ''
}
