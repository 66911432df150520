/**
 * What a conversation test needs on a line: a number of its own, and whether somebody is to be told from a machine. It is held
 * at the hour that it names, with that hour's windows: only the clock of its conversation is set. A test that takes longer than
 * anybody wishes to wait is not run there, and is told so; one that fails on the simulator is no promise, and is not run either.
 */
import { type ConversationTest, runTest, type TestRun, time } from '../flow/conversation-test.ts'
import type { CallContext, Spoken, Verdict } from '../flow/io.ts'
import type { Program } from '../flow/program.ts'
import { testCall } from '../flow/simulate.ts'
import type { Watch } from '../flow/view.ts'

export interface Job {
  program: Program
  test: ConversationTest
  /** Sees the conversation as it goes. */
  watch?: Watch
}

/** A test as it went on the line. It is not ok either when the simulator had promised something else. */
export interface LiveRun extends TestRun {
  /** Why it was not run on a line; null: it was. */
  skipped: string | null
  differences: string[]
  /** The call's id; null when there was none. */
  call: string | null
}

/** One that is to be run. */
export interface Plan {
  job: Job
  /** The far side's number, and the number that it calls. */
  number: string
  called: string
  context: CallContext
  /** ms that the simulator takes for it. */
  duration: number
  /** What the simulator says in it. */
  said: Spoken[][]
  /** Extensions that the flow calls. */
  extensions: string[]
  /** Whether Asterisk is to tell who answers, and who does. */
  amd: Verdict | null
}

/** `longest` in ms. */
export function plan(job: Job, index: number, longest: number): Plan | LiveRun {
  const { program, test } = job
  const number = `+4072${String(1_000_001 + index)}`
  const { context } = test
  const own = context.number === testCall().number ? { ...context, number } : context
  const extensions: string[] = []
  const run = runTest(program, { ...test, context: own }, (_, effects) => {
    for (const effect of effects)
      if (effect.type === 'dial' && 'extension' in effect.to) extensions.push(effect.to.extension)
  })
  const { duration, heard } = run.simulation
  const rest = { ...run, test, differences: [], call: null }
  if (!run.ok) return { ...rest, skipped: null }
  if (duration > longest) return { ...rest, skipped: `it takes ${time(duration)} on a line` }
  const [amd = null] = test.script.flatMap(({ item }) => ('amd' in item ? [item.amd] : []))
  const called = `+4031${String(1_000_001 + index)}`
  return { job, number, called, context: own, duration, said: heard.map(({ parts }) => parts), extensions, amd }
}
