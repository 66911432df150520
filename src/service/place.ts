/** The way from a reserved attempt to the line, in the pace of its trunk. */
import type { Calls } from '../call/calls.ts'
import type { Clock } from '../call/ports.ts'
import type { CallRecord } from '../call/record.ts'
import { Departures } from '../dialer/departures.ts'
import type { DialSettings, Placement } from '../dialer/plan.ts'
import { rateOf } from '../dialer/rate.ts'
import { ApelError } from '../errors.ts'
import type { Attempts } from '../store/attempts.ts'
import type { ServiceNode } from './nodes.ts'
import type { Shelf } from './shelf.ts'

/** ms beyond ring and conversation after which Asterisk itself ends a call that nobody looks after (P3, P5). */
const ABSOLUTE_GRACE = 60_000

/**
 * ms from the reservation to the INVITE. Beyond it the call would leave in a second that others have filled meanwhile, at
 * another instance too.
 */
const LATE = 150

/** Settles when the node has taken the call or never will. */
export function makePlace(
  calls: Calls,
  flow: Shelf['get'],
  nodes: Map<string, ServiceNode>,
  { trunks }: DialSettings,
  depart: Attempts['depart'],
  clock: Clock,
) {
  const departures = new Departures(clock)
  const rates = new Map(trunks.map(({ name, cps }) => [name, cps]))
  const departed = async ({ trunk, queued_at }: CallRecord): Promise<void> => {
    const cps = rates.get(trunk ?? '')
    if (trunk === null || cps === undefined) return
    await departures.turn(trunk, cps)
    if (clock.now() - (queued_at ?? 0) <= LATE) return
    for (let wait = await depart(trunk, rateOf(cps)); wait > 0; wait = await depart(trunk, rateOf(cps)))
      await new Promise<void>((resolve) => clock.setTimeout(resolve, wait))
  }
  return async ({ record, node, order, context }: Placement): Promise<void> => {
    const program = flow(record.flow ?? '')
    const telephony = nodes.get(node)?.telephony
    if (!program || !telephony)
      throw new ApelError('unknown_flow', `The flow ${record.flow} or the node ${node} went away before the dial.`)
    const absolute = order.ring + program.limits.maxCallTime + ABSOLUTE_GRACE
    // The very record that was reserved: what is remembered of it goes with it (`dialer/memory.ts`).
    record.flow_version = program.version
    await calls.outbound({
      record,
      program,
      context,
      order: { ...order, absolute, turn: () => departed(record) },
      telephony,
    }).dialed
  }
}
