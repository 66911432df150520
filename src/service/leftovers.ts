/**
 * What an earlier run of this instance left under way. Nobody dials it again: the channel, if it is still there, is ended,
 * and the record says what is known. An answered call is a `hangup` by `unknown`; of any other nobody can tell whether it
 * was answered.
 */
import type { Dialer } from '../dialer/dialer.ts'
import type { Log } from '../log.ts'
import type { ServiceNode } from './nodes.ts'

/** Gives how many were closed. Called before anything new is dialled. */
export async function closeLeftovers(
  dialer: Dialer,
  nodes: ServiceNode[],
  instance: string,
  now: () => number,
  log: Log,
): Promise<number> {
  const left = await dialer.unfinished(instance)
  for (const { record } of left) {
    const node = nodes.find(({ name }) => name === record.node)
    // Asterisk keeps an empty bridge for ever. A leg's has the leg's name.
    if (record.kind === 'leg') await node?.telephony.unbridge(record.id).catch(() => undefined)
    await node?.telephony
      .hangupById(record.id)
      .catch((error: unknown) => log.warn({ call: record.id, err: error }, 'a channel of an earlier run was not ended'))
    const answered = record.answered_at !== null
    await dialer.ledger.finish({
      ...record,
      ended_at: now(),
      disposition: answered ? 'hangup' : 'unknown',
      hangup_by: 'unknown',
    })
  }
  if (left.length > 0) log.warn({ calls: left.length }, 'calls of an earlier run were closed')
  return left.length
}
