/**
 * What a conversation test needs on a line: a number of its own, and hours that are open around the clock, since a line knows no
 * other hour than now. A test that holds only at its own hour, or takes longer than anybody wishes to wait, is not run there;
 * it is told why. One that fails on the simulator is no promise, and is not run either.
 */
import { parseWindows } from '../flow/calendar.ts'
import { type ConversationTest, runTest, type TestRun, time } from '../flow/conversation-test.ts'
import type { CallContext, Verdict, Windows } from '../flow/io.ts'
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
  /** Whether Asterisk is to tell who answers, and who does. */
  amd: Verdict | null
}

const ALWAYS = parseWindows({ 'mon-sun': '00:00-24:00' }) as Windows

/** `longest` in ms. */
export function plan(job: Job, index: number, longest: number): Plan | LiveRun {
  const { program, test } = job
  const written = runTest(program, test)
  if (!written.ok) return { ...written, skipped: null, differences: [], call: null }
  const number = `+4072${String(1_000_001 + index)}`
  const context = contextOf(test, number)
  const now = runTest(program, { ...test, context, now: Date.now() })
  const skip = (skipped: string): LiveRun => ({ ...written, skipped, differences: [], call: null })
  if (!now.ok) return skip(`it holds only at its own hour: ${now.failures[0]}`)
  if (now.simulation.duration > longest) return skip(`it takes ${time(now.simulation.duration)} on a line`)
  const said = test.script.flatMap(({ item }) => ('amd' in item ? [item.amd] : []))
  return { job, number, called: `+4031${String(1_000_001 + index)}`, context, amd: said[0] ?? null }
}

/** A number that the test does not name is the line's; the policy's hours are always. */
function contextOf({ context }: ConversationTest, number: string): CallContext {
  const [, ...narrower] = context.windows
  return {
    ...context,
    number: context.number === testCall().number ? number : context.number,
    windows: [ALWAYS, ...narrower],
  }
}
