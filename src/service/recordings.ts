/**
 * Recordings lie on the node that made them, and no longer than `recordings.keep`. ARI lists names without times, so the
 * time is read from the name: a recording is `CALL.EFFECT`, and the id of a call, ours or Asterisk's, begins with its time.
 * What is not named so belongs to somebody else and is left alone.
 */
import type { Clock } from '../call/ports.ts'
import type { Log } from '../log.ts'
import type { ServiceNode } from './nodes.ts'

const HOUR = 3_600_000

/** When the call of a recording began, ms since the epoch; null for a name that is none of ours. */
export function recordedAt(name: string): number | null {
  const ours = /^([0-9a-z]{8})-[0-9a-z]{10}\.[a-z]+\d+$/.exec(name)
  if (ours) return Number.parseInt(ours[1]!, 36)
  const inbound = /^(?:[\w-]+-)?(\d{10})\.\d+\.[a-z]+\d+$/.exec(name)
  return inbound ? 1000 * Number(inbound[1]) : null
}

type Shelf = Pick<ServiceNode['telephony'], 'recordings' | 'deleteRecording'>

/** Deletes what is older than `keep` ms; gives how many. Rejects when the node does not answer. */
export async function sweepRecordings(telephony: Shelf, keep: number, now: number): Promise<number> {
  const old = (await telephony.recordings()).filter((name) => {
    const at = recordedAt(name)
    return at !== null && at < now - keep
  })
  for (const name of old) await telephony.deleteRecording(name)
  return old.length
}

/** Sweeps every node once an hour, from now on until the function that it gives is called. */
export function sweepHourly(nodes: ServiceNode[], keep: number, clock: Clock, log: Log): () => void {
  const sweep = async ({ name, telephony }: ServiceNode): Promise<void> => {
    if (!telephony.ready()) return
    try {
      const gone = await sweepRecordings(telephony, keep, clock.now())
      if (gone > 0) log.info({ node: name, recordings: gone }, 'old recordings were deleted')
    } catch (error) {
      log.warn({ node: name, err: error }, 'old recordings were not deleted')
    }
  }
  const timer = setInterval(() => nodes.forEach((node) => void sweep(node)), HOUR)
  timer.unref()
  return () => clearInterval(timer)
}
