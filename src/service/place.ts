/** The way from a reserved attempt to the line, in the pace of its trunk. */
import type { Calls } from '../call/calls.ts'
import type { Clock } from '../call/ports.ts'
import { Departures } from '../dialer/departures.ts'
import type { DialSettings, Placement } from '../dialer/plan.ts'
import { ApelError } from '../errors.ts'
import type { ServiceNode } from './nodes.ts'
import type { Shelf } from './shelf.ts'

/** ms beyond ring and conversation after which Asterisk itself ends a call that nobody looks after (P3, P5). */
const ABSOLUTE_GRACE = 60_000

/** Settles when the node has taken the call or never will. */
export function makePlace(
  calls: Calls,
  flow: Shelf['get'],
  nodes: Map<string, ServiceNode>,
  { trunks }: DialSettings,
  clock: Clock,
) {
  const departures = new Departures(clock)
  const rates = new Map(trunks.map(({ name, cps }) => [name, cps]))
  const departed = async (trunk: string | null): Promise<void> => {
    const cps = rates.get(trunk ?? '')
    if (trunk !== null && cps !== undefined) await departures.turn(trunk, cps)
  }
  return async ({ record, node, order, context }: Placement): Promise<void> => {
    const program = flow(record.flow ?? '')
    const telephony = nodes.get(node)?.telephony
    if (!program || !telephony)
      throw new ApelError('unknown_flow', `The flow ${record.flow} or the node ${node} went away before the dial.`)
    const absolute = order.ring + program.limits.maxCallTime + ABSOLUTE_GRACE
    await calls.outbound({
      record: { ...record, flow_version: program.version },
      program,
      context,
      order: { ...order, absolute, turn: () => departed(record.trunk) },
      telephony,
    }).dialed
  }
}
