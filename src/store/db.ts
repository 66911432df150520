/**
 * One door to Redis for the whole store: runs scripts and commands, and turns every failure of the server into
 * `unavailable`, so that nobody above has to know how ioredis complains. It also keeps the difference between Redis'
 * clock and ours: verdicts are made on our clock and carried out under Redis' one.
 */
import { createHash } from 'node:crypto'
import type { ChainableCommander, Redis } from 'ioredis'
import { ApelError } from '../errors.ts'
import { inOnePacket } from '../turn.ts'

export interface Script {
  name: string
  lua: string
  sha: string
}

/** A script with its digest; scripts are constants, made once at import. */
export function script(name: string, lua: string): Script {
  return { name, lua, sha: createHash('sha1').update(lua).digest('hex') }
}

export class Db {
  readonly redis: Redis
  private readonly now: () => number
  private skewMs = 0

  constructor(redis: Redis, now: () => number) {
    this.redis = redis
    this.now = now
  }

  /** Redis' clock minus ours, ms. */
  get skew(): number {
    return this.skewMs
  }

  /** Runs a script on this one argument and gives its answer, both as JSON. */
  async run<T>(script: Script, input: unknown): Promise<T> {
    const answer = await this.eval(script, [JSON.stringify(input)])
    return (answer === null ? null : JSON.parse(answer as string)) as T
  }

  /** Runs a script on these arguments as they are and gives its answer as it is: for what is written at every step. */
  async eval(script: Script, args: (string | number)[]): Promise<unknown> {
    return await this.call(async (redis) => {
      try {
        return await redis.evalsha(script.sha, 0, ...args)
      } catch (error) {
        if (!(error as Error).message.startsWith('NOSCRIPT')) throw error
        return await redis.eval(script.lua, 0, ...args)
      }
    })
  }

  /** Runs plain commands. */
  async call<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    try {
      // There is none before the first connection.
      if (this.redis.stream) inOnePacket(this.redis.stream)
      return await work(this.redis)
    } catch (error) {
      throw asFault(error)
    }
  }

  /** Runs commands in one round trip; the answers in their order. */
  async batch<T extends unknown[]>(fill: (pipeline: ChainableCommander) => void): Promise<T> {
    return await this.call(async (redis) => {
      const pipeline = redis.pipeline()
      fill(pipeline)
      const answers = (await pipeline.exec()) ?? []
      return answers.map(([error, value]) => {
        if (error !== null) throw error
        return value
      }) as T
    })
  }

  /**
   * Writes and reads Redis' clock: it is there, it takes writes, and this is how its clock differs from ours.
   * Null when all is well, else the reason in words.
   */
  async probe(): Promise<string | null> {
    try {
      const before = this.now()
      const answers = await this.batch<[[string, string], string]>((pipeline) =>
        pipeline.time().set('apel:probe', String(before), 'PX', 60_000),
      )
      const [seconds, micros] = answers[0]
      this.skewMs = Number(seconds) * 1000 + Number(micros) / 1000 - (before + this.now()) / 2
      return null
    } catch (error) {
      return (error as Error).message
    }
  }
}

/** Answers of a server that is there but cannot serve now. */
const AGAIN =
  /^(OOM|READONLY|LOADING|MISCONF|NOREPLICAS|MASTERDOWN|BUSY|CLUSTERDOWN|TRYAGAIN|UNBLOCKED|NOAUTH|WRONGPASS)/

/** What ioredis says, as `unavailable` where the server is away or cannot serve now. */
export function asFault(error: unknown): unknown {
  if (error instanceof ApelError) return error
  const { name, message } = error as Error
  if (name === 'ReplyError' && !AGAIN.test(message)) return error
  return new ApelError('unavailable', `Redis cannot do this now: ${plainly(message)}`, {}, true)
}

/** ioredis speaks of its own parts where nobody answers. */
function plainly(message: string): string {
  if (message === 'Command timed out') return 'it does not answer in time'
  return /enableOfflineQueue|^Connection is closed/.test(message) ? 'there is no connection to it' : message
}
