/** Conversation tests from their files to their results, with the coverage of every flow that they are about. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Problem } from '../../errors.ts'
import { runTest, type TestRun } from '../../flow/conversation-test.ts'
import { checkTests, readTests, type TestFile } from '../../flow/conversation-test-file.ts'
import { Census, type Coverage } from '../../flow/coverage.ts'
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

export interface FlowCoverage extends Coverage {
  flow: string
  file: string
}

export interface Results {
  suites: Suite[]
  coverage: FlowCoverage[]
}

export async function runSuites(found: Found[]): Promise<Results> {
  const results: Results = { suites: [], coverage: [] }
  for (const { root, tests, whole } of found) {
    const sounds = (name: string, language: string) => findSound(join(root, 'sounds'), name, language) !== null
    const problems: Problem[] = []
    const { programs, problems: told } = loadFlows(await texts(root, problems), { sounds })
    problems.push(...told)
    const censuses = new Map<string, Census>()
    if (whole) for (const [name, program] of programs) censuses.set(name, new Census(program))
    for (const file of tests) {
      const read = readTests(file, readFileSync(file, 'utf8'))
      const program = read.flow === null ? undefined : programs.get(read.flow)
      if (program !== undefined && !censuses.has(program.flow)) censuses.set(program.flow, new Census(program))
      const census = program && censuses.get(program.flow)
      const faults = [
        ...read.problems,
        ...(program ? checkTests(read, program) : withoutFlow(read, programs, problems)),
      ]
      const runs = program && census && faults.length === 0 ? runAll(program, read, census) : []
      results.suites.push({ file, flow: read.flow, problems: faults, runs })
    }
    for (const [flow, census] of censuses)
      results.coverage.push({ flow, file: programs.get(flow)!.file, ...census.coverage() })
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

/** Why there is no such flow: it has errors, which are told, or it is not there. */
function withoutFlow({ file, flow, root }: TestFile, programs: Map<string, Program>, all: Problem[]): Problem[] {
  if (flow === null || root === null) return []
  const own = all.filter((p) => p.severity === 'error' && nameOf(p.file) === flow)
  if (own.length > 0) return own
  const known = [...programs.keys(), ...all.map((p) => nameOf(p.file))]
  const message = `there is no flow "${flow}" in flows/ beside this folder${guess(flow, known)}`
  return [{ file, ...placeOf(root, ['flow']), severity: 'error', code: 'unknown-flow', message }]
}

const nameOf = (file: string): string => file.replace(/^.*[\\/]/, '').replace(/\.ya?ml$/, '')
