/**
 * The BullMQ queue between the feeder and the workers: a small window of items that any instance may take. A job is a few
 * items that were handed out together: adding, fetching and finishing one costs as much as all the rest that Redis does
 * for a call. It is
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
  items: Ordered[]
}

export interface Ordered {
  item: Item
  /** Those handed out earlier have less. */
  order: number
}

export interface DialQueue {
  /** In their order, shared out so that other instances find some, too. */
  add(campaign: string, items: Ordered[]): Promise<void>
  /** How many items wait for a worker. */
  depth(): Promise<number>
  /** It may have become open, or closed. */
  look(): void
  /** No job is taken any more; resolves when those in hand have ended. */
  close(): Promise<void>
}

const NAME = 'dial'
/** Into so many jobs what was handed out at once is parted. */
const SHARES = 4
/** Jobs mostly wait for their turn, so a worker may have many in hand. */
const IN_HAND = 500
/** ms. */
const CLOSING = 5000
const LOOK = 500

/**
 * `adding` fails fast (purpose `ledger`), `taking` waits for jobs (purpose `queue`). `work` must not reject. While `open` says
 * no, no job is taken: an instance that may not dial would take them from those that may, and only put them back.
 */
export function openQueue(
  adding: Redis,
  taking: Redis,
  log: Log,
  open: () => boolean,
  work: (job: DialJob) => Promise<void>,
): DialQueue {
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
  const look = (): void => {
    if (open() !== worker.isPaused()) return
    void (open() ? worker.resume() : worker.pause(true)).catch(complain)
  }
  const looking = setInterval(look, LOOK)
  look()
  return {
    look,
    add: async (campaign, items) => {
      const size = Math.ceil(items.length / SHARES)
      const shares = Array.from({ length: Math.ceil(items.length / size) }, (_, n) =>
        items.slice(n * size, (n + 1) * size),
      )
      await queue.addBulk(shares.map((some) => ({ name: NAME, data: { campaign, items: some } })))
    },
    depth: async () => (await queue.getWaiting()).reduce((sum, { data }) => sum + data.items.length, 0),
    close: async () => {
      clearInterval(looking)
      // Without Redis BullMQ would wait for it; what it still had in hand is in line again anyway.
      const patience = new Promise<void>((resolve) => setTimeout(resolve, CLOSING).unref())
      await Promise.race([worker.close(), patience])
      await Promise.race([queue.close(), patience])
    },
  }
}
