/**
 * The ways out of a step, with who moves the conversation along each: the other side by doing something, or the flow
 * and its machines by themselves. The checks and the picture walk the same ways.
 */

import type { Manner, Program, Rung, Step, Target, Text } from './program.ts'
import type { Mover } from './verb.ts'

/** Where a way leads: to a step, to the end of the call, or back to what was interrupted. */
export type Place = { step: string } | 'end' | 'back'

export interface Way {
  event: string
  to: Place
  mover: Mover
  label: string | null
  /** Whether something is said on the way. */
  spoken: boolean
  /** A rung that is not its ladder's last: it can be taken once only, whatever it leads to. */
  once: boolean
  /** A fault that `on:` does not name, on its way to `on_error`. */
  fault: boolean
}

const POLITE = new Set(['give_up', 'exhausted', 'max_hold'])
export const FAULTS = new Set(['error', 'timeout', 'unavailable'])

/** All ways out of a step; one that should lead on and leads nowhere has the place null. */
export function waysOf(program: Program, step: Step): (Omit<Way, 'to'> & { to: Place | null })[] {
  const ways: (Omit<Way, 'to'> & { to: Place | null })[] = []
  const add = (event: string, target: Target | 'end' | null, mover: Mover, more: Partial<Way> = {}) => {
    const { place, spoken } = resolve(program, step, target)
    const label = target !== null && target !== 'end' && target.to === 'inline' ? target.inline.label : null
    ways.push({ event, to: place, mover, label, spoken, once: false, fault: false, ...more })
  }
  const { verb } = step
  const manner = verb.ladders?.(step.node)
  const theirs = typeof verb.theirs === 'function' ? verb.theirs(step) : verb.theirs
  for (const exit of verb.exits?.(step) ?? [])
    add(exit.event, exit.target, exit.mover, exit.label === undefined ? {} : { label: exit.label })
  for (const outcome of verb.possible?.(step) ?? verb.outcomes) {
    if (outcome === 'give_up' && manner !== undefined && lastRungs(manner).every((rung) => rung.goto !== null)) continue
    const mover: Mover = theirs?.includes(outcome) ? 'them' : 'itself'
    const named = step.on.get(outcome)
    if (named !== undefined) add(outcome, named, mover)
    else if (POLITE.has(outcome)) add(outcome, 'end', mover)
    else if (FAULTS.has(outcome))
      add(outcome, { to: 'step', step: program.onError, place: step.place }, mover, { fault: true })
    else add(outcome, step.next, mover)
  }
  const goesOn = typeof verb.goesOn === 'function' ? verb.goesOn(step.node) : verb.goesOn
  if (goesOn !== false) add('next', step.next, goesOn)
  for (const kind of ['noinput', 'nomatch'] as const) {
    const ladders = manner === undefined ? [] : kind === 'nomatch' ? [manner.nomatch] : Object.values(manner.noinput)
    const seen = new Set<Target>()
    for (const ladder of ladders)
      for (const [index, rung] of ladder.entries()) {
        if (rung.goto === null || seen.has(rung.goto)) continue
        seen.add(rung.goto)
        add(kind, rung.goto, 'itself', { once: index < ladder.length - 1, spoken: rung.say !== null })
      }
  }
  return ways
}

/** The rungs after which a step gives up, unless they lead somewhere. */
function lastRungs({ noinput, nomatch }: Manner): Rung[] {
  return [noinput.inbound, noinput.outbound, nomatch].flatMap((ladder) => ladder.slice(-1))
}

function resolve(
  program: Program,
  step: Step,
  target: Target | 'end' | null,
): { place: Place | null; spoken: boolean } {
  if (target === null) return { place: null, spoken: false }
  if (target === 'end') return { place: 'end', spoken: false }
  switch (target.to) {
    case 'step':
      return { place: { step: target.step }, spoken: false }
    case 'hangup':
      return { place: 'end', spoken: false }
    case 'repeat':
      return { place: step.id.startsWith('@situation') ? 'back' : { step: step.id }, spoken: false }
    case 'return':
      return { place: 'back', spoken: false }
    case 'inline': {
      // A `next` that goes nowhere, with no step below it, leads nowhere.
      const { place } = resolve(program, step, target.inline.goto ?? (target === step.next ? null : step.next))
      return { place, spoken: target.inline.say !== null && !isBlank(target.inline.say) }
    }
  }
}

/** Where a conversation may begin or be taken to from anywhere: start, `on_error`, situations, agreed callbacks. */
export function entrances(program: Program): { event: string; to: Place }[] {
  const found: { event: string; to: Place }[] = []
  const add = (event: string, target: Target | null) => {
    const goto = target !== null && target.to === 'inline' ? target.inline.goto : target
    if (goto === null) return
    if (goto.to === 'step') found.push({ event, to: { step: goto.step } })
    else if (goto.to === 'hangup') found.push({ event, to: 'end' })
  }
  add('start', program.start.human)
  add('machine', program.start.machine)
  add('unsure', program.start.unsure)
  found.push({ event: 'on_error', to: { step: program.onError } })
  for (const situation of program.situations.values()) {
    const event = `situation ${situation.name}`
    if (situation.first !== null) found.push({ event, to: { step: situation.first } })
    add(event, situation.goto)
    add(event, situation.final)
  }
  for (const step of program.steps.values()) {
    const { flow, at } = step.node as { flow?: string | null; at?: string | null }
    if (step.verb.name === 'callback' && typeof at === 'string' && (flow === null || flow === program.flow))
      found.push({ event: 'callback', to: { step: at } })
  }
  return found
}

/** Whether a text can never say anything. */
export function isBlank(text: Text): boolean {
  if (text.kind === 'phrase') return false
  return [...text.variants.values()].some((parts) =>
    parts.every(
      (part) => part.kind !== 'sound' && part.template.every((p) => typeof p === 'string' && p.trim() === ''),
    ),
  )
}
