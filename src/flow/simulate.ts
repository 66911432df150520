/**
 * A whole conversation on a virtual clock: the real interpreter on its stage, and a far side that follows a script.
 *
 * Every item of the script waits for its moment. What the other side does (`press`, `says`, `silent`, `hangs_up`, …) is
 * done in order; answers of machines and of other people (`http`, `task`, `agent`) go to the one who waits for them, or
 * are kept for the next who does. A `hears` looks at what has been said since the last thing that was done.
 */

import type { CallContext, FlowResult, Verdict } from './io.ts'
import type { Program } from './program.ts'
import { type Answer, type Line, Stage, type StageOptions, type Utterance } from './stage.ts'
import { result, type State } from './step.ts'

export { type Line, wordsOf } from './stage.ts'

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
  state: State
}

export interface SimulationOptions extends StageOptions {
  /** Who answered; an `amd` of the script goes before it. */
  verdict?: Verdict
}

const HOUR = 3_600_000
const BETWEEN_KEYS = 200
const INTO_PROMPT = 300

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

/** Case and runs of blanks apart. */
export function contains(text: string, wanted: string): boolean {
  const plain = (t: string) => t.toLowerCase().replace(/\s+/g, ' ').trim()
  return plain(text).includes(plain(wanted))
}

/** Runs a program against a script, to the end of the call, at most one virtual hour after the last item. Deterministic. */
export function simulate(program: Program, script: ScriptItem[], options: SimulationOptions): Simulation {
  const amd = script.find((item) => 'amd' in item)
  const verdict = amd !== undefined && 'amd' in amd ? amd.amd : (options.verdict ?? 'human')
  const rehearsal = new Rehearsal(program, { ...options, verdict })
  for (const [index, item] of script.entries())
    if (!rehearsal.play(item)) return rehearsal.finish(script.slice(index).filter((i) => !('amd' in i)))
  return rehearsal.finish([])
}

/** One conversation under way: the other side does one item after another. */
export class Rehearsal {
  readonly stage: Stage
  private readonly met: Simulation['met'] = []
  private readonly matched = new Set<Utterance>()
  /** Utterances before this one are not looked at any more. */
  private mark = 0
  /** The last moment at which an item was done. */
  private since: number

  constructor(program: Program, options: SimulationOptions) {
    this.stage = new Stage(program, options)
    this.since = options.now
    this.stage.answer(options.verdict ?? 'human')
  }

  /** Lets time go by until this item has been done; false when its moment never came. */
  play(item: ScriptItem): boolean {
    const done = this.begin(item)
    while (!done()) if (this.stage.over || !this.stage.advance(this.since + HOUR)) return false
    this.since = this.stage.now
    this.met.push({ item: describe(item), lines: this.stage.lines.length })
    return true
  }

  /** Lets time go by until the flow waits for the other side, or for an answer that nobody has given. */
  untilListening(): void {
    const { stage } = this
    while (!stage.over && !stage.listening() && (stage.playing !== null || stage.wanting().length === 0))
      if (!stage.advance(this.since + HOUR)) return
    this.since = stage.now
  }

  /** The other side says nothing until we say the next thing, or stop waiting for them. */
  silence(): void {
    const { stage } = this
    const [heard, silences] = [stage.heard.length, stage.silences]
    while (!stage.over && stage.heard.length === heard && stage.silences === silences)
      if (!stage.advance(this.since + HOUR)) return
    this.since = stage.now
  }

  /** The other side is silent until the call ends; `left` are items that were never met. */
  finish(left: ScriptItem[]): Simulation {
    const { stage } = this
    while (!stage.over && stage.advance(this.since + HOUR)) {}
    const final = result(stage.state)
    const { callback_at: due } = final
    return {
      lines: stage.lines,
      steps: stage.steps,
      heard: stage.heard.map((utterance) => ({ ...utterance, met: this.matched.has(utterance) })),
      result: final,
      over: stage.over,
      duration: (stage.endedAt ?? stage.now) - stage.start,
      callbackIn: due === null || stage.chosenAt === null ? null : due - stage.chosenAt,
      met: this.met,
      unmet: left.map(describe),
      unused: stage.unused().map(describe),
      state: stage.state,
    }
  }

  /** Sets out to do an item; what comes back does what can be done now, and says whether it is all done. */
  private begin(item: ScriptItem): () => boolean {
    const { stage } = this
    const since = stage.now
    if ('hears' in item) return () => this.hears(item.hears)
    if ('http' in item || 'task' in item || 'agent' in item) {
      stage.give(item)
      return () => true
    }
    if ('amd' in item) return () => true
    if ('hangs_up' in item || 'situation' in item) {
      return () => {
        if (stage.over) return false
        if ('hangs_up' in item) stage.at(since, { type: 'hangup', at: since, by: 'callee' })
        else stage.at(since, { type: 'situation', at: since, name: item.situation })
        return this.done(since)
      }
    }
    if ('silent' in item) {
      const before = stage.silences
      return () => stage.silences > before && this.done(stage.now)
    }
    if ('waits' in item) {
      stage.at(since + item.waits, null)
      return () => stage.now >= since + item.waits && this.done(since)
    }
    return 'says' in item ? this.talks(item.says) : this.presses(item.press, item.during === 'prompt')
  }

  private talks(length: number): () => boolean {
    const { stage } = this
    let begun: number | null = null
    return () => {
      if (begun === null) {
        if (!stage.listening()) return false
        begun = stage.now
        stage.at(begun, { type: 'talk', at: begun, on: true })
        stage.at(begun + length, { type: 'talk', at: begun + length, on: false })
      }
      return stage.now >= begun + length && this.done(begun)
    }
  }

  /** The keys come one after another, and the next item waits for the last of them. */
  private presses(keys: string, into: boolean): () => boolean {
    const { stage } = this
    let begun: number | null = null
    return () => {
      if (begun === null) {
        if (into ? stage.playing === null : !stage.listening()) return false
        begun = stage.now
        if (into) begun = Math.min(begun + INTO_PROMPT, Math.max(begun, stage.playing!.ends - 1))
        for (const [i, key] of [...keys].entries()) {
          const at = begun + i * BETWEEN_KEYS
          stage.at(at, { type: 'key', at, key })
        }
        return false
      }
      return stage.now >= begun + (keys.length - 1) * BETWEEN_KEYS && !stage.pressing() && this.done(begun)
    }
  }

  private hears(text: string): boolean {
    const { heard } = this.stage
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
    const { heard } = this.stage
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
