/**
 * A call to us. The caller hears ringing while the texts of the flow are made, never longer than a ring; then the call is
 * answered and the flow begins. A number without a flow says that it is not in use, and hangs up.
 */
import type { CallContext } from '../flow/io.ts'
import type { Program } from '../flow/program.ts'
import { LiveCall } from './live-call.ts'
import type { CallPorts, Telephony } from './ports.ts'
import { prepare } from './prepare.ts'
import type { CallRecord } from './record.ts'
import type { Taken } from './taken.ts'
import { within } from './within.ts'

export interface IncomingCall {
  record: CallRecord
  program: Program
  context: CallContext
  telephony: Telephony
  /** What another process has left of it before it was answered; null, or left out: it has just come. */
  left?: { linked: Promise<void>; taken: Taken | null } | null
}

/** ms of ringing in which the texts are to be ready; what is not is made while the call goes on. */
const ringing = 4_000
/** ms over the flow's own limit after which the record is closed in any case. */
const grace = 90_000

/** Takes the call and returns at once. */
export function startInbound(incoming: IncomingCall, ports: CallPorts): LiveCall {
  const { record, program, context, telephony, left = null } = incoming
  const longest = program.limits.maxCallTime + grace
  const unknown = { amd: false, ring: null, absolute: null, taken: left?.taken ?? null }
  const call = new LiveCall({ record, program, context, telephony, longest, ports, ...unknown })
  const line = telephony.attach(call.id, call.listen)
  call.take(line)
  void answer()
  return call

  async function answer(): Promise<void> {
    const { clock, log, publish } = ports
    if (left === null) {
      void call.update({ node: telephony.node, ringing_at: clock.now(), state: 'ringing' })
      publish({ type: 'call.started', data: record })
    }
    await left?.linked
    try {
      // A caller who hears nothing at all hangs up; the sound itself is no reason to turn the call away.
      if (left === null)
        await line.ring().catch((error: unknown) => log.debug({ call: call.id, err: error }, 'ringing was refused'))
      await within(clock, ringing, prepare(program, context, ports.voice(telephony.node), log), undefined)
      // A caller is not sent away because the ledger is: what is not written now follows.
      void call.open()
      await line.answer()
      // The line may have told it already, or may never tell it of a call that came answered.
      call.listen({ type: 'answered', at: clock.now() })
    } catch (error) {
      log.error({ call: call.id, err: error }, 'an inbound call could not be answered')
      call.hangup({ by: 'unknown', disposition: 'technical' })
    }
  }
}
