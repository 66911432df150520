/** Conversation tests from their files to their results, with the coverage of every flow that they are about. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Problem } from '../../errors.ts'
import { runTest, type TestRun } from '../../flow/conversation-test.ts'
import { checkTests, readTests, type TestFile } from '../../flow/conversation-test-file.ts'
import { Census, type Part } from '../../flow/coverage.ts'
import { bareName, isLibrary } from '../../flow/library-file.ts'
import { loadFlows } from '../../flow/load.ts'
import { guess } from '../../flow/near.ts'
import type { Program } from '../../flow/program.ts'
import { placeOf } from '../../flow/source.ts'
import { findSound } from '../../media/sounds.ts'
import { texts } from '../../service/shelf.ts'
import type { Found } from './files.ts'

export interface Suite {
  file: string
  flow: string | null
  /** Faults of the file or of its flow; with an error none of its tests is run. */
  problems: Problem[]
  runs: TestRun[]
}

/** The coverage of a flow, or of a library (`library/NAME`). */
export interface FlowCoverage {
  flow: string
  file: string
  parts: number
  covered: number
  missing: Part[]
}

export interface Results {
  suites: Suite[]
  coverage: FlowCoverage[]
}

export async function runSuites(found: Found[]): Promise<Results> {
  const results: Results = { suites: [], coverage: [] }
  for (const { root, tests, whole } of found) {
    const sounds = (name: string, language: string) => findSound(join(root, 'sounds'), name, language) !== null
    const unread: Problem[] = []
    const { programs, byFlow } = loadFlows(await texts(root, unread), { sounds })
    for (const problem of unread) byFlow.set(bareName(problem.file), [problem])
    const censuses = new Map<string, Census>()
    if (whole) for (const [name, program] of programs) censuses.set(name, new Census(program))
    for (const file of tests) {
      const read = readTests(file, readFileSync(file, 'utf8'))
      const program = read.flow === null ? undefined : programs.get(read.flow)
      if (program !== undefined && !censuses.has(program.flow)) censuses.set(program.flow, new Census(program))
      const census = program && censuses.get(program.flow)
      const faults = [...read.problems, ...(program ? checkTests(read, program) : withoutFlow(read, byFlow))]
      const runs = program && census && faults.length === 0 ? runAll(program, read, census) : []
      results.suites.push({ file, flow: read.flow, problems: faults, runs })
    }
    results.coverage.push(...coverageOf([...censuses.values()]))
  }
  return results
}

function runAll(program: Program, { tests }: TestFile, census: Census): TestRun[] {
  return tests.map((test) => {
    const { watch, count } = census.test()
    const run = runTest(program, test, watch)
    count(run)
    return run
  })
}

/** What each file's parts came to: those of a library are covered when a test of any flow that includes it covers them. */
function coverageOf(censuses: Census[]): FlowCoverage[] {
  const files = new Map<string, { parts: Map<string, Part>; seen: Set<string> }>()
  for (const census of censuses) files.set(census.program.file, { parts: new Map(), seen: new Set() })
  for (const census of censuses)
    for (const { part, seen } of census.parts()) {
      const key = `${part.kind} ${part.name}`
      const of = files.get(part.file) ?? { parts: new Map(), seen: new Set() }
      files.set(part.file, of)
      of.parts.set(key, part)
      if (seen) of.seen.add(key)
    }
  return [...files].map(([file, { parts, seen }]) => ({
    flow: isLibrary(file) ? `library/${bareName(file)}` : bareName(file),
    file,
    parts: parts.size,
    covered: seen.size,
    missing: [...parts].flatMap(([key, part]) => (seen.has(key) ? [] : [part])),
  }))
}

/** Why there is no such flow: it has errors, which are told, or it is not there. */
function withoutFlow({ file, flow, root }: TestFile, byFlow: Map<string, Problem[]>): Problem[] {
  if (flow === null || root === null) return []
  const own = byFlow.get(flow)?.filter((p) => p.severity === 'error') ?? []
  if (own.length > 0) return own
  const message = `there is no flow "${flow}" in flows/ beside this folder${guess(flow, byFlow.keys())}`
  return [{ file, ...placeOf(root, ['flow']), severity: 'error', code: 'unknown-flow', message }]
}
