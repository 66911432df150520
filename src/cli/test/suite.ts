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
import { placeOf } from '../../flow/source.ts'
import { findSound } from '../../media/sounds.ts'
import type { Job, LiveRun } from '../../rehearsal/plan.ts'
import { texts } from '../../service/shelf.ts'
import type { Found } from './files.ts'

export interface Suite {
  file: string
  flow: string | null
  /** Faults of the file or of its flow; with an error none of its tests is run. */
  problems: Problem[]
  /** Those of a real line say more. */
  runs: (TestRun | LiveRun)[]
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

/** Holds the conversations of the tests of one folder. `hosts` are those that its flows name. */
export type Hold = (root: string, jobs: Job[], hosts: string[]) => Promise<(TestRun | LiveRun)[]>

const simulated: Hold = async (_, jobs) => jobs.map(({ program, test, watch }) => runTest(program, test, watch))

export async function runSuites(found: Found[], hold = simulated): Promise<Results> {
  const results: Results = { suites: [], coverage: [] }
  for (const { root, tests, whole } of found) {
    const sounds = (name: string, language: string) => findSound(join(root, 'sounds'), name, language) !== null
    const unread: Problem[] = []
    const hosts = new Set<string>()
    const allowHost = (host: string) => hosts.add(host) !== null
    const { programs, byFlow } = loadFlows(await texts(root, unread), { sounds, allowHost })
    for (const problem of unread) byFlow.set(bareName(problem.file), [problem])
    const censuses = new Map<string, Census>()
    if (whole) for (const [name, program] of programs) censuses.set(name, new Census(program))
    const jobs: (Job & { suite: Suite; count(run: TestRun): void })[] = []
    for (const file of tests) {
      const read = readTests(file, readFileSync(file, 'utf8'))
      const program = read.flow === null ? undefined : programs.get(read.flow)
      if (program !== undefined && !censuses.has(program.flow)) censuses.set(program.flow, new Census(program))
      const census = program && censuses.get(program.flow)
      const faults = [...read.problems, ...(program ? checkTests(read, program) : withoutFlow(read, byFlow))]
      const suite: Suite = { file, flow: read.flow, problems: faults, runs: [] }
      results.suites.push(suite)
      if (program && census && faults.length === 0)
        for (const test of read.tests) jobs.push({ program, test, ...census.test(), suite })
    }
    for (const run of await hold(root, jobs, [...hosts])) {
      const job = jobs.find(({ test }) => test === run.test)!
      job.count(run)
      job.suite.runs.push(run)
    }
    results.coverage.push(...coverageOf([...censuses.values()]))
  }
  return results
}

/**
 * What each file's parts came to: those of a library are covered by a test of any flow that includes it, those of a flow
 * also by a test of one that calls it.
 */
function coverageOf(censuses: Census[]): FlowCoverage[] {
  const files = new Map<string, { parts: Map<string, Part>; seen: Set<string> }>()
  for (const census of censuses) files.set(census.program.file, { parts: new Map(), seen: new Set() })
  for (const census of censuses)
    for (const { part, seen } of census.parts()) {
      const key = `${part.kind} ${part.name}`
      // Of the flows that it calls those are told that were asked for themselves.
      if (!files.has(part.file) && !isLibrary(part.file)) continue
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
