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
      for (const [index] of written(program, step, kind).entries())
        parts.push({ kind: 'rung', name: `${name} ${kind} ${index + 1}`, file, place })
  }
  for (const kind of ['noinput', 'nomatch'] as const)
    if (program.manner[kind] !== USUAL_MANNER[kind])
      for (const [index] of ladder(program.manner[kind]).entries())
        parts.push({
          kind: 'rung',
          name: `defaults ${kind} ${index + 1}`,
          file: program.file,
          place: { line: 1, column: 1 },
        })
  for (const { name, file, place } of program.situations.values()) parts.push({ kind: 'situation', name, file, place })
  return parts
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

/** Counts what the tests of one flow went through. */
export class Census {
  readonly program: Program
  private readonly seen = new Set<string>()

  constructor(program: Program) {
    this.program = program
  }

  /** Watches one test; `count` is told how it went. */
  test(): { watch: Watch; count(run: TestRun): void } {
    const { program } = this
    /** What each playback belongs to, and what happened in each step without a word of its own. */
    const plays = new Map<string, string[]>()
    const taken = new Map<string, string>()
    const entered = new Set<string>()
    const watch: Watch = (event, effects, after, before) => {
      const path = before.step === null ? [] : [before.step]
      const typed = before.buffer + (event.type === 'key' ? event.key : '')
      for (const effect of effects)
        if (effect.type === 'enter') {
          const from = path.at(-1)
          if (from !== undefined && effect.event.startsWith('option '))
            taken.set(`option ${from} ${effect.event.slice(7)}`, from)
          if (effect.event.startsWith('situation ')) entered.add(effect.event)
          entered.add(`step ${effect.step}`)
          path.push(effect.step)
        } else if (effect.type === 'play' && after.saying?.id === effect.id)
          plays.set(effect.id, belongsTo(program, after))
      const last = path.at(-1)
      const option = last === undefined ? null : quietOption(program, last, typed, before, after)
      if (option !== null && last !== undefined) taken.set(`option ${last} ${option}`, last)
      for (const kind of ['noinput', 'nomatch'] as const)
        if (after.misses[kind] > before.misses[kind]) entered.add(quietRung(program, before, after, kind))
      if (event.type === 'situation') entered.add(`situation ${event.name}`)
      for (const key of typed) {
        const situation = program.keys.get(key)
        const back = effects.some((e) => e.type === 'enter' && (e.event === 'repeat' || e.event === 'return'))
        if (situation !== undefined && back && after.misses.nomatch === before.misses.nomatch)
          entered.add(`situation ${situation}`)
      }
      const top = after.stack.at(-1)
      if (top?.kind === 'situation') entered.add(`situation ${top.name}`)
    }
    const count = ({ test, ok, simulation }: TestRun) => {
      const met = simulation.heard.filter((utterance) => utterance.met)
      if (!ok || test.ends === null || met.length === 0) return
      const heard = new Set(met.flatMap(({ id }) => plays.get(id) ?? []))
      const spoken = new Set([...plays.values()].flat())
      for (const part of heard) this.seen.add(part)
      for (const part of entered) if (!spoken.has(part) && !this.speaks(part)) this.seen.add(part)
      for (const [option, step] of taken) if (heard.has(`step ${step}`)) this.seen.add(option)
    }
    return { watch, count }
  }

  /** Whether a step would say something, had no key come before. */
  private speaks(part: string): boolean {
    const step = part.startsWith('step ') ? this.program.steps.get(part.slice(5)) : undefined
    return step !== undefined && (step.verb.question !== undefined || !!(step.node as { say?: unknown }).say)
  }

  /** Every part, and whether a test went through it. */
  parts(): { part: Part; seen: boolean }[] {
    return partsOf(this.program).map((part) => ({ part, seen: this.seen.has(`${part.kind} ${part.name}`) }))
  }
}

/** The step, the rung or the situation that is speaking. */
function belongsTo(program: Program, state: State): string[] {
  const top = state.stack.at(-1)
  if (state.saying?.then.to === 'situation') return [`situation ${state.saying.then.name}`]
  if (top?.kind === 'situation') return [`situation ${top.name}`]
  const step = state.step === null ? undefined : program.steps.get(state.step)
  if (step === undefined || step.name === null) return []
  const parts = [`step ${step.name}`]
  const { ask, saying } = state
  if (ask === null || saying?.then.to !== 'ask' || (ask.phase !== 'rung' && ask.phase !== 'last')) return parts
  const own = written(program, step, ask.kind).length > 0
  return [...parts, `rung ${own ? step.name : 'defaults'} ${ask.kind} ${ask.rung + 1}`]
}

/** An option that was taken and led to no other step: it spoke, it ended the call, or it asked again. */
function quietOption(program: Program, name: string, typed: string, before: State, after: State): string | null {
  const then = after.saying?.then
  if (then?.to === 'inline' && then.event.startsWith('option ')) return then.event.slice(7)
  const step = program.steps.get(name)
  if (typed === '' || step === undefined || after.misses.nomatch > before.misses.nomatch) return null
  for (const [key, target] of options(step)) {
    if (!typed.includes(key)) continue
    const goto = target.to === 'inline' ? target.inline.goto : target
    const ended = before.phase === 'on' && after.phase !== 'on' && after.ended?.by === 'flow'
    const again = after.ask !== null && before.ask !== null && after.ask.round > before.ask.round
    if (goto?.to === 'hangup' ? ended : goto?.to === 'repeat' && again) return key
  }
  return null
}

/** The rung that has just been taken, whether it has words or not. */
function quietRung(program: Program, before: State, after: State, kind: Kind): string {
  const step = before.step === null ? undefined : program.steps.get(before.step)
  if (step === undefined) return ''
  const own = written(program, step, kind)
  const rungs = own.length > 0 ? own : ladder(program.manner[kind])
  const index = after.ask?.kind === kind ? after.ask.rung + 1 : (after.counts[step.id]?.[kind] ?? rungs.length)
  return `rung ${own.length > 0 ? step.name : 'defaults'} ${kind} ${Math.min(index, rungs.length)}`
}
