/**
 * A conversation test: a call as it is made up, a script of the other side, and what is to come of it. A test is run on
 * the simulator, on a virtual clock. It fails when an item of its script never comes to its moment, when the call ends
 * otherwise than it says, or when something is said that must not be.
 */

import type { CallContext, FlowResult } from './io.ts'
import type { Place, Program } from './program.ts'
import { contains, type ScriptItem, type Simulation } from './script.ts'
import { simulate } from './simulate.ts'
import type { Watch } from './view.ts'

export interface ScriptLine {
  item: ScriptItem
  place: Place
}

/** What the end must be; what is absent may be anything. Durations in ms. */
export interface Ends {
  disposition?: FlowResult['disposition']
  /** Null: none was kept. */
  outcome?: string | null
  last_step?: string | null
  within?: number
  callback_in?: number
  /** ms since the epoch; null: no callback was agreed on. */
  callback_at?: number | null
  vars?: Record<string, unknown>
}

export interface ConversationTest {
  name: string
  place: Place
  context: CallContext
  /** ms since the epoch at the answer. */
  now: number
  script: ScriptLine[]
  /** Null when the test says nothing about the end. */
  ends: Ends | null
  notHeard: string[]
}

export interface TestRun {
  test: ConversationTest
  ok: boolean
  /** What was expected and did not come, in words. */
  failures: string[]
  simulation: Simulation
}

/** By how much a callback may be off, ms. */
const CLOSE = 1000

/** Holds the conversation and judges it. Deterministic. */
export function runTest(program: Program, test: ConversationTest, watch?: Watch): TestRun {
  const script = test.script.map(({ item }) => item)
  const { context, now } = test
  const simulation = simulate(program, script, { context, now, ...(watch === undefined ? {} : { watch }) })
  const failures = failuresOf(test, simulation)
  return { test, ok: failures.length === 0, failures, simulation }
}

/** What was expected of a conversation and did not come. `late`: by how many ms it may end later than the test says. */
export function failuresOf(test: ConversationTest, simulation: Simulation, late = 0): string[] {
  return [...unmet(simulation), ...judge(test, simulation, late)]
}

function unmet({ unmet: [first, ...others], unused, over }: Simulation): string[] {
  const failures: string[] = []
  if (first !== undefined) failures.push(`never came: ${first}`)
  if (others.length > 0) failures.push(`left over after it: ${others.join(', ')}`)
  if (unused.length > 0) failures.push(`left over, since nobody needed it: ${unused.join(', ')}`)
  if (!over) failures.push('the call had not ended an hour after the last item')
  return failures
}

function judge({ ends, notHeard }: ConversationTest, simulation: Simulation, late: number): string[] {
  const failures: string[] = []
  const { result, duration, callbackIn, heard } = simulation
  const expect = (what: string, wanted: unknown, was: unknown) => {
    if (wanted !== undefined && !alike(wanted, was))
      failures.push(`${what}: expected ${shown(wanted)}, was ${shown(was)}`)
  }
  for (const text of notHeard) {
    const said = heard.find((utterance) => contains(utterance.text, text))
    if (said !== undefined) failures.push(`not_heard: "${text}" was said: "${said.text}"`)
  }
  if (ends === null) return failures
  expect('disposition', ends.disposition, result.disposition)
  expect('outcome', ends.outcome, result.outcome)
  expect('last_step', ends.last_step, result.last_step)
  if (ends.within !== undefined && duration > ends.within + late)
    failures.push(`within: expected an end within ${time(ends.within)}, it came after ${time(duration)}`)
  if (ends.callback_in !== undefined && (callbackIn === null || Math.abs(callbackIn - ends.callback_in) > CLOSE))
    failures.push(
      `callback_in: expected ${time(ends.callback_in)}, was ${callbackIn === null ? 'no callback' : time(callbackIn)}`,
    )
  const { callback_at: wanted } = ends
  const was = result.callback_at
  if (wanted !== undefined && (wanted === null || was === null ? wanted !== was : Math.abs(was - wanted) > CLOSE))
    failures.push(`callback_at: expected ${instant(wanted)}, was ${instant(was)}`)
  for (const [name, value] of Object.entries(ends.vars ?? {})) {
    if (Object.hasOwn(result.vars, name)) expect(`vars.${name}`, value, result.vars[name])
    else failures.push(`vars.${name}: it is sensitive and kept nowhere, so no test can look at it`)
  }
  return failures
}

/** Equal, where a number that stands for a text is that text. */
function alike(wanted: unknown, was: unknown): boolean {
  if (typeof was === 'string' && (typeof wanted === 'number' || typeof wanted === 'boolean'))
    return String(wanted) === was
  if (typeof wanted !== 'object' || wanted === null || typeof was !== 'object' || was === null) return wanted === was
  const [a, b] = [wanted as Record<string, unknown>, was as Record<string, unknown>]
  const keys = Object.keys(a)
  return (
    Array.isArray(a) === Array.isArray(b) &&
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && alike(a[key], b[key]))
  )
}

function shown(value: unknown): string {
  return value === null ? 'none' : typeof value === 'string' ? value : JSON.stringify(value)
}

function instant(at: number | null): string {
  return at === null ? 'no callback' : new Date(at).toISOString()
}

/** `1:02:03` or `2:03.4`: a length of time as people read it. */
export function time(ms: number): string {
  const tenths = Math.round(ms / 100)
  const [hours, minutes] = [Math.floor(tenths / 36_000), Math.floor(tenths / 600) % 60]
  const seconds = `${String(Math.floor(tenths / 10) % 60).padStart(2, '0')}.${tenths % 10}`
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${seconds}` : `${minutes}:${seconds}`
}
