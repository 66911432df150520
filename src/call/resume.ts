/**
 * A call that another process has left behind, and goes on here: nobody hears of it but by a question that is asked once
 * more. It rings on and is held when it is answered, was answered meanwhile and begins, or is led on from where its journal
 * ends. It is never dialled again.
 */
import type { Program } from '../flow/program.ts'
import { LiveCall } from './live-call.ts'
import type { CallPorts, Telephony } from './ports.ts'
import type { CallRecord } from './record.ts'
import type { Taken } from './taken.ts'

export interface LeftCall {
  record: CallRecord
  program: Program
  /** It knows the channel already as one that was left behind. */
  telephony: Telephony
  taken: Taken
}

/** ms that it may still take beyond the node's own limit, or beyond the flow's where there is none. */
const grace = 30_000
const unlimited = 90_000

/** Takes the call and returns at once. */
export function resumeCall({ record, program, telephony, taken }: LeftCall, ports: CallPorts): LiveCall {
  const { context, begin } = taken
  const { amd = false, ring = null, absolute = null } = begin.line ?? {}
  const whole = absolute === null ? program.limits.maxCallTime + unlimited : absolute + grace
  const longest = Math.max(grace, (record.dialed_at ?? begin.at) + whole - ports.clock.now())
  const call = new LiveCall({ record, program, context, telephony, amd, ring, absolute, longest, taken, ports })
  call.takeOver(telephony.attach(record.id, call.listen), taken)
  return call
}
