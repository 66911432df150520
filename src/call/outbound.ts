/**
 * A call of ours. Its record stands in the ledger as reserved before this begins; the texts are made, then it is dialled
 * once, and from there on the line's events lead. What keeps it from being dialled (no voice, no ledger to write the dial
 * into, somebody who stopped it) closes the record just as well.
 */

import { ApelError } from '../errors.ts'
import type { CallContext } from '../flow/io.ts'
import type { Program } from '../flow/program.ts'
import { dispositionOfRefusal } from './causes.ts'
import { LiveCall } from './live-call.ts'
import type { CallPorts, DialOrder, Telephony } from './ports.ts'
import { prepare } from './prepare.ts'
import type { CallRecord } from './record.ts'

export interface OutboundCall {
  record: CallRecord
  program: Program
  context: CallContext
  order: DialOrder
  telephony: Telephony
}

/** ms after Asterisk's own limit at which the record is closed in any case. */
const grace = 30_000

/** Starts the call and returns at once; `dialed` settles when the node has taken it or never will. Neither rejects. */
export function startOutbound(
  { record, program, context, order, telephony }: OutboundCall,
  ports: CallPorts,
): { call: LiveCall; dialed: Promise<void> } {
  const { amd, ring, absolute } = order
  const longest = absolute + grace
  const call = new LiveCall({
    ...{ record, program, context, telephony, amd, ring, absolute, longest, ports },
    taken: null,
  })
  return { call, dialed: put(call) }

  async function put(call: LiveCall): Promise<void> {
    const { clock, log, publish } = ports
    try {
      await prepare(program, context, ports.voice(telephony.node), log)
    } catch (error) {
      log.error(
        { call: call.id, flow: program.flow, err: error },
        'a call is not dialled: it would have nothing to say',
      )
      return call.refuse('technical')
    }
    if (call.cancelled) return call.refuse('cancelled')
    // Without this in the ledger nobody could tell later whether it was dialled.
    const dialed = { dialed_at: clock.now(), node: telephony.node, state: 'dialing' } as const
    const [opened, updated] = await Promise.all([call.open(), call.update(dialed)])
    const kept = opened && updated
    if (!kept || call.cancelled) {
      record.dialed_at = null
      return call.refuse(call.cancelled ? 'cancelled' : 'technical')
    }
    publish({ type: 'call.started', data: record })
    const turn = async (): Promise<void> => {
      await order.turn?.()
      await ports.doubt?.()
      if (call.abandoned) throw new ApelError('not_ours', `The call ${call.id} is held by another process now.`)
    }
    try {
      await ports.doubt?.()
      if (call.abandoned) return
      call.take(await telephony.dial({ ...order, turn }, call.listen))
    } catch (error) {
      log.warn({ call: call.id, node: telephony.node, err: error }, 'a call could not be dialled')
      call.refuse(dispositionOfRefusal(error))
    }
  }
}
