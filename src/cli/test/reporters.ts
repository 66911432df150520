/** Results of conversation tests: for people, as TAP, as JSON. */
import { relative } from 'node:path'
import type { TestRun } from '../../flow/conversation-test.ts'
import { time } from '../../flow/conversation-test.ts'
import type { LiveRun } from '../../rehearsal/plan.ts'
import { colour as pc } from '../colour.ts'
import { problemLine } from '../problems.ts'
import type { FlowCoverage, Results, Suite } from './suite.ts'
import { beside } from './transcript.ts'

export interface Totals {
  passed: number
  failed: number
  /** Not run on a line, for a reason that is told. */
  skipped: number
  /** Conversations that went otherwise on the line than on the simulator. */
  different: number
  /** Of all parts of the flows, in percent; 100 when there is none. */
  coverage: number
}

/** A file that cannot be run counts as one failure. */
export function totals({ suites, coverage }: Results): Totals {
  const runs = suites.flatMap((suite) => suite.runs)
  const broken = suites.filter(({ problems }) => problems.length > 0).length
  const parts = coverage.reduce((sum, one) => sum + one.parts, 0)
  const covered = coverage.reduce((sum, one) => sum + one.covered, 0)
  return {
    passed: runs.filter((run) => run.ok && skipped(run) === null).length,
    failed: runs.filter(({ ok }) => !ok).length + broken,
    skipped: runs.filter((run) => skipped(run) !== null).length,
    different: runs.filter((run) => differences(run).length > 0).length,
    coverage: parts === 0 ? 100 : (100 * covered) / parts,
  }
}

const skipped = (run: TestRun | LiveRun): string | null => ('skipped' in run ? run.skipped : null)
const differences = (run: TestRun | LiveRun): string[] => ('differences' in run ? run.differences : [])
/** What is wrong with a run, in words. */
const faults = (run: TestRun | LiveRun): string[] => [
  ...run.failures,
  ...differences(run).map((difference) => `differs: ${difference}`),
]

const indented = (text: string, by: string): string => text.replace(/^(?=.)/gm, by)
const near = (file: string, cwd: string): string => {
  const path = relative(cwd, file)
  return path.startsWith('../../') ? file : path
}

export function human(results: Results, cwd: string): string {
  const rows: string[] = []
  for (const { file, problems, runs } of results.suites) {
    rows.push(pc.bold(near(file, cwd)))
    for (const problem of problems) rows.push(`  ${pc.red('FAIL')}  ${problemLine(problem, cwd)}`)
    for (const run of runs) {
      const { test, ok, simulation } = run
      const why = skipped(run)
      if (why !== null) {
        rows.push(`  ${pc.yellow('skip')}  ${test.name} ${pc.dim(`(${why})`)}`)
        continue
      }
      rows.push(`  ${ok ? pc.green('ok  ') : pc.red('FAIL')}  ${test.name} ${pc.dim(`(${time(simulation.duration)})`)}`)
      if (ok) continue
      rows.push(`        ${near(file, cwd)}:${test.place.line}:${test.place.column}`)
      for (const fault of faults(run)) rows.push(`        ${fault}`)
      rows.push('', indented(beside(simulation), '    '), '')
    }
  }
  rows.push('', ...covered(results.coverage, cwd))
  rows.push(lastLine(results))
  return `${rows.join('\n')}\n`
}

function lastLine(results: Results): string {
  const { passed, failed, skipped, different, coverage } = totals(results)
  const live = results.suites.some(({ runs }) => runs.some((run) => 'differences' in run))
  const more = live ? `, ${skipped} skipped; ${different} differ from the simulator` : ''
  return `${passed} passed, ${failed} failed${more}; ${percent(coverage)} covered`
}

/** Rounded down, so that 100 % is all. */
const percent = (value: number): string => `${Math.floor(value * 10) / 10} %`

function covered(coverage: FlowCoverage[], cwd: string): string[] {
  return coverage.flatMap(({ flow, parts, covered: through, missing }) => [
    `${flow}: ${through} of ${parts} steps, options, rungs and situations covered`,
    ...missing.map(
      ({ kind, name, file, place }) => `  not covered: ${kind} ${name} (${near(file, cwd)}:${place.line})`,
    ),
  ])
}

/** TAP 14; a failing test carries its conversation. */
export function tap(results: Results, cwd: string): string {
  const points: string[] = []
  const point = (ok: boolean, title: string, about: Record<string, unknown> | null, skip?: string) => {
    const name = title.replace(/[\r\n]+/g, ' ').replace(/[\\#]/g, '\\$&')
    points.push(
      `${ok ? 'ok' : 'not ok'} ${points.length + 1} - ${name}${skip === undefined ? '' : ` # SKIP ${skip}`}${about === null ? '' : `\n${yaml(about)}`}`,
    )
  }
  for (const { file, problems, runs } of results.suites) {
    if (problems.length > 0)
      point(false, `${near(file, cwd)} can be run`, { problems: problems.map((p) => problemLine(p, cwd)) })
    for (const run of runs)
      point(
        run.ok,
        `${near(file, cwd)}: ${run.test.name}`,
        run.ok ? null : aboutRun(file, run, cwd),
        skipped(run) ?? undefined,
      )
  }
  const notes = covered(results.coverage, cwd).map((row) => `# ${row}`)
  return ['TAP version 14', `1..${points.length}`, ...points, ...notes, `# ${lastLine(results)}`, ''].join('\n')
}

function aboutRun(file: string, run: TestRun, cwd: string): Record<string, unknown> {
  const { test, simulation } = run
  return {
    failures: faults(run),
    at: `${near(file, cwd)}:${test.place.line}:${test.place.column}`,
    conversation: beside(simulation).split('\n'),
  }
}

/** JSON is YAML, so texts are written as JSON strings. */
function yaml(about: Record<string, unknown>): string {
  const rows = Object.entries(about).flatMap(([key, value]) =>
    Array.isArray(value)
      ? [`${key}:`, ...value.map((item) => `  - ${JSON.stringify(item)}`)]
      : [`${key}: ${JSON.stringify(value)}`],
  )
  return ['  ---', ...rows.map((row) => `  ${row}`), '  ...'].join('\n')
}

export function record({ suites, coverage }: Results): unknown {
  return {
    ...totals({ suites, coverage }),
    files: suites.map(({ file, flow, problems, runs }: Suite) => ({
      file,
      flow,
      problems,
      tests: runs.map(({ test, ok, failures, simulation, ...live }) => ({
        name: test.name,
        ...test.place,
        ok,
        failures,
        ...live,
        duration: simulation.duration,
        result: simulation.result,
        conversation: simulation.lines,
      })),
    })),
    flows: coverage,
  }
}
