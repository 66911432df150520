/**
 * Which parts of a flow no test went through: its steps, options, rungs and situations.
 *
 * A test counts for a step, and for what lies in it, only if it says how the call ends, passes, and `hears` something
 * that the step says; a rung's own words must be heard, and a situation's. What says nothing (a branch, a `set`, a
 * situation that only asks again) counts in a test that hears anything at all. Of ladders those count that the author
 * wrote; the language's own have their own tests. What a step says is seen from outside: every playback belongs to the
 * step, rung or situation in which the state stands when it begins.
 */

import { USUAL_MANNER } from './build.ts'
import { family, ownKey, running } from './called.ts'
import type { TestRun } from './conversation-test.ts'
import type { Place, Program, Rung, Step, Target } from './program.ts'
import type { State } from './state.ts'
import type { Watch } from './view.ts'

export interface Part {
  kind: 'step' | 'option' | 'rung' | 'situation'
  /** `ask`, `ask 1`, `ask noinput 2`, `defaults nomatch 1`, `threats`. */
  name: string
  /** The flow's file, or that of a library. */
  file: string
  place: Place
}

type Kind = 'noinput' | 'nomatch'

/** Everything that a test can go through, in the order of the file. */
export function partsOf(program: Program): Part[] {
  const parts: Part[] = []
  for (const step of program.steps.values()) {
    if (step.name === null) continue
    const { name, file, place } = step
    parts.push({ kind: 'step', name, file, place })
    for (const [key, target] of options(step))
      parts.push({ kind: 'option', name: `${name} ${key}`, file, place: target.place })
    for (const kind of ['noinput', 'nomatch'] as const)
      for (const [index, rung] of written(program, step, kind).entries())
        parts.push({ kind: 'rung', name: `${name} ${kind} ${index + 1}`, file, place: whereOf(rung, place) })
  }
  for (const kind of ['noinput', 'nomatch'] as const)
    if (program.manner[kind] !== USUAL_MANNER[kind])
      for (const [index, rung] of ladder(program.manner[kind]).entries()) {
        const place = whereOf(rung, { line: 1, column: 1 })
        parts.push({ kind: 'rung', name: `defaults ${kind} ${index + 1}`, file: program.file, place })
      }
  for (const { name, file, place } of program.situations.values()) parts.push({ kind: 'situation', name, file, place })
  return parts
}

/** Where its words stand; one without words has the place of what it belongs to. */
function whereOf({ say }: Rung, otherwise: Part['place']): Part['place'] {
  return say?.kind === 'written' ? say.place : otherwise
}

function ladder(rungs: Rung[] | { outbound: Rung[] }): Rung[] {
  return Array.isArray(rungs) ? rungs : rungs.outbound
}

/** The rungs that the author wrote for this very step. */
function written(program: Program, step: Step, kind: Kind): Rung[] {
  const own = step.verb.ladders?.(step.node)[kind]
  return own === undefined || own === program.manner[kind] ? [] : ladder(own)
}

function options(step: Step): [string, Target][] {
  return (step.verb.exits?.(step) ?? []).flatMap(({ event, target }) =>
    event.startsWith('option ') && target !== 'end' ? [[event.slice(7), target] as [string, Target]] : [],
  )
}

/** A part, as it is named among those of all the flows of one conversation. */
type PartId = `${string}/${Part['kind']} ${string}`

const partId = ({ flow }: Pick<Program, 'flow'>, kind: Part['kind'], name: string): PartId => `${flow}/${kind} ${name}`

/** Counts what the tests of one flow went through, in it and in the flows that it calls. */
export class Census {
  readonly program: Program
  private readonly flows: Map<string, Program>
  private readonly wordy: ReadonlySet<PartId>
  private readonly seen = new Set<PartId>()

  constructor(program: Program) {
    this.program = program
    this.flows = new Map(family(program).map((flow) => [flow.flow, flow]))
    this.wordy = new Set([...this.flows.values()].flatMap(wordy))
  }

  /** Watches one test; `count` is told how it went. */
  test(): { watch: Watch; count(run: TestRun): void } {
    const { program } = this
    /** What each playback belongs to, and what happened in each step without a word of its own. */
    const plays = new Map<string, PartId[]>()
    const taken = new Map<PartId, PartId>()
    const entered = new Set<PartId>()
    const watch: Watch = (event, effects, after, before) => {
      const flow = running(program, before)
      const path = before.step === null ? [] : [{ flow, step: before.step }]
      const typed = before.buffer + (event.type === 'key' ? event.key : '')
      const took = (from: { flow: Program; step: string }, key: string) =>
        taken.set(partId(from.flow, 'option', `${from.step} ${key}`), partId(from.flow, 'step', from.step))
      for (const effect of effects)
        if (effect.type === 'enter') {
          const from = path.at(-1)
          const to = { flow: this.flows.get(effect.flow ?? program.flow) ?? program, step: effect.step }
          if (from !== undefined && effect.event.startsWith('option ')) took(from, effect.event.slice(7))
          if (effect.event.startsWith('situation '))
            entered.add(partId(to.flow, 'situation', effect.event.slice('situation '.length)))
          entered.add(partId(to.flow, 'step', to.step))
          path.push(to)
        } else if (effect.type === 'play' && after.saying?.id === effect.id)
          plays.set(effect.id, belongsTo(running(program, after), after))
      const last = path.at(-1)
      const option = last === undefined ? null : quietOption(last, typed, before, after)
      if (option !== null && last !== undefined) took(last, option)
      for (const kind of ['noinput', 'nomatch'] as const)
        if (after.misses[kind] > before.misses[kind]) {
          const rung = quietRung(flow, before, after, kind)
          if (rung !== null) entered.add(rung)
        }
      if (event.type === 'situation') entered.add(partId(flow, 'situation', event.name))
      for (const key of typed) {
        const situation = flow.keys.get(key)
        const back = effects.some((e) => e.type === 'enter' && (e.event === 'repeat' || e.event === 'return'))
        if (situation !== undefined && back && after.misses.nomatch === before.misses.nomatch)
          entered.add(partId(flow, 'situation', situation))
      }
      const top = after.stack.at(-1)
      if (top?.kind === 'situation') entered.add(partId(running(program, after), 'situation', top.name))
    }
    const count = ({ test, ok, simulation }: TestRun) => {
      const met = simulation.heard.filter((utterance) => utterance.met)
      if (!ok || test.ends === null || met.length === 0) return
      const heard = new Set(met.flatMap(({ id }) => plays.get(id) ?? []))
      const spoken = new Set([...plays.values()].flat())
      for (const part of heard) this.seen.add(part)
      for (const part of entered) if (!spoken.has(part) && !this.wordy.has(part)) this.seen.add(part)
      for (const [option, step] of taken) if (heard.has(step)) this.seen.add(option)
    }
    return { watch, count }
  }

  /** Every part, and whether a test went through it. */
  parts(): { part: Part; seen: boolean }[] {
    return [...this.flows.values()].flatMap((flow) =>
      partsOf(flow).map((part) => ({ part, seen: this.seen.has(partId(flow, part.kind, part.name)) })),
    )
  }
}

/** The steps that would say something, had no key come before. */
function wordy(flow: Program): PartId[] {
  return [...flow.steps.values()].flatMap(({ name, verb, node }) =>
    name !== null && (verb.question !== undefined || !!(node as { say?: unknown }).say)
      ? [partId(flow, 'step', name)]
      : [],
  )
}

/** The step, the rung or the situation that is speaking. */
function belongsTo(flow: Program, state: State): PartId[] {
  const top = state.stack.at(-1)
  if (state.saying?.then.to === 'situation') return [partId(flow, 'situation', state.saying.then.name)]
  if (top?.kind === 'situation') return [partId(flow, 'situation', top.name)]
  const step = state.step === null ? undefined : flow.steps.get(state.step)
  if (step === undefined || step.name === null) return []
  const parts = [partId(flow, 'step', step.name)]
  const { ask, saying } = state
  if (ask === null || saying?.then.to !== 'ask' || (ask.phase !== 'rung' && ask.phase !== 'last')) return parts
  return [...parts, rungId(flow, step, ask.kind, ask.rung + 1)]
}

/** An option that was taken and led to no other step: it spoke, it ended the call, it went back, or it asked again. */
function quietOption(at: { flow: Program; step: string }, typed: string, before: State, after: State): string | null {
  const then = after.saying?.then
  if (then?.to === 'inline' && then.event.startsWith('option ')) return then.event.slice(7)
  const step = at.flow.steps.get(at.step)
  if (typed === '' || step === undefined || after.misses.nomatch > before.misses.nomatch) return null
  for (const [key, target] of options(step)) {
    if (!typed.includes(key)) continue
    const goto = target.to === 'inline' ? target.inline.goto : target
    const ended = before.phase === 'on' && after.phase !== 'on' && after.ended?.by === 'flow'
    const again = after.ask !== null && before.ask !== null && after.ask.round > before.ask.round
    const back = after.calls.length < before.calls.length
    if (goto?.to === 'hangup' ? ended : goto?.to === 'return' ? back : goto?.to === 'repeat' && again) return key
  }
  return null
}

/** The rung that has just been taken, whether it has words or not. */
function quietRung(flow: Program, before: State, after: State, kind: Kind): PartId | null {
  const step = before.step === null ? undefined : flow.steps.get(before.step)
  if (step === undefined) return null
  const own = written(flow, step, kind)
  const rungs = own.length > 0 ? own : ladder(flow.manner[kind])
  const counted = after.counts[ownKey({ s: before, program: flow }, step.id)]?.[kind]
  const index = after.ask?.kind === kind ? after.ask.rung + 1 : (counted ?? rungs.length)
  return rungId(flow, step, kind, Math.min(index, rungs.length))
}

function rungId(flow: Program, step: Step, kind: Kind, n: number): PartId {
  const own = written(flow, step, kind).length > 0
  return partId(flow, 'rung', `${own ? step.name : 'defaults'} ${kind} ${n}`)
}
