/**
 * From texts to programs. Every file is read, checked and compiled by itself: a flow with an error never takes part in
 * a call and never stops the others. All faults of all files are told together, each with its place; those of a library
 * are told once, whatever the number of flows that include it.
 */

import type { Problem, ProblemCode } from '../errors.ts'
import { agreements } from './agreements.ts'
import type { Facts } from './build.ts'
import { calledBy } from './called.ts'
import { checkProgram } from './check.ts'
import { type Compiled, compileFlow } from './flow-file.ts'
import { bareName, isLibrary, type Library, readLibrary } from './library-file.ts'
import { linkCalls } from './linking.ts'
import type { Program } from './program.ts'
import type { Call } from './verbs/call.ts'

export type { Facts } from './build.ts'

export interface FlowFile {
  /** As it is named in problems; a file in a folder `library` is not a flow but may be included. */
  path: string
  text: string
}

export interface Loaded {
  /** The flows that are right, by name. */
  programs: Map<string, Program>
  /** In the order of files and lines. */
  problems: Problem[]
  /** The faults of each flow's file and of the libraries that it includes, by the file's name without its ending. */
  byFlow: Map<string, Problem[]>
}

/** Reads, checks and compiles flows. Never throws. */
export function loadFlows(files: FlowFile[], facts: Facts = {}): Loaded {
  const programs = new Map<string, Program>()
  const libraries = files.filter(({ path }) => isLibrary(path)).map(({ path, text }) => readLibrary(path, text))
  const flows = files.filter(({ path }) => !isLibrary(path))
  const built = flows.map(({ path, text }) => guarded(path, () => compileFlow(path, text, libraries, facts)))
  const named = new Map<string, Program>()
  for (const { program } of built) if (program !== null && !named.has(program.flow)) named.set(program.flow, program)
  const agreed = agreements(named)
  const faults = new Map(built.map(({ program, problems }) => [program, problems]))
  const broken = (program: Program) => hasError(faults.get(program) ?? [])
  const add = (program: Program, problem: Problem) => faults.get(program)?.push(problem)
  const innermostFirst = linkCalls(named, broken, add)
  for (const program of new Set([...innermostFirst, ...built.flatMap(({ program }) => program ?? [])])) {
    const problems = faults.get(program)!
    problems.push(...agreed.problems.filter((p) => p.file === program.file), ...brokenCalls(program, broken))
    if (problems.every((p) => p.severity === 'warning' || LEAVES_WAYS.has(p.code)))
      leaveOut(
        program,
        checkProgram(program, agreed.reached.get(program.flow) ?? [], (p) => problems.push(p)),
      )
    if (programs.has(program.flow))
      problems.push({ ...here(program.file), code: 'name', message: `the flow "${program.flow}" is there twice` })
    else if (!hasError(problems)) programs.set(program.flow, program)
  }
  const byFlow = new Map(built.map(({ file, problems }) => [bareName(file), problems]))
  return { programs, problems: ordered(files, told(built, libraries, facts)), byFlow }
}

/** A flow is sound only with all that it calls. */
function brokenCalls(program: Program, broken: (program: Program) => boolean): Problem[] {
  return [...program.steps.values()].flatMap((step): Problem[] => {
    const called = calledBy(step)
    if (called === null || !broken(called)) return []
    const message = `the flow "${called.flow}" has errors, so it cannot be called`
    return [{ file: step.file, ...(step.node as Call).place, severity: 'error', code: 'called-flow', message }]
  })
}

/** Faults beside which the steps and the ways between them are as they are meant: those are checked all the same. */
const LEAVES_WAYS = new Set<ProblemCode>([
  'flow-name',
  'unknown-variable',
  'expression',
  'save-type',
  'missing-sound',
  'http-host',
])

/** A fault of ours in reading a flow is told as one of the file's, so that the others load. */
function guarded(file: string, compile: () => Compiled): Compiled {
  try {
    return compile()
  } catch (error) {
    const message = `cannot be read: ${error instanceof Error ? error.message : error}`
    return { file, program: null, problems: [{ ...here(file), code: 'yaml', message }], libraries: [] }
  }
}

/** Steps of a library that the flow does not use are not in its program: they need no speech and no tests. */
function leaveOut(program: Program, used: ReadonlySet<string>): void {
  for (const { id, file } of program.steps.values())
    if (file !== program.file && !used.has(id)) program.steps.delete(id)
  program.texts = program.texts.filter((text) => text.kind === 'phrase' || !isGone(program, text.of))
}

function isGone(program: Program, id: string): boolean {
  return !id.startsWith('@') && !program.steps.has(id)
}

/** A fault in a library that only some of its flows have (a variable that one does not declare) names them. */
function told(built: Compiled[], libraries: Library[], facts: Facts): Problem[] {
  const alone = libraries
    .filter((library) => !built.some((one) => one.libraries.includes(library)))
    .map((library) => guarded(library.file, () => byItself(library, facts)))
  const problems: Problem[] = []
  const shared = new Map<string, { problem: Problem; flows: string[] }>()
  for (const { file, problems: own } of [...built, ...alone])
    for (const problem of own) {
      const key = JSON.stringify(problem)
      const found = shared.get(key)
      if (problem.file === file) problems.push(problem)
      else if (found === undefined) shared.set(key, { problem, flows: [bareName(file)] })
      else if (!found.flows.includes(bareName(file))) found.flows.push(bareName(file))
    }
  for (const { problem, flows } of shared.values()) {
    const all = built.filter((one) => one.libraries.some(({ file }) => file === problem.file)).length
    const where = flows.length < all ? ` (as ${flows.join(', ')} includes it)` : ''
    problems.push({ ...problem, message: `${problem.message}${where}` })
  }
  return problems
}

/** A library that no flow includes stands for itself: all that it names must be in it. */
function byItself(library: Library, facts: Facts): Compiled {
  const include = `library/${library.file.split(/[\\/]/).at(-1)}`
  const text = JSON.stringify({ flow: 'alone', include: [include], start: 'end', steps: { end: { hangup: true } } })
  const { file } = library
  const { program, problems } = compileFlow('alone.yaml', text, [library], facts)
  if (program !== null && !hasError(problems)) checkProgram(program, [], (p) => problems.push(p))
  return { file, program: null, problems: problems.filter((p) => p.file === file), libraries: [library] }
}

function hasError(problems: Problem[]): boolean {
  return problems.some((p) => p.severity === 'error')
}

function here(file: string): Omit<Problem, 'code' | 'message'> {
  return { file, line: 1, column: 1, severity: 'error' }
}

function ordered(files: FlowFile[], problems: Problem[]): Problem[] {
  const order = new Map(files.map(({ path }, index) => [path, index]))
  return problems.sort((a, b) => order.get(a.file)! - order.get(b.file)! || a.line - b.line || a.column - b.column)
}
