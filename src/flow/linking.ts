/**
 * Flows that call flows are put together once all have been read: every `call` gets its flow, its outcomes and variables
 * are held against what that flow returns and declares, and no flow may come to call itself.
 */

import type { Problem, ProblemCode } from '../errors.ts'
import { family, MAX_CALLS } from './called.ts'
import { hash } from './hash.ts'
import { guess } from './near.ts'
import type { Expression, Place, Program, Step, ValueType } from './program.ts'
import { returnsOf } from './returns.ts'
import type { Call } from './verbs/call.ts'
import type { Return } from './verbs/return.ts'

type Add = (program: Program, problem: Problem) => void

/** Flows in an order in which each comes after those that it calls; `add` is told what is wrong. */
export function linkCalls(flows: Map<string, Program>, hasError: (p: Program) => boolean, add: Add): Program[] {
  const report = (program: Program, step: Step, place: Place, code: ProblemCode, message: string) =>
    add(program, { file: step.file, ...place, severity: 'error', code, message })
  for (const program of flows.values())
    for (const step of callsOf(program)) {
      const { flow, place } = step.node
      step.node.to = flows.get(flow) ?? null
      if (step.node.to === null)
        report(program, step, place, 'unknown-flow', `there is no flow "${flow}"${guess(flow, flows.keys())}`)
    }
  const rounds = [...flows.values()].flatMap((program) =>
    callsOf(program)
      .filter(({ node }) => node.to !== null && family(node.to).includes(program))
      .map((step) => ({ program, step })),
  )
  for (const { program, step } of rounds) {
    const { flow, place } = step.node
    step.node.to = null
    report(program, step, place, 'recursion', `"${flow}" comes to call "${program.flow}" again`)
  }
  const ordered = innermostFirst(flows.values())
  const depths = new Map<Program, number>()
  for (const program of ordered) {
    const calls = callsOf(program).filter(({ node }) => node.to !== null)
    depths.set(program, Math.max(0, ...calls.map(({ node }) => depths.get(node.to!)! + 1)))
    for (const step of calls) {
      const { to, place } = step.node
      if (depths.get(to!)! >= MAX_CALLS)
        report(program, step, place, 'recursion', `flows call each other more than ${MAX_CALLS} deep from here`)
      if (!hasError(to!)) agree(program, step, to!, report)
    }
    const versions = [...new Set(calls.map(({ node }) => node.to!.version))].sort()
    if (versions.length > 0) program.version = hash([program.version, ...versions].join('\0'))
  }
  shareSecrets(ordered)
  return ordered
}

function callsOf(program: Program): Step<Call>[] {
  return [...program.steps.values()].filter(({ verb }) => verb.name === 'call')
}

function returnsIn(program: Program): Step<Return>[] {
  return [...program.steps.values()].filter(({ verb }) => verb.name === 'return')
}

/** Whether the two say the same of outcomes and variables. */
function agree(
  program: Program,
  step: Step<Call>,
  to: Program,
  report: (program: Program, step: Step, place: Place, code: ProblemCode, message: string) => void,
): void {
  const wrong = (place: Place, code: ProblemCode, message: string) => report(program, step, place, code, message)
  const { outcomes } = returnsOf(to)
  for (const [name, place] of step.node.on)
    if (!outcomes.has(name))
      wrong(place, 'unknown-key', `the flow "${to.flow}" returns no "${name}"${guess(name, outcomes.keys())}`)
  for (const { name, value, place } of step.node.with) {
    to.assigned.add(name)
    const type = typeIn(to, name)
    if (type === undefined)
      wrong(
        place,
        'unknown-variable',
        `the flow "${to.flow}" has no variable "${name}"${guess(name, Object.keys(to.types))}`,
      )
    else if (!fits(value, type))
      wrong(place, 'wrong-type', `"${name}" of the flow "${to.flow}" is a ${type}, not a ${value.type}`)
  }
  for (const { node } of returnsIn(to))
    for (const { name, value } of node.vars) {
      program.assigned.add(name)
      const type = typeIn(program, name)
      const { place, flow } = step.node
      if (type === undefined)
        wrong(place, 'unknown-variable', `the flow "${flow}" returns "${name}", which is not declared under vars here`)
      else if (!fits(value, type))
        wrong(place, 'wrong-type', `the flow "${flow}" returns "${name}" as a ${value.type}, and here it is a ${type}`)
    }
}

function typeIn(program: Program, name: string): ValueType | undefined {
  if (name === 'language') return 'text'
  return Object.hasOwn(program.types, name) ? program.types[name] : undefined
}

function fits({ type }: Expression, wanted: ValueType): boolean {
  return type === wanted || type === 'any' || wanted === 'any'
}

/** Digits that may be kept nowhere stay so in the flow that they are given to. */
function shareSecrets(programs: Program[]): void {
  const hide = (from: Program, into: Program, { name, value }: { name: string; value: Expression }): boolean => {
    if (into.sensitive.has(name) || !value.reads.some((read) => from.sensitive.has(read))) return false
    into.sensitive.add(name)
    return true
  }
  let changed = true
  while (changed) {
    changed = false
    for (const program of programs)
      for (const { node } of callsOf(program)) {
        if (node.to === null) continue
        for (const given of node.with) if (hide(program, node.to, given)) changed = true
        for (const step of returnsIn(node.to))
          for (const given of step.node.vars) if (hide(node.to, program, given)) changed = true
      }
  }
}

/** There are no rounds any more. */
function innermostFirst(programs: Iterable<Program>): Program[] {
  const ordered = new Set<Program>()
  const visit = (program: Program) => {
    for (const { node } of callsOf(program)) if (node.to !== null && !ordered.has(node.to)) visit(node.to)
    ordered.add(program)
  }
  for (const program of programs) visit(program)
  return [...ordered]
}
