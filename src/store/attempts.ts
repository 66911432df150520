/** Attempts: the record of each, who is on the line now, what has ended, and a number's history. */
import type { CallRecord, CallState, StepTrace } from '../call/record.ts'
import { ApelError } from '../errors.ts'
import type { Left } from '../flow/io.ts'
import { type Attempt, attemptOf, changed, fieldsOf } from './attempt-record.ts'
import { beforeEntry } from './cursor.ts'
import type { Db } from './db.ts'
import { marksOf, type Owner } from './instance.ts'
import { keys } from './keys.ts'
import { claimScript } from './scripts/claim.ts'
import { finishScript, keepTaskScript, unreserveScript, updateScript } from './scripts/finish.ts'
import { departScript } from './scripts/rates.ts'
import { inboundScript, reserveScript } from './scripts/reserve.ts'

export type { Attempt } from './attempt-record.ts'

/** The rates of a trunk or campaign: at most `n` in any `window` ms, neighbours at least `gap` ms apart. */
export interface Rate {
  n: number
  window: number
  gap: number
}

export interface ReserveInput {
  id: string
  now: number
  /** On Redis' clock: performed later than this, nothing happens. */
  deadline: number
  kind: CallRecord['kind']
  campaign: string | null
  row: number | null
  callback: string | null
  /** What the verdict of plan and calendar was made of; null: there is none. Anything else by now is another question. */
  basis: { revision: string | null; packed: string | null; due_at: number | null }
  number: string
  trunks: { name: string; node: string; channels: number; rate: Rate; caller_id: string | null }[]
  concurrency: number | null
  rate: Rate | null
  caps: { day: number | null; week: number | null; day_start: number; day_end: number } | null
  budget: { max: number; per_day: number | null; day: string; day_end: number } | null
  fields: Record<string, string>
  marks: Record<string, string>
  /** What an explanation takes for Redis' time: the moment that it speaks of. */
  clock: number
  assumed: Assumed | null
  /** The attempt that it follows over another trunk. */
  failover: string | null
  explain: boolean
  /** See `Owner`. */
  holder: string | null
}

/** Attempts that an explanation takes as made: their times newest first, and what the contact's state would be. */
export interface Assumed {
  times: number[]
  used: number
  day: string
  today: number
}

/** A rule, its verdict, when it lifts (ms, 0 unknown), and which of its reasons. */
export type RawVerdict = [string, 'pass' | 'hold' | 'refuse' | 'busy', number, string?]

export type ReserveAnswer =
  /** `room`: ms until the next one may find room, -1: when a channel is given back. */
  | {
      verdict: 'reserved'
      trunk: string
      attempt: number
      kind: CallRecord['kind']
      room: number
      /** The line of the contact's state. */
      contact?: string
    }
  | { verdict: 'hold' | 'refuse'; rule: string; until: number }
  /** `wait` in ms; -1: until a channel is given back. */
  | { verdict: 'busy'; rule: string; wait: number }
  /** Somebody else has it, or it is done. */
  | { verdict: 'gone' }
  /** The campaign's rules, the contact or the agreement were changed since the plan was made. */
  | { verdict: 'stale' }

/** Not to be dialled after all: taken back, to be made later, or over with this disposition. */
export type HeldBack = 'held' | 'cancelled' | 'dnc'

/** What the next state of a contact and of its agreement was made of: their texts in the ledger. */
export interface Basis {
  contact: string | null
  packed: string | null
  callback: { due_at: number; expires_at: number; moved: '0' | '1'; retries: string } | null
}

export interface FinishInput {
  record: CallRecord
  now: number
  /** False: it was never dialled, so it does not count against the number's caps. */
  counts: boolean
  /** What Redis has of the record already: it is not sent again. */
  known: CallRecord | null
  /** Set for an attempt that was never dialled: it is written down and ended in one. */
  create: { instance: string; row: number | null; callback: string | null } | null
  /** Who ends it; another's call is not ended. Null: whoever. */
  owner: string | null
  next: { state: 'w' | 'p' | 'x'; due: number; rule: string; tries: string } | null
  callback: {
    state: 'open' | 'done' | 'missed' | 'expired' | 'cancelled'
    next_at: number
    due_at: number
    expires_at: number
    moved: '0' | '1'
    retries: string
  } | null
  left: Left
  /** What it says of its trunk, see `dialer/breaker.ts`; null: nothing. */
  sign: string | null
  /** It is to be made again over another trunk. */
  failover: boolean
  /** Null: it was read a moment ago. */
  basis: Basis | null
}

/** An external task that was finished, as `Left.tasks` has it. */
export interface Task {
  status: 'done' | 'failed'
  result: unknown
}

/** As fields of the attempt, each after a `_`. */
function leftOf({ tasks, strategy, agent }: Left): Record<string, string> {
  return {
    ...Object.fromEntries(Object.entries(tasks).map(([name, task]) => [`task:${name}`, JSON.stringify(task)])),
    ...(strategy ? { strategy } : {}),
    ...(agent ? { agent } : {}),
  }
}

const TASK = '_task:'

export class Attempts {
  private readonly db: Db
  constructor(db: Db) {
    this.db = db
  }

  async reserve(input: ReserveInput): Promise<ReserveAnswer> {
    return await this.db.run<ReserveAnswer>(reserveScript, input)
  }

  /** The verdict of every rule; nothing is written. */
  async explain(input: ReserveInput): Promise<RawVerdict[]> {
    return (await this.db.run<{ verdicts: RawVerdict[] }>(reserveScript, { ...input, explain: true })).verdicts
  }

  /** A place in this second's calls of a trunk for one whose own second is over: 0, it has one; else ms until there may be one. */
  async depart(trunk: string, rate: Rate): Promise<number> {
    return await this.db.run<number>(departScript, { trunk, rate })
  }

  /** Takes back a reservation of the owner's that nobody dialled because its answer was lost. */
  async unreserve(id: string, owner: string): Promise<boolean> {
    return await this.db.run<boolean>(unreserveScript, { id, owner })
  }

  /** Writes an inbound call down; `home` and `row` are the contact that it is from. False when it was there already. */
  async inbound(record: CallRecord, owner: Owner, home: string | null, row: number | null): Promise<boolean> {
    const { id, campaign, number } = record
    const from = { ...(home === null ? {} : { home }), ...(row === null ? {} : { row: String(row) }) }
    const marks = { ...marksOf(owner), number, ...from }
    return await this.db.run<boolean>(inboundScript, { id, campaign, number, fields: fieldsOf(record), marks })
  }

  /** Fields that became known; see `HeldBack`; false when the attempt is not there, has ended, or is not the owner's (any more). */
  async update(
    id: string,
    fields: Partial<CallRecord>,
    state: CallState | null,
    owner: string | null = null,
  ): Promise<boolean | HeldBack> {
    return await this.db.run<boolean | HeldBack>(updateScript, { id, owner, fields: fieldsOf(fields), state })
  }

  /**
   * Makes `owner` hold the calls of an instance whose lease is gone, or those that an earlier process of its own name has
   * left, in one step: of two that want them one gets them. `nodes`: only calls on these; null: all.
   */
  async claim(instance: string, owner: Owner, nodes: string[] | null): Promise<Attempt[]> {
    const input = { from: instance, to: owner.instance, owner: owner.app, holder: owner.holder, nodes }
    return await this.getMany((await this.db.run<string[]>(claimScript, input)).sort())
  }

  /** Ends it, exactly once; false when it had ended before, `stale` (and nothing is done) when its basis is not so any more. */
  async finish({
    record,
    known,
    now,
    counts,
    create,
    next,
    callback,
    left,
    ...rest
  }: FinishInput): Promise<boolean | 'stale'> {
    const marks: Record<string, string> = { number: record.number }
    if (create !== null) {
      marks.instance = create.instance
      if (record.campaign !== null) marks.campaign = record.campaign
      if (create.row !== null) marks.row = String(create.row)
      if (create.callback !== null) marks.callback = create.callback
    }
    return await this.db.run<boolean | 'stale'>(finishScript, {
      id: record.id,
      now,
      create: create !== null,
      fields: changed(known, record),
      marks,
      disposition: record.disposition,
      outcome: record.outcome,
      counts,
      next: next ?? { state: 'x', due: 0, rule: '', tries: '' },
      callback,
      opted_out: record.disposition === 'opted_out',
      ...rest,
      left: leftOf(left),
    })
  }

  async get(id: string): Promise<Attempt | null> {
    return attemptOf(await this.db.call((redis) => redis.hgetall(keys.attempt(id))))
  }

  /** Those that are there, in the order of the ids. */
  async getMany(ids: string[]): Promise<Attempt[]> {
    if (ids.length === 0) return []
    const hashes = await this.db.batch<Record<string, string>[]>((pipeline) => {
      for (const id of ids) pipeline.hgetall(keys.attempt(id))
    })
    return hashes.map(attemptOf).filter((attempt) => attempt !== null)
  }

  /** The second channels of a call: `ID.1`, `ID.2`, …; nearly always there is none. */
  async legs(id: string): Promise<Attempt[]> {
    const legs: Attempt[] = []
    for (;;) {
      const leg = await this.get(`${id}.${legs.length + 1}`)
      if (leg === null) return legs
      legs.push(leg)
    }
  }

  async steps(id: string): Promise<StepTrace[]> {
    return (await this.db.call((redis) => redis.lrange(keys.steps(id), 0, -1))).map((text) => JSON.parse(text))
  }

  /** External tasks whose end was told for this call, by name. */
  async tasks(id: string): Promise<Record<string, Task>> {
    const hash = await this.db.call((redis) => redis.hgetall(keys.attempt(id)))
    const told = Object.entries(hash).filter(([field]) => field.startsWith(TASK))
    return Object.fromEntries(told.map(([field, text]) => [field.slice(TASK.length), JSON.parse(text) as Task]))
  }

  /**
   * An external task that was finished for a call which is on elsewhere, or after its call: the next call finds it under
   * `previous.tasks`. False when the call is over and no callback of it is open.
   */
  async keepTask(id: string, name: string, task: Task): Promise<boolean> {
    return await this.db.run<boolean>(keepTaskScript, { id, name, text: JSON.stringify(task) })
  }

  /** Ids of the calls that are on: all of them, those of an instance, of a campaign, of a trunk. */
  async live(of: { instance?: string; campaign?: string; trunk?: string } = {}): Promise<string[]> {
    const key =
      of.instance !== undefined
        ? keys.instanceLive(of.instance)
        : of.campaign !== undefined
          ? keys.campaignLive(of.campaign)
          : of.trunk !== undefined
            ? keys.trunk(of.trunk, 'live')
            : keys.live
    return (await this.db.call((redis) => redis.smembers(key))).sort()
  }

  /** A number's attempts in all campaigns and directions, newest first. */
  async ofNumber(number: string, limit: number): Promise<Attempt[]> {
    return await this.getMany(await this.db.call((redis) => redis.lrange(keys.number(number), 0, limit - 1)))
  }

  /** Ended attempts, newest first, from before `cursor` (as `next` gave it); of one campaign or of all. */
  async ended(
    campaign: string | null,
    cursor: string | null,
    limit: number,
  ): Promise<{ attempts: Attempt[]; next: string | null }> {
    const stream = campaign === null ? keys.ended : keys.results(campaign)
    const from = beforeEntry(cursor)
    const entries = await this.db.call((redis) => redis.xrevrange(stream, from, '-', 'COUNT', limit))
    const next = entries.length < limit ? null : (entries.at(-1)?.[0] ?? null)
    return { attempts: await this.getMany(entries.map(([, fields]) => fields[1] ?? '')), next }
  }

  /**
   * Ended attempts of a campaign in the order of their end, after the one named. When that one was erased meanwhile, all
   * that have ended since it was begun: some come twice, none is missed.
   */
  async *results(campaign: string, after: string | null): AsyncGenerator<CallRecord> {
    let position = after === null ? '-' : await this.positionOf(campaign, after)
    for (;;) {
      const entries = await this.db.call((redis) => redis.xrange(keys.results(campaign), position, '+', 'COUNT', 200))
      for (const { record } of await this.getMany(entries.map(([, fields]) => fields[1] ?? ''))) yield record
      const last = entries.at(-1)
      if (last === undefined || entries.length < 200) return
      position = `(${last[0]}`
    }
  }

  private async positionOf(campaign: string, id: string): Promise<string> {
    const [state, result, owner] = await this.db.call((redis) =>
      redis.hmget(keys.attempt(id), '_state', '_result', '_campaign'),
    )
    if (result && owner === campaign) return `(${result}`
    const begun = state ? null : begunAt(id)
    if (begun === null)
      throw new ApelError('not_found', `No attempt ${id} has ended in ${campaign}; \`after\` is the id of a record.`)
    return `${Math.max(0, begun - CLOCKS)}-0`
  }
}

/** ms that the clocks of an instance and of Redis may differ. */
const CLOCKS = 60_000

/** The time in one of our ids, ms; null for others. */
function begunAt(id: string): number | null {
  return /^[0-9a-z]{8}-[0-9a-z]+$/.test(id) ? Number.parseInt(id.slice(0, 8), 36) : null
}
