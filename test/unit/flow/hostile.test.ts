/**
 * Whatever a file holds, reading it gives faults with their places, or a program that stands whatever happens. Here 1,000
 * texts, by APEL_HOSTILE as many as one likes; the seed (APEL_SEED) is told with a failure. `bench/hostile.ts` measures.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Effect, FlowEvent } from '../../../src/flow/io.ts'
import { loadFlows } from '../../../src/flow/load.ts'
import type { Program } from '../../../src/flow/program.ts'
import { testCall } from '../../../src/flow/simulate.ts'
import { begin, step } from '../../../src/flow/step.ts'
import { dice, filesOf, hostile, worst } from '../../support/hostile.ts'
import { happen } from './happenings.ts'
import { NOW } from './talk.ts'

t.setTimeout(240_000)

const SEED = Number(process.env.APEL_SEED ?? 20_260_105)
const COUNT = Number(process.env.APEL_HOSTILE ?? 1000)
/** 200 ms on a quiet machine; this one may be busy with calls. */
const MOST = 5000

/** Reads a text; what is wrong with the answer, or the program that it became. */
function read(text: string): { program: Program | null; wrong: string | null; took: number } {
  const begun = performance.now()
  const files = filesOf(text)
  const { programs, problems } = loadFlows(files)
  const took = performance.now() - begun
  const program = programs.get('hostile') ?? null
  const lines = new Map(files.map((file) => [file.path, file.text.split('\n').length]))
  const lost = problems.find((p) => p.line < 1 || p.line > (lines.get(p.file) ?? 0) || p.column < 1 || p.message === '')
  const errors = problems.filter((p) => p.severity === 'error').length
  const wrong =
    lost !== undefined
      ? `a fault without a place: ${JSON.stringify(lost)}`
      : (errors === 0) !== (program !== null)
        ? `${errors} errors, and ${program === null ? 'no' : 'a'} program`
        : took > MOST
          ? `it took ${Math.round(took)} ms`
          : null
  return { program, wrong, took }
}

/** Forty things happen to a conversation. */
function survives(program: Program, random: () => number): void {
  let state = begin(program, testCall({ contact: { name: 'Ana' } }))
  let at = NOW
  const effects: Effect[] = []
  const feed = (event: FlowEvent) => {
    const turn = step(program, state, event)
    state = turn.state
    effects.push(...turn.effects)
  }
  feed({ type: 'start', at, verdict: 'human' })
  for (let n = 0; n < 40; n++) {
    const one = {
      kind: Math.floor(random() * 100),
      pick: Math.floor(random() * 1000),
      wait: Math.floor(random() * 20_000),
    }
    at += one.wait
    feed(happen(one, state, effects, at))
  }
}

t.test('garbage and spoilt flows: a fault with its place, or a program that stands', async (t) => {
  const random = dice(SEED + 1)
  const times: number[] = []
  let sound = 0
  for (const { kind, text } of hostile(SEED, COUNT)) {
    try {
      const { program, wrong, took } = read(text)
      if (wrong !== null) t.fail(`seed ${SEED}, ${kind}: ${wrong}`, { text })
      times.push(took)
      if (program === null) continue
      sound++
      survives(program, random)
    } catch (error) {
      t.fail(`seed ${SEED}, ${kind}: thrown: ${(error as Error).stack}`, { text })
    }
  }
  times.sort((a, b) => a - b)
  t.comment(`${COUNT} texts, ${sound} sound, 99 % under ${times[Math.floor(COUNT * 0.99)]?.toFixed(1)} ms`)
  t.ok(sound > COUNT / 50 && sound < COUNT / 2, 'some are sound all the same')
})

t.test('the worst that is known is told with its place, in bounded time', async (t) => {
  for (const { kind, text } of worst()) {
    const { wrong, program } = read(text)
    t.equal(wrong, null, kind)
    if (program !== null) survives(program, dice(SEED))
  }
  t.equal(({} as Record<string, unknown>).start, undefined, 'no prototype was touched')
})

t.test('the process lives', async (t) => {
  const script = fileURLToPath(new URL('../../support/hostile-child.js', import.meta.url))
  const { status, signal, stdout } = spawnSync(process.execPath, [script], { encoding: 'utf8' })
  t.same({ status, signal, stdout }, { status: 0, signal: null, stdout: `${worst().length} read\n` })
})
