/**
 * A wish not to be called again is not lost with a ledger that is away for a moment: it is written until it is kept, the
 * flow is told how it went within what a person on the line can be made to wait.
 */
import type { CallPorts } from './ports.ts'
import type { CallRecord } from './record.ts'
import { within } from './within.ts'

/** ms. */
const patience = 2_000
const pauses = [500, 1_000, 2_000, 5_000]
/** ms after which even a stubborn writer gives up; the record of the call says `opted_out` all the same. */
const longest = 30 * 60_000

/** False when the list could not be written in time; it is tried on. Never rejects. */
export function optOut(call: CallRecord, campaign: string | null, ports: CallPorts): Promise<boolean> {
  return within(ports.clock, patience, insist(call, campaign, ports), false)
}

async function insist(call: CallRecord, campaign: string | null, ports: CallPorts): Promise<boolean> {
  const { clock, log, optOuts } = ports
  const until = clock.now() + longest
  for (let turn = 0; ; turn += 1) {
    try {
      await optOuts.add(call, campaign)
      return true
    } catch (error) {
      if (clock.now() > until) {
        log.error({ call: call.id, err: error }, 'a number could not be put on the do-not-call list')
        return false
      }
      if (turn === 0) log.warn({ call: call.id, err: error }, 'an opt-out cannot be written yet; it is tried again')
      const pause = pauses[Math.min(turn, pauses.length - 1)]!
      await new Promise<void>((resolve) => clock.setTimeout(resolve, pause))
    }
  }
}
