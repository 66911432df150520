/** Results of conversation tests: for people, as TAP, as JSON. */
import { relative } from 'node:path'
import type { TestRun } from '../../flow/conversation-test.ts'
import { time } from '../../flow/conversation-test.ts'
import { colour as pc } from '../colour.ts'
import { problemLine } from '../problems.ts'
import type { FlowCoverage, Results, Suite } from './suite.ts'
import { beside } from './transcript.ts'

export interface Totals {
  passed: number
  failed: number
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
    passed: runs.filter(({ ok }) => ok).length,
    failed: runs.filter(({ ok }) => !ok).length + broken,
    coverage: parts === 0 ? 100 : (100 * covered) / parts,
  }
}

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
      const { test, ok, failures, simulation } = run
      rows.push(`  ${ok ? pc.green('ok  ') : pc.red('FAIL')}  ${test.name} ${pc.dim(`(${time(simulation.duration)})`)}`)
      if (ok) continue
      rows.push(`        ${near(file, cwd)}:${test.place.line}:${test.place.column}`)
      for (const failure of failures) rows.push(`        ${failure}`)
      rows.push('', indented(beside(simulation), '    '), '')
    }
  }
  rows.push('', ...covered(results.coverage, cwd))
  const { passed, failed, coverage } = totals(results)
  rows.push(`${passed} passed, ${failed} failed; ${percent(coverage)} covered`)
  return `${rows.join('\n')}\n`
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
  const point = (ok: boolean, title: string, about: Record<string, unknown> | null) => {
    const name = title.replace(/[\r\n]+/g, ' ').replace(/[\\#]/g, '\\$&')
    points.push(`${ok ? 'ok' : 'not ok'} ${points.length + 1} - ${name}${about === null ? '' : `\n${yaml(about)}`}`)
  }
  for (const { file, problems, runs } of results.suites) {
    if (problems.length > 0)
      point(false, `${near(file, cwd)} can be run`, { problems: problems.map((p) => problemLine(p, cwd)) })
    for (const run of runs)
      point(run.ok, `${near(file, cwd)}: ${run.test.name}`, run.ok ? null : aboutRun(file, run, cwd))
  }
  const notes = covered(results.coverage, cwd).map((row) => `# ${row}`)
  const { passed, failed, coverage } = totals(results)
  return [
    'TAP version 14',
    `1..${points.length}`,
    ...points,
    ...notes,
    `# ${passed} passed, ${failed} failed; ${percent(coverage)} covered`,
    '',
  ].join('\n')
}

function aboutRun(file: string, { test, failures, simulation }: TestRun, cwd: string): Record<string, unknown> {
  return {
    failures,
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
      tests: runs.map(({ test, ok, failures, simulation }) => ({
        name: test.name,
        ...test.place,
        ok,
        failures,
        duration: simulation.duration,
        result: simulation.result,
        conversation: simulation.lines,
      })),
    })),
    flows: coverage,
  }
}
