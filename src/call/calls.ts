/**
 * The calls of one instance, as `service.ts` puts them together:
 *
 *     const calls = makeCalls({ ledger, book, web, clock, log, voice: (node) => …, publish })
 *     await calls.prepare(program, context, node)            // before the reserve script, so that the dial follows it at once
 *     const { dialed, over } = calls.outbound({ record, program, context, order, telephony })
 *     telephony.onInbound((call) => calls.inbound({ record, program, context, telephony }))   // its record stands already
 *     calls.registry.hangup(id); calls.registry.get(id)?.finishTask(name, 'done', result)
 *
 * The ledger holds a call's record before any of these is called; every one of them ends in exactly one `ledger.finish`.
 */
import type { CallContext } from '../flow/io.ts'
import type { Program } from '../flow/program.ts'
import { type IncomingCall, startInbound } from './inbound.ts'
import { sayNotInUse } from './not-in-use.ts'
import { type OutboundCall, startOutbound } from './outbound.ts'
import type { CallPorts, Telephony } from './ports.ts'
import { prepare } from './prepare.ts'
import type { CallRecord } from './record.ts'
import { Registry } from './registry.ts'
import { type LeftCall, resumeCall } from './resume.ts'

export interface Calls {
  /** Makes the texts of a call. Rejects with `speech_failed` when nothing of the flow can be spoken. */
  prepare(program: Program, context: CallContext, node: string): Promise<void>
  /**
   * Dials and holds the conversation. `dialed` settles when the node has taken the call or never will, `over` with the
   * record when the ledger has it. Neither rejects.
   */
  outbound(call: OutboundCall): { dialed: Promise<void>; over: Promise<CallRecord> }
  /** Answers and holds the conversation. Never rejects. */
  inbound(call: IncomingCall): Promise<CallRecord>
  /** Goes on with a call that another process has left behind. Never rejects. */
  resume(call: LeftCall): Promise<CallRecord>
  /** Tells the caller that the number is not in use; the record becomes `blocked`. Never rejects. */
  notInUse(call: { record: CallRecord; language: string; telephony: Telephony }): Promise<CallRecord>
  registry: Registry
}

export function makeCalls(ports: CallPorts): Calls {
  const registry = new Registry()
  return {
    registry,
    prepare: (program, context, node) => prepare(program, context, ports.voice(node), ports.log),
    outbound(order) {
      const { call, dialed } = startOutbound(order, ports)
      registry.add(call)
      return { dialed, over: call.over }
    },
    inbound(incoming) {
      const call = startInbound(incoming, ports)
      registry.add(call)
      return call.over
    },
    resume(left) {
      const call = resumeCall(left, ports)
      registry.add(call)
      return call.over
    },
    notInUse: (call) => sayNotInUse(call, ports),
  }
}
