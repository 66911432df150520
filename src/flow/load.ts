/**
 * From texts to programs. Every file is read, checked and compiled by itself: a flow with an error never takes part in
 * a call and never stops the others. All faults of all files are told together, each with its place.
 */

import type { Problem, ProblemCode } from '../errors.ts'
import { agreements } from './agreements.ts'
import { buildAt, type Facts, USUAL_MANNER, type Workshop } from './build.ts'
import { builtInSteps } from './built-in.ts'
import { checkProgram } from './check.ts'
import { parseDuration } from './duration.ts'
import { expressionCompiler } from './expressions.ts'
import { flowFile } from './file.ts'
import { hash } from './hash.ts'
import { guess } from './near.ts'
import type { Program } from './program.ts'
import { NAME } from './schema.ts'
import { problemsOf } from './shape-faults.ts'
import { buildSituations } from './situation-file.ts'
import { type Path, placeOf, readSource } from './source.ts'
import { compileStep, linkSteps } from './step-file.ts'
import { readVariables } from './variables.ts'

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
}

const MAX_NAMES = 5000

/** Reads, checks and compiles flows. Never throws. */
export function loadFlows(files: FlowFile[], facts: Facts = {}): Loaded {
  const programs = new Map<string, Program>()
  const built = files.filter(({ path }) => !isLibrary(path)).map((file) => guardedLoad(file, facts))
  const named = new Map(built.flatMap(({ program }) => (program === null ? [] : [[program.flow, program] as const])))
  const agreed = agreements(named)
  for (const { program, problems } of built) {
    if (program === null) continue
    problems.push(...agreed.problems.filter((p) => p.file === program.file))
    if (problems.every((p) => p.severity === 'warning' || LEAVES_WAYS.has(p.code)))
      checkProgram(program, agreed.reached.get(program.flow) ?? [], (p) => problems.push(p))
    if (programs.has(program.flow))
      problems.push({ ...here(program.file), code: 'name', message: `the flow "${program.flow}" is there twice` })
    else if (!problems.some((p) => p.severity === 'error')) programs.set(program.flow, program)
  }
  return { programs, problems: built.flatMap(({ problems }) => sorted(problems)) }
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
function guardedLoad(file: FlowFile, facts: Facts): ReturnType<typeof loadFlow> {
  try {
    return loadFlow(file, facts)
  } catch (error) {
    const message = `cannot be read: ${error instanceof Error ? error.message : error}`
    return { program: null, problems: [{ ...here(file.path), code: 'yaml', message }] }
  }
}

export function isLibrary(path: string): boolean {
  return path.split(/[\\/]/).slice(0, -1).at(-1) === 'library'
}

function here(file: string): Omit<Problem, 'code' | 'message'> {
  return { file, line: 1, column: 1, severity: 'error' }
}

function loadFlow({ path: file, text }: FlowFile, facts: Facts): { program: Program | null; problems: Problem[] } {
  const source = readSource(file, text)
  const problems = source.problems
  if (source.root === null) return { program: null, problems }
  const { root } = source
  const checked = flowFile.safeParse(root.value)
  if (!checked.success) problems.push(...problemsOf(checked.error, file, root, []))
  const raw = asMap(root.value)
  if (raw === null) return { program: null, problems }
  const steps = asMap(raw.steps)
  if (steps === null) return { program: null, problems: sorted(problems) }

  const report = (code: ProblemCode, message: string, path: Path, atKey = false) => {
    problems.push({ file, ...placeOf(root, path, atKey), severity: 'error', code, message })
  }
  const named = file
    .split(/[\\/]/)
    .at(-1)!
    .replace(/\.ya?ml$/i, '')
  if (typeof raw.flow === 'string' && raw.flow !== named)
    report('flow-name', `the flow is called "${raw.flow}" but its file "${named}": they must be the same`, ['flow'])
  if (Array.isArray(raw.include) && raw.include.length > 0)
    report(
      'bad-value',
      'library files cannot be included yet: write their situations and steps here',
      ['include'],
      true,
    )
  if (Object.keys(steps).length > MAX_NAMES) {
    report('too-large', `a flow has at most ${MAX_NAMES} steps`, ['steps'], true)
    return { program: null, problems }
  }

  const program = emptyProgram(file, named, text, raw)
  readVariables(asMap(raw.vars) ?? {}, program, report)
  const shop: Workshop = {
    file,
    root,
    program,
    compiler: expressionCompiler(program.types, program.reads),
    facts,
    problems,
    stepNames: new Set(Object.keys(steps)),
  }
  readHead(shop, raw)
  for (const name of Object.keys(steps)) {
    if (!NAME.test(name) || ['hangup', 'repeat', 'return'].includes(name))
      report('name', `"${name}" cannot be the name of a step`, ['steps', name], true)
    compileStep(shop, ['steps', name], name, name)
  }
  linkSteps(program, Object.keys(steps))
  buildSituations(shop, raw.situations)
  builtInSteps(shop)
  readTail(shop, raw)
  return { program, problems: sorted(problems) }
}

function sorted(problems: Problem[]): Problem[] {
  return problems.sort((a, b) => a.line - b.line || a.column - b.column)
}

function asMap(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}

function emptyProgram(file: string, flow: string, text: string, raw: Record<string, unknown>): Program {
  const voice = asMap(raw.voice)
  const nowhere = { to: 'hangup', place: { line: 1, column: 1 } } as const
  return {
    flow,
    version: hash(text),
    file,
    description: typeof raw.description === 'string' ? raw.description : null,
    language: typeof raw.language === 'string' ? raw.language.toLowerCase() : 'en',
    voice: {
      name: typeof voice?.name === 'string' ? voice.name : null,
      rate: typeof voice?.rate === 'number' ? voice.rate : null,
    },
    vars: {},
    types: {},
    assigned: new Set(),
    sensitive: new Set(),
    reads: { contact: new Set(), previous: new Set(), tasks: new Set(), campaign: new Set() },
    start: { human: nowhere, machine: null, unsure: null },
    steps: new Map(),
    inlines: [],
    situations: new Map(),
    keys: new Map(),
    onError: '',
    onHangup: [],
    limits: { maxCallTime: 600_000, maxSteps: 500 },
    manner: USUAL_MANNER,
    texts: [],
  }
}

function readHead(shop: Workshop, raw: Record<string, unknown>): void {
  const { program } = shop
  const limits = asMap(raw.limits)
  program.limits = {
    maxCallTime: parseDuration(String(limits?.max_call_time)) ?? 600_000,
    maxSteps: typeof limits?.max_steps === 'number' ? limits.max_steps : 500,
  }
  const defaults = asMap(raw.defaults)
  if (defaults !== null && !shop.problems.some((p) => p.code === 'wrong-type' || p.code === 'unknown-key'))
    program.manner = buildAt(shop, ['defaults'], '@defaults', null).manner(defaults)
}

function readTail(shop: Workshop, raw: Record<string, unknown>): void {
  const { program } = shop
  const b = buildAt(shop, [], '@file', null)
  const start = asMap(raw.start)
  if (typeof raw.start === 'string') program.start.human = b.target(raw.start, 'start')
  else if (start !== null)
    for (const verdict of ['human', 'machine', 'unsure'] as const)
      if (typeof start[verdict] === 'string') program.start[verdict] = b.target(start[verdict], 'start', verdict)
  if (typeof raw.on_error === 'string') {
    if (!shop.stepNames.has(raw.on_error))
      b.problem('unknown-target', `there is no step "${raw.on_error}"${guess(raw.on_error, shop.stepNames)}`, [
        'on_error',
      ])
    program.onError = raw.on_error
  }
  const silent = new Set(['set', 'http', 'callback'])
  for (const index of (Array.isArray(raw.on_hangup) ? raw.on_hangup : []).keys()) {
    const id = `@on_hangup/${index}`
    const step = compileStep(shop, ['on_hangup', index], id, null)
    if (step === null) continue
    if (!silent.has(step.verb.name))
      b.problem('silence', `on_hangup runs silent steps only (set, http, callback): "${step.verb.name}" is none`, [
        'on_hangup',
        index,
      ])
    for (const [outcome, to] of step.on)
      if (to.to !== 'inline' || to.inline.goto !== null || to.inline.say !== null)
        b.problem('silence', 'nobody is there any more: an outcome here can only set variables or an outcome', [
          'on_hangup',
          index,
          'on',
          outcome,
        ])
    program.onHangup.push(id)
  }
}
