/** One conversation on the line, from the first ring to its closed record, and the same one on the simulator beside it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { failuresOf, time } from '../flow/conversation-test.ts'
import type { FlowResult, Verdict } from '../flow/io.ts'
import { Script, type ScriptItem } from '../flow/script.ts'
import { simulate } from '../flow/simulate.ts'
import { result } from '../flow/step.ts'
import { speech } from '../phones/speech.ts'
import { differences } from './compare.ts'
import type { House } from './house.ts'
import type { Line } from './line.ts'
import type { LiveRun, Plan } from './plan.ts'
import { unheard } from './sound.ts'

/** ms from the dial to the beginning of the flow: setting up, ringing, a verdict. */
const BEGINNING = 40_000
/** ms that a call may go on beyond what is expected. */
const BEYOND = 60_000
/** ms from the end of the flow to the closed record. */
const CLOSING = 20_000
const RINGS = 200
/** ms that the simulator takes for a character, where nobody has spoken it. */
const SPOKEN = 60
const TICK = 20
/** By how much the end may be later than a test says, beyond what the sounds were longer, ms. */
const LATE = 4_000

/** ms: a machine is told by its talking on, and is waited for until it has ended. */
const LONGEST_GREETING = 3_000

/** What is said by who answers, for Asterisk to tell a person from a machine. */
const GREETINGS: Record<Verdict, string | null> = {
  human: 'Hello?',
  machine:
    'You have reached the number of the Popescu family we are not at home at the moment and cannot take your call but please leave us a message after the tone',
  unsure: null,
}

// biome-ignore lint/suspicious/noExplicitAny: records are looked at field by field
export type Api = (method: string, path: string, body?: unknown) => Promise<any>

export async function hold(plan: Plan, line: Line, house: House, api: Api, longest: number): Promise<LiveRun> {
  const { test } = plan.job
  const script = test.script.map(({ item }) => item)
  const driver = new Script(line)
  let left: ScriptItem[] = script
  const begun = await begin(plan, line, house, api)
  if (begun) left = await follow(line, driver, script, Date.now() + longest + BEYOND)
  else line.faults.push('the call was not answered')
  await line.phone?.ended
  const record = line.id === '' ? null : await closed(line.id, api)
  const unmet = left.filter((item) => !('amd' in item))
  const told = driver.told(resultOf(line, record), unmet)
  const { lengths, longer } = await soundsOf(line, house.voice)
  const lost = (from: number, to: number) =>
    house.lateness.between(line.true(line.start + from), line.true(line.start + to))
  const failures = [
    ...failuresOf(test, told, LATE + longer + 2 * lost(0, told.duration)),
    ...line.faults,
    ...(await unheard(line, house.voice)),
    ...(await missed(record, api)),
    ...(record === null ? ['its record was not closed'] : []),
  ]
  const promised = simulate(plan.job.program, script, {
    context: { ...plan.context, id: line.id },
    now: test.now,
    length: (parts) => lengths.get(JSON.stringify(parts)),
  })
  const apart = begun ? differences(promised, told, lost) : []
  return {
    ...{ test, failures, simulation: told, skipped: null, differences: apart, call: line.id || null },
    ok: failures.length === 0 && apart.length === 0,
  }
}

/** Has the call made, by us or by them; whether the flow has begun. */
async function begin({ job, context, number, called, amd }: Plan, line: Line, { exchange }: House, api: Api) {
  const greeting = amd === null ? null : GREETINGS[amd]
  const voice = greeting === null ? null : (await speech(greeting)).subarray(0, LONGEST_GREETING * 8)
  const limit = Date.now() + BEGINNING
  if (context.direction === 'inbound') {
    await exchange.call(called, number, async (call) => {
      line.phone = call
      await call.answered()
      await call.ended
    })
    return until(() => line.started, limit)
  }
  exchange.phone(number, async (call) => {
    line.phone = call
    await call.ring(RINGS)
    await call.answer()
    if (voice !== null) await call.say(voice)
    await call.ended
  })
  const refused = await api('POST', '/v1/calls', { to: number, flow: job.program.flow }).then(() => null, String)
  if (refused === null) return until(() => line.started, limit)
  line.faults.push(refused)
  return false
}

/** The other side does one item after another, and is silent until the call is over; what it was never come to. */
async function follow(line: Line, driver: Script, script: ScriptItem[], limit: number): Promise<ScriptItem[]> {
  let left: ScriptItem[] = []
  for (const [index, item] of script.entries()) {
    const goOn = driver.begin(item)
    let done = false
    const settled = () => {
      done = goOn()
      return done || line.over
    }
    if (!(await until(settled, limit)) || !done) {
      left = script.slice(index)
      break
    }
    driver.did(item)
  }
  if (await until(() => line.over, limit)) return left
  line.faults.push(`it was ended after ${time(line.now - line.start)}, which is far longer than was promised`)
  line.hangUp(line.now)
  await until(() => line.over, Date.now() + CLOSING)
  return left
}

async function until(true_: () => boolean, limit: number): Promise<boolean> {
  while (!true_()) {
    if (Date.now() > limit) return false
    await sleep(TICK)
  }
  return true
}

/** The record of a call once it is closed; null when it never is. */
// biome-ignore lint/suspicious/noExplicitAny: records are looked at field by field
async function closed(id: string, api: Api): Promise<any> {
  for (const limit = Date.now() + CLOSING; Date.now() < limit; await sleep(100)) {
    const record = await api('GET', `/v1/calls/${encodeURIComponent(id)}`)
    if (record.state === 'ended') return record
  }
  return null
}

/** What stands in no book although it was promised. */
// biome-ignore lint/suspicious/noExplicitAny: records are looked at field by field
async function missed(record: any, api: Api): Promise<string[]> {
  if (!record?.callback_at) return []
  const { items } = await api('GET', '/v1/callbacks?limit=1000')
  const stands = items.some((one: { number: string; due_at: string }) => one.due_at === record.callback_at)
  return stands ? [] : [`no callback stands in the book for ${record.callback_at}`]
}

/** What the ledger has of the end; what it does not keep is the flow's own. */
// biome-ignore lint/suspicious/noExplicitAny: records are looked at field by field
function resultOf(line: Line, record: any): FlowResult {
  const own = result(line.state)
  if (record === null) return own
  const { disposition, hangup_by, outcome, last_step, vars, callback_at } = record
  const due = callback_at === null ? null : line.own(Date.parse(callback_at))
  return { ...own, disposition, hangup_by, outcome, last_step, vars, callback_at: due }
}

/** How long each text was, ms, and how much longer all of them were than a test takes them to be. */
async function soundsOf(line: Line, voice: House['voice']): Promise<{ lengths: Map<string, number>; longer: number }> {
  const lengths = new Map<string, number>()
  let longer = 0
  for (const { parts, text } of line.heard) {
    const ms = voice.duration(await voice.files(parts))
    if (ms === null) continue
    lengths.set(JSON.stringify(parts), ms)
    longer += Math.max(0, ms - text.length * SPOKEN)
  }
  return { lengths, longer }
}
