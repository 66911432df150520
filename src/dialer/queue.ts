/**
 * The BullMQ queue between the feeder and the workers: a small window of items that any instance may take. A job is
 * tried once and never again, not even when its worker dies: the item's lease and the ledger see to that, and running a
 * job twice at once is what BullMQ would otherwise do after a pause of Redis.
 */
import { Queue, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Log } from '../log.ts'
import { keys } from '../store/keys.ts'
import type { Item } from '../store/line-up.ts'

export interface DialJob {
  campaign: string
  item: Item
  /** Those handed out earlier have less. */
  order: number
}

export interface DialQueue {
  add(jobs: DialJob[]): Promise<void>
  /** How many wait for a worker. */
  depth(): Promise<number>
  /** No job is taken any more; resolves when those in hand have ended. */
  close(): Promise<void>
}

const NAME = 'dial'
/** Jobs mostly wait for their turn, so a worker may have many in hand. */
const IN_HAND = 500
/** ms. */
const CLOSING = 5000

/** `adding` fails fast (purpose `ledger`), `taking` waits for jobs (purpose `queue`). `work` must not reject. */
export function openQueue(adding: Redis, taking: Redis, log: Log, work: (job: DialJob) => Promise<void>): DialQueue {
  const queue = new Queue<DialJob>(NAME, {
    connection: adding,
    prefix: keys.queuePrefix,
    streams: { events: { maxLen: 100 } },
    defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
  })
  const worker = new Worker<DialJob>(NAME, async (job) => await work(job.data), {
    connection: taking,
    prefix: keys.queuePrefix,
    concurrency: IN_HAND,
    maxStalledCount: 0,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
  })
  const complain = (error: Error): void =>
    log.warn({ error: error.message }, 'the queue of calls has trouble with Redis')
  queue.on('error', complain)
  worker.on('error', complain)
  return {
    add: async (jobs) => {
      await queue.addBulk(jobs.map((data) => ({ name: NAME, data })))
    },
    depth: async () => await queue.getWaitingCount(),
    close: async () => {
      // Without Redis BullMQ would wait for it; what it still had in hand is in line again anyway.
      const patience = new Promise<void>((resolve) => setTimeout(resolve, CLOSING).unref())
      await Promise.race([worker.close(), patience])
      await Promise.race([queue.close(), patience])
    },
  }
}
