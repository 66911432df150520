/**
 * Runs the compiled test files, several side by side, each as a process of its own with a time limit:
 *
 *   node build/test/support/run.js [PART-OF-A-PATH…]        all files, or those with such a part in their path
 *
 * Counted are the top-level tests of every file (its unindented TAP results; skipped ones are named but not counted).
 * A file that breaks off, outlives its limit, or leaves a process behind is one failure more. At the end every live call
 * of the run is replayed from its journal, and one that does not come out the same is a failure. The last line is
 * `N passed, N failed`, and the exit code says the same. APEL_TEST_JOBS (4) and APEL_TEST_LIMIT (240, seconds a file).
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { journalsIn, replayFault } from './journals.ts'
import { endLeftovers } from './leftovers.ts'
import { countTap, type TapCount } from './tap-count.ts'

interface Result extends TapCount {
  file: string
  seconds: number
  output: string
  /** Failures that TAP does not show, as sentences. */
  faults: string[]
}

const root = fileURLToPath(new URL('../../..', import.meta.url))
const jobs = Number(process.env.APEL_TEST_JOBS ?? Math.max(3, availableParallelism() + 1))
const limit = Number(process.env.APEL_TEST_LIMIT ?? 240) * 1000
const running = new Set<number>()

/** Live tests first: they are the long ones, and mostly wait. */
const ORDER = ['test/asterisk/', 'test/api/', 'test/redis/', 'test/contract/', 'test/unit/']

function findFiles(wanted: string[]): string[] {
  const rank = (file: string) => ORDER.findIndex((folder) => file.startsWith(folder))
  // Sources are listed, not the build: what was removed may still lie there.
  return readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .map((file) => `test/${file}`)
    .filter((file) => file.endsWith('.test.ts') && (wanted.length === 0 || wanted.some((part) => file.includes(part))))
    .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
}

async function runFile(file: string, folder: string): Promise<Result> {
  const begun = performance.now()
  const mark = `${folder}#${file}`
  mkdirSync(folder, { recursive: true })
  const child = spawn(process.execPath, ['--enable-source-maps', join(root, 'build', file.replace(/\.ts$/, '.js'))], {
    cwd: root,
    env: { ...process.env, TMPDIR: folder, APEL_TEST_RUN: mark, APEL_TEST_JOURNALS: journals, TAP: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const pid = child.pid ?? 0
  running.add(pid)
  const pieces: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => pieces.push(piece))
  const faults: string[] = []
  const timer = setTimeout(() => {
    faults.push(`it was ended after ${limit / 1000} s`)
    endGroup(pid)
  }, limit)
  // Not `close`: a process left behind would hold the pipe open.
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null))
    child.once('exit', (code) => setTimeout(() => resolve(code), 50))
  })
  clearTimeout(timer)
  running.delete(pid)
  for (const left of await endLeftovers(mark)) faults.push(`it left a process behind: ${left}`)
  rmSync(folder, { recursive: true, force: true })
  const output = Buffer.concat(pieces).toString()
  const count = countTap(output)
  if (!count.whole && faults.length === 0) faults.push(`it broke off with exit code ${code}`)
  else if (code !== 0 && count.failed === 0 && faults.length === 0) faults.push(`it ended with exit code ${code}`)
  return { file, seconds: (performance.now() - begun) / 1000, output, ...count, faults }
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // gone already
  }
}

function report(result: Result): void {
  const bad = result.failed + result.faults.length
  const skipped = result.skipped > 0 ? `, ${result.skipped} skipped` : ''
  const counts = `${result.passed} passed${bad > 0 ? `, ${bad} failed` : ''}${skipped}`
  console.log(`${bad > 0 ? 'FAILED' : '    ok'}  ${result.file}  ${counts}  ${result.seconds.toFixed(1)} s`)
  if (bad === 0) return
  for (const fault of result.faults) console.log(`        ${fault}`)
  const telling = result.output
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s*(ok \d|1\.\.\d|TAP |# Subtest)/.test(line))
  console.log(telling.map((line) => `        ${line}`).join('\n'))
}

/** Replays the journals that the live calls have left; how many there were, and what is wrong with which. */
function replayAll(): { calls: number; faults: string[] } {
  if (!existsSync(journals)) return { calls: 0, faults: [] }
  const kept = journalsIn(journals)
  const faults = kept.flatMap(({ journal }) => {
    const fault = replayFault(journal)
    return fault === null ? [] : [`the call ${journal.id}: ${fault}`]
  })
  return { calls: kept.length, faults }
}

const files = findFiles(process.argv.slice(2))
const base = mkdtempSync(join(tmpdir(), 'apel-test-'))
const journals = join(base, 'journals')
const results: Result[] = []
const begun = performance.now()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const pid of running) endGroup(pid)
    void endLeftovers(base, 0).finally(() => process.exit(130))
  })
}

const queue = files.map((file, index) => ({ file, folder: join(base, String(index)) }))
const worker = async () => {
  for (let next = queue.shift(); next; next = queue.shift()) {
    const result = await runFile(next.file, next.folder)
    results.push(result)
    report(result)
  }
}
await Promise.all(Array.from({ length: jobs }, worker))
const replayed = replayAll()
rmSync(base, { recursive: true, force: true })

const sum = (pick: (result: Result) => number) => results.reduce((total, result) => total + pick(result), 0)
const failed = sum((result) => result.failed + result.faults.length) + replayed.faults.length
const passed = sum((result) => result.passed)
const skipped = sum((result) => result.skipped)
const seconds = ((performance.now() - begun) / 1000).toFixed(0)
console.log(
  `\n${files.length} files in ${seconds} s, ${jobs} side by side${skipped > 0 ? `, ${skipped} tests skipped` : ''}`,
)
if (replayed.calls > 0) {
  console.log(`${replayed.calls} live calls replayed from their journals, ${replayed.faults.length} differ`)
  for (const fault of replayed.faults) console.log(`        ${fault}`)
}
const culprits = results.filter((result) => result.failed + result.faults.length > 0).map((result) => result.file)
if (culprits.length > 0) console.log(`Failed: ${culprits.join(' ')}`)
if (files.length === 0) console.log(`No test file below ${relative(process.cwd(), root) || '.'}/test fits.`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
