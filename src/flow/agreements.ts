/** What flows say of each other: a callback may begin in another flow, at one of its steps. */

import type { Problem, ProblemCode } from '../errors.ts'
import { guess } from './near.ts'
import type { Program } from './program.ts'

/** Callbacks that begin in another flow: the steps that they reach there, and those that are not there. */
export function agreements(flows: Map<string, Program>): { reached: Map<string, string[]>; problems: Problem[] } {
  const reached = new Map<string, string[]>()
  const problems: Problem[] = []
  for (const program of flows.values())
    for (const step of program.steps.values()) {
      const { flow, at } = step.node as { flow?: string | null; at?: string | null }
      if (step.verb.name !== 'callback' || typeof flow !== 'string' || flow === program.flow) continue
      const other = flows.get(flow)
      const problem = (code: ProblemCode, message: string) =>
        problems.push({ file: program.file, ...step.place, severity: 'error', code, message })
      if (other === undefined) problem('unknown-flow', `there is no flow "${flow}"${guess(flow, flows.keys())}`)
      else if (typeof at === 'string') {
        if (other.steps.get(at)?.name !== at)
          problem('unknown-target', `the flow "${flow}" has no step "${at}"${guess(at, other.steps.keys())}`)
        reached.set(flow, [...(reached.get(flow) ?? []), at])
      }
    }
  return { reached, problems }
}
