/**
 * A whole conversation on a virtual clock: the real interpreter on its stage, and a far side that follows a script
 * (`script.ts`).
 */

import type { CallContext, Verdict } from './io.ts'
import type { Program } from './program.ts'
import { Script, type ScriptItem, type Simulation } from './script.ts'
import { Stage, type StageOptions } from './stage.ts'
import { result } from './step.ts'

export interface SimulationOptions extends StageOptions {
  /** Who answered; an `amd` of the script goes before it. */
  verdict?: Verdict
}

const HOUR = 3_600_000

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
  private readonly script: Script
  /** The last moment at which an item was done. */
  private since: number

  constructor(program: Program, options: SimulationOptions) {
    this.stage = new Stage(program, options)
    this.script = new Script(this.stage)
    this.since = options.now
    this.stage.answer(options.verdict ?? 'human')
  }

  /** Lets time go by until this item has been done; false when its moment never came. */
  play(item: ScriptItem): boolean {
    const { stage, script } = this
    if ('waits' in item) stage.at(stage.now + item.waits, null)
    const done = script.begin(item)
    while (!done()) if (stage.over || !stage.advance(this.since + HOUR)) return false
    this.since = stage.now
    script.did(item)
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
    return this.script.told(result(stage.state), left)
  }
}
