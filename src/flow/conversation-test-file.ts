/**
 * A file of conversation tests, read with the place of everything in it. Its own shape is checked first (`readTests`);
 * what it says of its flow (situations, steps, tasks, variables that are not there) is checked when the flow is known
 * (`checkTests`). A call is an outbound first call on a Monday at ten in Bucharest unless a test says otherwise.
 */

import { DateTime } from 'luxon'
import { z } from 'zod'
import type { Problem, ProblemCode } from '../errors.ts'
import { isZone, parseWindows, zonesOf } from './calendar.ts'
import { family } from './called.ts'
import type { ConversationTest, Ends, ScriptLine } from './conversation-test.ts'
import { readItem } from './conversation-test-item.ts'
import { parseDuration } from './duration.ts'
import type { CallContext, Windows } from './io.ts'
import { guess } from './near.ts'
import type { Program } from './program.ts'
import { count, duration, fields, oneOf, word } from './schema.ts'
import { problemsOf } from './shape-faults.ts'
import { TEST_NOW, testCall } from './simulate.ts'
import { type Located, type Path, placeOf, readSource } from './source.ts'

export interface TestFile {
  file: string
  /** The flow that they are tests of; null when the file cannot be read. */
  flow: string | null
  tests: ConversationTest[]
  problems: Problem[]
  root: Located | null
}

const ZONE = 'Europe/Bucharest'
/** The policy's windows where a configuration names none. */
const POLICY = parseWindows({ 'mon-sat': '08:00-21:00' }) as Windows
const TIME = 'expected a time as "2026-01-05 10:00" or 2026-01-05T10:00:00+02:00'
const time = z.string({ error: TIME }).regex(/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/, { error: TIME })
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()], { error: 'expected a text' })
const map = (what: string) => z.record(z.string(), z.unknown(), { error: `expected a map: ${what}` })

const ends = fields({
  disposition: oneOf(
    ...([
      'completed',
      'hangup',
      'silent',
      'nomatch',
      'callback',
      'opted_out',
      'abandoned',
      'machine',
      'technical',
    ] as const),
    'cancelled',
  ).optional(),
  outcome: word.nullable().optional(),
  last_step: word.nullable().optional(),
  within: duration.optional(),
  callback_in: duration.optional(),
  callback_at: time.nullable().optional(),
  vars: map('variable to value').optional(),
  not_heard: z.union([word, z.array(word)], { error: 'expected a list of texts' }).optional(),
})

const test = fields({
  name: z.string({ error: 'expected a text that says what happens' }).min(1, { error: 'a test needs a name' }),
  contact: z.record(z.string(), scalar, { error: 'expected a map: column to text' }).optional(),
  call: fields({
    direction: oneOf('outbound', 'inbound').optional(),
    kind: oneOf('first', 'retry', 'callback', 'manual', 'inbound').optional(),
    attempt: count(1, 1000).optional(),
    number: z
      .string({ error: 'expected a number as +40712345678, or "" for one that is withheld' })
      .regex(/^(\+\d{5,15})?$/, { error: 'expected a number as +40712345678, or "" for one that is withheld' })
      .optional(),
    at: word.optional(),
  }).optional(),
  now: time.optional(),
  previous: map('what is known of the last conversation').optional(),
  campaign: map('what the flow reads as campaign').optional(),
  vars: map('variable to value').optional(),
  script: z.array(z.unknown(), { error: 'expected a list of what happens' }).optional(),
  ends: ends.optional(),
  not_heard: z.union([word, z.array(word)], { error: 'expected a list of texts' }).optional(),
})

const testFile = fields({
  flow: word,
  description: word.optional(),
  tests: z.array(z.unknown(), { error: 'expected a list of tests' }).min(1, { error: 'a file has at least one test' }),
})

/** Reads a file of tests. Never throws. */
export function readTests(file: string, text: string): TestFile {
  const { root, problems } = readSource(file, text)
  if (root === null) return { file, flow: null, tests: [], problems, root }
  const checked = testFile.safeParse(root.value)
  if (!checked.success) {
    problems.push(...problemsOf(checked.error, file, root, []))
    return { file, flow: null, tests: [], problems, root }
  }
  const names = new Set<string>()
  const tests = checked.data.tests.flatMap((raw, index) => {
    const made = readTest(file, root, ['tests', index], raw, problems)
    if (made === null) return []
    if (names.has(made.name))
      problems.push(problem(file, root, ['tests', index, 'name'], 'name', `there are two tests "${made.name}"`))
    names.add(made.name)
    return [made]
  })
  return { file, flow: checked.data.flow, tests, problems, root }
}

function problem(file: string, root: Located, path: Path, code: ProblemCode, message: string, atKey = false): Problem {
  return { file, ...placeOf(root, path, atKey), severity: 'error', code, message }
}

/** The items of a file that holds one script alone: a list of items, or a map with `script`. */
export function readScript(file: string, text: string): { script: ScriptLine[]; problems: Problem[] } {
  const { root, problems } = readSource(file, text)
  if (root === null) return { script: [], problems }
  const path = Array.isArray(root.value) ? [] : ['script']
  const list = Array.isArray(root.value) ? root.value : asMap(root.value)?.script
  if (Array.isArray(list)) return { script: readItems(file, root, path, list, problems), problems }
  const message = 'expected a list of what happens, as the script of a conversation test'
  return { script: [], problems: [...problems, problem(file, root, path, 'wrong-type', message)] }
}

function readItems(file: string, root: Located, path: Path, list: unknown[], problems: Problem[]): ScriptLine[] {
  return list.flatMap((raw, index) => {
    const at = [...path, index]
    const item = readItem(file, root, at, raw)
    if (!Array.isArray(item)) return [{ item, place: placeOf(root, at) }]
    problems.push(...item)
    return []
  })
}

function readTest(file: string, root: Located, path: Path, raw: unknown, problems: Problem[]): ConversationTest | null {
  const before = problems.length
  const script = asMap(raw)?.script
  const items = readItems(file, root, [...path, 'script'], Array.isArray(script) ? script : [], problems)
  const checked = test.safeParse(raw)
  if (!checked.success) {
    problems.push(...problemsOf(checked.error, file, root, path))
    return null
  }
  const { data } = checked
  const report = (code: ProblemCode, message: string, ...at: Path) =>
    problems.push(problem(file, root, [...path, ...at], code, message))
  const context = contextOf(data, report)
  const zone = context.zones[0]!
  const at = (written: string, ...where: Path): number => {
    const read = DateTime.fromISO(written.replace(' ', 'T'), { zone })
    if (!read.isValid) report('wrong-type', `there is no time ${written}`, ...where)
    return read.toMillis()
  }
  const now = data.now === undefined ? TEST_NOW : at(data.now, 'now')
  const wanted = data.ends === undefined ? null : endsOf(data.ends, (written) => at(written, 'ends', 'callback_at'))
  const silence = [data.not_heard ?? [], data.ends?.not_heard ?? []].flat()
  if (problems.length > before) return null
  const place = placeOf(root, path)
  return { name: data.name, place, context, now, script: items, ends: wanted, notHeard: silence }
}

function endsOf(raw: z.infer<typeof ends>, at: (written: string) => number): Ends {
  const { within, callback_in, callback_at, not_heard: _apart, ...rest } = raw
  return {
    ...rest,
    ...(within === undefined ? {} : { within: parseDuration(within)! }),
    ...(callback_in === undefined ? {} : { callback_in: parseDuration(callback_in)! }),
    ...(callback_at === undefined ? {} : { callback_at: callback_at === null ? null : at(callback_at) }),
  }
}

/** How a made-up call comes about. */
export type Circumstances = Pick<z.infer<typeof test>, 'call' | 'contact' | 'campaign' | 'previous' | 'vars'>

type Report = (code: ProblemCode, message: string, ...at: Path) => void

/** What a campaign's file would say of the hours is taken from `campaign` here, the rest is what the flow reads. */
export function contextOf(data: Circumstances, report: Report): CallContext {
  const { call = {}, contact = {}, campaign = {}, previous = {}, vars = {} } = data
  const texts = Object.fromEntries(Object.entries(contact).map(([k, v]) => [k, v === null ? '' : String(v)]))
  const zone = (name: unknown, ...where: Path): string | null => {
    if (name === undefined || name === '') return null
    if (typeof name === 'string' && isZone(name)) return name
    report('wrong-type', `there is no time zone "${name}"`, ...where)
    return null
  }
  const own = zone(texts.timezone, 'contact', 'timezone')
  const home = zone(campaign.timezone, 'campaign', 'timezone') ?? ZONE
  const window = campaign.window === undefined ? [] : [parseWindows(campaign.window)]
  for (const read of window) if (typeof read === 'string') report('wrong-type', read, 'campaign', 'window')
  const { number, at, ...rest } = call
  return testCall({
    ...rest,
    ...(number === undefined ? {} : { number }),
    start_at: at ?? null,
    contact: texts,
    campaign: { name: 'test', ...campaign },
    previous,
    vars,
    zones: own === null ? zonesAt(number, home) : [own],
    windows: [POLICY, ...window.filter((read) => typeof read !== 'string')],
    holidays: Array.isArray(campaign.holidays) ? campaign.holidays.map(String) : [],
  })
}

/** The zones of a number that a test names; of several, the campaign's stands first. */
function zonesAt(number: string | undefined, home: string): string[] {
  const found = number === undefined ? [] : zonesOf(number)
  if (found.length === 0) return [home]
  return found.includes(home) ? [home, ...found.filter((zone) => zone !== home)] : found
}

/** What the tests say of their flow that is not so. */
export function checkTests({ file, tests, root }: TestFile, program: Program): Problem[] {
  if (root === null) return []
  const problems: Problem[] = []
  const flows = family(program)
  const all = flows.flatMap((flow) => [...flow.steps.values()])
  const situations = flows.flatMap((flow) => [...flow.situations.keys()])
  const steps = all.flatMap(({ name }) => name ?? [])
  const own = [...program.steps.values()].flatMap(({ name }) => name ?? [])
  const tasks = all.flatMap((step) => {
    const { task } = step.node as { task?: { name: string; request: unknown } | null }
    return step.verb.name === 'hold' && task && task.request === null ? [task.name] : []
  })
  for (const [index, raw] of rawTests(root).entries()) {
    const known = (what: string, name: unknown, names: string[], ...at: Path) => {
      if (typeof name !== 'string' || names.includes(name)) return
      const path = ['tests', index, ...at]
      const message = `the flow "${program.flow}" has no ${what} "${name}"${guess(name, names)}`
      problems.push(problem(file, root, path, 'unknown-target', message, at[0] === 'vars' || at[1] === 'vars'))
    }
    for (const [i, item] of (Array.isArray(raw.script) ? raw.script : []).entries()) {
      known('situation', asMap(item)?.situation, situations, 'script', i, 'situation')
      known('external task', asMap(asMap(item)?.task)?.name, tasks, 'script', i, 'task', 'name')
    }
    const variables = [...Object.keys(program.types), 'language']
    for (const name of Object.keys(asMap(raw.vars) ?? {})) known('variable', name, variables, 'vars', name)
    const end = asMap(raw.ends) ?? {}
    for (const name of Object.keys(asMap(end.vars) ?? {})) known('variable', name, variables, 'ends', 'vars', name)
    known('step', end.last_step, steps, 'ends', 'last_step')
    known('step', asMap(raw.call)?.at, own, 'call', 'at')
  }
  // A file that has other faults is read only as far as it could be; its tests are not run either way.
  return tests.length === 0 ? [] : problems
}

function rawTests(root: Located): Record<string, unknown>[] {
  const tests = asMap(root.value)?.tests
  return Array.isArray(tests) ? tests.map((one) => asMap(one) ?? {}) : []
}

function asMap(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}
