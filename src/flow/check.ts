/**
 * What a flow may not do, found on its graph before any call: steps that nobody reaches, ways without an end, questions
 * without a way out, rounds that can be walked without the other side doing anything, silence, keys with two meanings.
 */

import type { Problem, ProblemCode } from '../errors.ts'
import type { Program, Step } from './program.ts'
import { silence } from './silence.ts'
import { entrances, FAULTS, isBlank, type Place, type Way, waysOf } from './ways.ts'

export type Report = (code: ProblemCode, message: string, step: Step, severity?: 'error' | 'warning') => void

/**
 * Checks a compiled flow. `reached` names steps that other flows' callbacks begin at. Steps of a library that the flow does
 * not use are held to everything but being reached. Answers the ids of the steps that a conversation may come to.
 */
export function checkProgram(
  program: Program,
  reached: Iterable<string>,
  add: (problem: Problem) => void,
): ReadonlySet<string> {
  const report: Report = (code, message, step, severity = 'error') =>
    add({ file: step.file, ...step.place, severity, code, message })
  const ways = new Map<string, Way[]>()
  for (const step of program.steps.values()) {
    if (step.id.startsWith('@on_hangup')) continue
    const all = waysOf(program, step)
    const lost = all.filter((way) => way.to === null).map((way) => way.event)
    if (lost.length > 0)
      report('no-end', `there is no step below, so "${lost[0]}" leads nowhere: add "next", or end with hangup`, step)
    ways.set(
      step.id,
      all.flatMap((way) => (way.to === null ? [] : [{ ...way, to: way.to }])),
    )
  }
  const seen = walk(program, ways, reached)
  unreachable(program, seen, report)
  const spare = [...program.steps.values()].filter(({ file }) => file !== program.file).map(({ id }) => id)
  const walked = new Set([...seen, ...spare])
  const rounds = cycles(program, ways, walked, report)
  withoutEnd(program, ways, walked, rounds, report)
  if (rounds.size === 0) silence(program, ways, (message, step) => report('silence', message, step))
  const keysLeadAway = situationsLeadAway(program, ways)
  for (const step of program.steps.values()) {
    if (!keysLeadAway) withoutWayOut(step, ways.get(step.id) ?? [], report)
    wordless(step, report)
    if (seen.has(step.id)) shadowed(program, step, report)
    outcomesWithoutTarget(step, report)
  }
  return seen
}

function walk(program: Program, ways: Map<string, Way[]>, reached: Iterable<string>): Set<string> {
  const seen = new Set<string>()
  const open = [...reached]
  for (const { verb, node } of program.steps.values()) if (verb.name === 'strategies') open.push(...node.wins)
  for (const { to } of entrances(program)) if (typeof to === 'object') open.push(to.step)
  while (open.length > 0) {
    const id = open.pop()!
    if (seen.has(id)) continue
    seen.add(id)
    for (const { to } of ways.get(id) ?? []) if (typeof to === 'object') open.push(to.step)
  }
  return seen
}

function unreachable(program: Program, seen: Set<string>, report: Report): void {
  for (const step of program.steps.values())
    if (step.name !== null && step.file === program.file && !seen.has(step.id))
      report('unreachable', `nothing leads to the step "${step.name}"`, step)
}

/** Rounds over ways that need nobody: their steps. A callback's `unavailable` on its way to `on_error` is met once only. */
function cycles(program: Program, ways: Map<string, Way[]>, seen: Set<string>, report: Report): Set<string> {
  const alone = (id: string) => {
    const next = new Set<string>()
    for (const { to, mover, once, fault, event } of ways.get(id) ?? []) {
      if (typeof to !== 'object' || mover === 'them') continue
      if ((once && to.step === id) || (fault && event === 'unavailable')) continue
      next.add(to.step)
    }
    return [...next]
  }
  const state = new Map<string, 'open' | 'done'>()
  const found = new Set<string>()
  for (const root of seen) {
    if (state.has(root)) continue
    const path: { id: string; next: string[] }[] = [{ id: root, next: alone(root) }]
    state.set(root, 'open')
    while (path.length > 0) {
      const top = path.at(-1)!
      const next = top.next.pop()
      if (next === undefined) {
        state.set(top.id, 'done')
        path.pop()
      } else if (state.get(next) === 'open') {
        const round = path.slice(path.findIndex(({ id }) => id === next)).map(({ id }) => id)
        const step = program.steps.get(next)
        const told = found.has(next)
        for (const id of round) found.add(id)
        if (step !== undefined && !told)
          report(
            'cycle',
            `this can go round for ever without the other side doing anything: ${[...round, next].map(nameOf).join(' -> ')}`,
            step,
          )
      } else if (!state.has(next)) {
        state.set(next, 'open')
        path.push({ id: next, next: alone(next) })
      }
    }
  }
  return found
}

function nameOf(id: string): string {
  return id.startsWith('@') ? id.slice(1) : id
}

/** `rounds` have been told; that they and what leads only to them never end is no other fault. */
function withoutEnd(
  program: Program,
  ways: Map<string, Way[]>,
  seen: Set<string>,
  rounds: Set<string>,
  report: Report,
): void {
  const before = new Map<string, string[]>()
  const ends: string[] = [...rounds]
  for (const [id, out] of ways) {
    for (const { to } of out) {
      if (typeof to !== 'object') ends.push(id)
      else before.set(to.step, [...(before.get(to.step) ?? []), id])
    }
  }
  const ending = new Set<string>()
  while (ends.length > 0) {
    const id = ends.pop()!
    if (ending.has(id)) continue
    ending.add(id)
    ends.push(...(before.get(id) ?? []))
  }
  for (const id of seen) {
    const step = program.steps.get(id)
    if (step !== undefined && !ending.has(id) && (ways.get(id)?.length ?? 0) > 0)
      report('no-end', `no way out of "${nameOf(id)}" ever ends the call`, step)
  }
}

/** Whether a situation's key can take them out of any question. */
function situationsLeadAway(program: Program, ways: Map<string, Way[]>): boolean {
  const leaves = (to: Place) => to === 'end' || (to !== 'back' && !to.step.startsWith('@situation'))
  const entered = entrances(program)
  return [...program.situations.values()].some(
    ({ name, key }) =>
      key !== null &&
      (entered.some(({ event, to }) => event === `situation ${name}` && leaves(to)) ||
        [...ways].some(
          ([id, out]) => id.startsWith(`@situation.${name}/`) && out.some(({ to, fault }) => !fault && leaves(to)),
        )),
  )
}

/** A question whose every answer leads back to it, when nobody has said what comes after too much silence. */
function withoutWayOut(step: Step, ways: Way[], report: Report): void {
  const written = ways.filter(({ event, fault }) => !fault && (event !== 'give_up' || step.on.has(event)))
  if (step.verb.asks === undefined || written.length === 0) return
  if (written.every(({ to }) => typeof to === 'object' && to.step === step.id))
    report('no-way-out', `whatever they answer, "${nameOf(step.id)}" asks the same again`, step)
}

function wordless(step: Step, report: Report): void {
  const question = step.verb.question?.(step.node)
  if (question !== undefined && isBlank(question)) report('silence', `"${step.verb.name}" has nothing to say`, step)
  const manner = step.verb.ladders?.(step.node)
  if (manner === undefined) return
  for (const ladder of new Set([manner.noinput.inbound, manner.noinput.outbound, manner.nomatch]))
    for (const rung of ladder.slice(0, -1))
      if ((rung.say === null || isBlank(rung.say)) && rung.goto === null && !rung.reprompt)
        report('silence', 'a rung that says nothing, asks nothing again and goes nowhere leaves them in silence', step)
}

function shadowed(program: Program, step: Step, report: Report): void {
  if (step.id.startsWith('@error') || step.id.startsWith('@hold')) return
  for (const key of step.verb.keys?.(step.node) ?? []) {
    const situation = program.keys.get(key)
    if (situation !== undefined)
      report('shadowed-key', `the key ${key} means one thing here and another in the situation "${situation}"`, step)
  }
}

/** An outcome that falls to the step below without anybody having said so. */
function outcomesWithoutTarget(step: Step, report: Report): void {
  if (step.id.startsWith('@') || step.nextWritten) return
  const fallen = (step.verb.possible?.(step) ?? step.verb.outcomes).filter(
    (outcome) =>
      !step.on.has(outcome) && !FAULTS.has(outcome) && !['give_up', 'exhausted', 'max_hold'].includes(outcome),
  )
  if (fallen.length > 0 && step.next !== null)
    report('outcome', `${fallen.join(', ')}: without a target, goes on to the step below`, step, 'warning')
}
