/** One stretch of calls by one arm, and what it cost. */
import type { Arm } from './arm.ts'
import { cpuOf, Meter } from './cpu.ts'
import { startPhones, type Tally } from './phones.ts'
import type { Stage } from './stage.ts'

/** The share of calls that must go as they should, for an arm to have held them. */
export const SUCCESS = 0.995
/** ms that a call takes from its INVITE to its end, prompts and all, generously. */
const LAST_CALL = 8_000
/** The calls were dialled as fast as was asked, within this share. */
const ON_TIME = 1.06

export interface Window {
  arm: string
  /** Calls a second that were asked for. */
  rate: number
  calls: number
  /** Share of the calls that went as they should, 0 to 1. */
  success: number
  /** Whether the calls came at the rate that was asked for. */
  onTime: boolean
  /** ms of CPU a call, by process: `asterisk`, `node`, `redis`. */
  cpu: Record<string, number>
  /** The sum of them. */
  total: number
  /** The share of the machine that others used meanwhile, 0 to 1. */
  others: number
  /** Of calls that failed, what the phones say of the last one. */
  complaint: string
}

export interface WindowOptions {
  /** Looked at while the calls go on, from time to time. */
  watch?(tally: Tally): void
}

/** Makes the calls, waits for their end, and rejects when a channel is left that does not end by itself. */
export async function measure(
  stage: Stage,
  arm: Arm,
  calls: number,
  rate: number,
  { watch }: WindowOptions = {},
): Promise<Window> {
  const phones = await startPhones(stage.folder, stage.sip, stage.media)
  const processes = { asterisk: stage.asterisk.pid, ...arm.processes }
  const read = () => Object.values(processes).map(cpuOf)
  const meter = new Meter([stage.asterisk.pid, ...Object.values(arm.processes)])
  const before = read()
  const watching = watch && setInterval(() => watch(phones.tally()), 100)
  let known = false
  const run = arm.run(calls, rate).then(
    () => {
      known = true
    },
    () => undefined,
  )
  const tally = await phones.over(calls, (1000 * calls) / rate + LAST_CALL)
  clearInterval(watching)
  if (tally.good < calls) await arm.abandon()
  await run
  const after = read()
  const others = meter.others()
  const each = Object.keys(processes).map((name, i) => [name, ((after[i] ?? 0) - (before[i] ?? 0)) / calls] as const)
  await stage.empty().catch(async (error: unknown) => {
    // An arm that is out of its depth loses calls; that is told by its success, and must not be the next one's.
    if (tally.good / calls >= SUCCESS || !(await hungUp(stage))) throw error
  })
  // To the end, so that whatever Asterisk still has to say to a call is heard by its phone.
  await phones.stop()
  return {
    ...{ arm: arm.name, rate, calls, others },
    // A call that an arm out of its depth still made in the next stretch counts there for no more than its own.
    success: Math.min(tally.good / calls, known ? 1 : 0.99),
    onTime: tally.span <= ((calls - 1) * 1000 * ON_TIME) / rate + 400,
    cpu: Object.fromEntries(each),
    total: each.reduce((sum, [, ms]) => sum + ms, 0),
    complaint: tally.good < calls ? `${tally.arrived} arrived, ${tally.failed} failed. ${phones.complaint()}` : '',
  }
}

async function hungUp(stage: Stage): Promise<boolean> {
  await stage.asterisk.cli('channel request hangup all')
  return await stage.empty(10_000).then(
    () => true,
    () => false,
  )
}
