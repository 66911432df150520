/** One flow's file, with the libraries that it includes, becomes a program. */

import type { Problem, ProblemCode } from '../errors.ts'
import { buildAt, type Facts, USUAL_MANNER, type Workshop } from './build.ts'
import { builtInSteps } from './built-in.ts'
import { parseDuration } from './duration.ts'
import { expressionCompiler } from './expressions.ts'
import { flowFile } from './file.ts'
import { hash } from './hash.ts'
import { bareName, included, type Library, workshopsOf } from './library-file.ts'
import { guess } from './near.ts'
import type { Program } from './program.ts'
import { NAME } from './schema.ts'
import { problemsOf } from './shape-faults.ts'
import { buildSituations } from './situation-file.ts'
import { type Path, placeOf, readSource } from './source.ts'
import { compileStep, linkSteps } from './step-file.ts'
import { readVariables } from './variables.ts'

/** What became of a file. Faults may be those of a library that it includes. */
export interface Compiled {
  file: string
  /** Null when the file cannot be read. */
  program: Program | null
  problems: Problem[]
  libraries: Library[]
}

const MAX_NAMES = 5000

/** Reads, and compiles as far as it can. `libraries` are those that are there. */
export function compileFlow(file: string, text: string, libraries: Library[], facts: Facts): Compiled {
  const source = readSource(file, text)
  const problems = source.problems
  const unread: Compiled = { file, program: null, problems, libraries: [] }
  if (source.root === null) return unread
  const { root } = source
  const checked = flowFile.safeParse(root.value)
  if (!checked.success) problems.push(...problemsOf(checked.error, file, root, []))
  const raw = asMap(root.value)
  if (raw === null) return unread
  const steps = asMap(raw.steps)
  if (steps === null) return unread

  const report = (code: ProblemCode, message: string, path: Path, atKey = false) => {
    problems.push({ file, ...placeOf(root, path, atKey), severity: 'error', code, message })
  }
  const named = bareName(file)
  if (typeof raw.flow === 'string' && raw.flow !== named)
    report('flow-name', `the flow is called "${raw.flow}" but its file "${named}": they must be the same`, ['flow'])
  if (Object.keys(steps).length > MAX_NAMES) {
    report('too-large', `a flow has at most ${MAX_NAMES} steps`, ['steps'], true)
    return unread
  }

  const program = emptyProgram(file, named, text, raw)
  const shop: Workshop = {
    file,
    root,
    program,
    compiler: expressionCompiler({}, program.reads),
    facts,
    problems,
    stepNames: new Set(),
    language: program.language,
  }
  const taken = included(shop, raw.include, libraries)
  if (taken.length > 0) program.version = hash([text, ...taken.map((library) => library.text)].join('\0'))
  const shops = workshopsOf(shop, raw, taken)
  declare(shop, raw)
  for (const [index, library] of taken.entries()) declare(shops[index]!, library.raw)
  shop.compiler = expressionCompiler(program.types, program.reads)
  for (const own of shops) own.compiler = shop.compiler
  readHead(shop, raw)
  compileSteps(shop, steps)
  for (const [index, library] of taken.entries()) {
    compileSteps(shops[index]!, asMap(library.raw.steps) ?? {})
    buildSituations(shops[index]!, library.raw.situations)
  }
  buildSituations(shop, raw.situations)
  builtInSteps(shop)
  readTail(shop, raw)
  const whole = taken.length === listed(raw.include) && taken.every((library) => Object.keys(library.raw).length > 0)
  return { file, program, problems: whole ? problems : problems.filter(isCertain), libraries: taken }
}

function declare(shop: Workshop, raw: Record<string, unknown>): void {
  readVariables(asMap(raw.vars) ?? {}, shop.program, buildAt(shop, [], '@file', null).problem)
}

function listed(include: unknown): number {
  return Array.isArray(include) ? include.length : 0
}

/** Names that lead nowhere may be those of a library that is not there or cannot be read. */
function isCertain({ code }: Problem): boolean {
  return code !== 'unknown-target' && code !== 'unknown-variable'
}

/** The named steps of one file; each goes on to the one below in the same file. */
function compileSteps(shop: Workshop, steps: Record<string, unknown>): void {
  const names = Object.keys(steps)
  for (const name of names) {
    const { problem } = buildAt(shop, ['steps', name], name, name)
    if (!NAME.test(name) || ['hangup', 'repeat', 'return'].includes(name))
      problem('name', `"${name}" cannot be the name of a step`, [], 'error', true)
    compileStep(shop, ['steps', name], name, name)
  }
  linkSteps(shop.program, names)
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
