/** Who is next: what `scripts/lanes.ts` does, for callers. */
import { type Attempt, attemptOf } from './attempt-record.ts'
import type { Task } from './attempts.ts'
import { type Callback, callbackOf } from './callbacks.ts'
import { type Contact, type Progress, progressOf, type RawProgress } from './contacts.ts'
import type { Db } from './db.ts'
import { keys } from './keys.ts'
import type { Row } from './rows.ts'
import { endingScript } from './scripts/finish.ts'
import { backScript, claimScript, holdScript, nextScript, parkScript, previousScript } from './scripts/lanes.ts'

/** `r12`: the contact in row 12; `cID`: a callback. */
export type Item = `r${number}` | `c${string}`

export type Picked = { item: Item; row: number; contact: Row } | { item: Item; callback: string }

export interface Pick {
  /** The campaign is running and nothing is stopped. */
  running: boolean
  picked: Picked[]
  /** Callbacks that ran out before they could be handed out: to be ended by their campaign's rule. */
  stale: string[]
  /** When something that waits for its time is due, ms; null when nothing does. */
  next_due: number | null
}

/** What the worker finds when it takes an item into its hand. */
export interface Claim {
  row: number | null
  contact: (Row & { progress: Progress }) | null
  /** The contact's content as it is kept. */
  packed: string | null
  callback: Callback | null
  previous: Previous | null
  failover: Failover | null
}

/** The attempt that is to be made again over another trunk, and the trunks that have refused it. */
export interface Failover {
  of: string
  tried: string[]
}

/** What the end of an attempt depends on. */
export interface Ending {
  attempt: Attempt
  contact: Contact | null
  callback: Callback | null
}

/** The last conversation with a contact, or with a number where there is no contact. */
export interface Previous {
  call: string
  outcome: string | null
  step: string | null
  at: number
  /** The strategy that won last, in that conversation or an earlier one. */
  strategy: string | null
  /** The extension or queue that they were connected to. */
  agent: string | null
  vars: Record<string, unknown>
  /** External tasks that were finished in it or after it, by name. */
  tasks: Record<string, Task>
}

export interface Lane {
  id: string
  priority: number
  /** The zones of a lane of parked contacts; null: the order of the file. */
  zones: string[] | null
}

type Unpack = (campaign: string, packed: string) => Promise<Row>

export class LineUp {
  private readonly db: Db
  private readonly unpack: Unpack
  constructor(db: Db, unpack: Unpack) {
    this.db = db
    this.unpack = unpack
  }

  async lanes(campaign: string): Promise<Lane[]> {
    const found = await this.db.call((redis) => redis.hgetall(keys.lanes(campaign)))
    return Object.entries(found).map(([id, about]) => ({
      id,
      priority: Number.parseInt(id, 10),
      zones: about === '' ? null : (JSON.parse(about) as string[]),
    }))
  }

  /** Takes who is next under a lease: due callbacks, those whose time has come, then the lanes in the order given. None while all `trunks` are paused. */
  async next(
    campaign: string,
    now: number,
    ahead: number,
    lease: number,
    lanes: string[],
    trunks: string[],
  ): Promise<Pick> {
    const answer = await this.db.run<{
      state: string
      paused: boolean
      items: Record<string, never> | (['c', string] | ['r', number, string, string, number])[]
      stale?: string[]
      next_due?: number
    }>(nextScript, { campaign, now, ahead, lease, lanes, trunks })
    const picked: Picked[] = []
    for (const item of Array.isArray(answer.items) ? answer.items : []) {
      if (item[0] === 'c') picked.push({ item: `c${item[1]}`, callback: item[1] })
      else picked.push({ item: `r${item[1]}`, row: item[1], contact: await this.unpack(campaign, item[2]) })
    }
    const { state, paused, stale = [], next_due = null } = answer
    return { running: state === 'running' && !paused, picked, stale, next_due }
  }

  /** Given back: they are first in line again. */
  async back(campaign: string, items: Item[], now: number): Promise<void> {
    if (items.length > 0) await this.db.run(backScript, { campaign, items, now })
  }

  /** They wait until it is open in these zones. */
  async park(campaign: string, lane: Lane, rule: string, rows: number[]): Promise<void> {
    await this.db.run(parkScript, { campaign, lane: lane.id, about: JSON.stringify(lane.zones), rule, rows })
  }

  /** Held by a rule until `until` (ms). */
  async hold(campaign: string, item: Item, rule: string, until: number): Promise<void> {
    await this.db.run(holdScript, { campaign, item, rule, until })
  }

  /** Takes items into the hand, under a new lease; null in the place of one that somebody else has by now. */
  async claim(campaign: string, items: { item: Item }[], now: number, lease: number): Promise<(Claim | null)[]> {
    const found = await this.db.run<(RawClaim | null)[]>(claimScript, {
      ...{ campaign, now, lease },
      items: items.map(({ item }) => item),
    })
    return await Promise.all(found.map((one) => one && this.claimOf(campaign, one)))
  }

  private async claimOf(campaign: string, found: RawClaim): Promise<Claim> {
    const contact =
      found.packed && found.contact
        ? { ...(await this.unpack(campaign, found.packed)), progress: progressOf(found.contact) }
        : null
    return {
      row: found.row ?? null,
      contact,
      packed: contact === null ? null : (found.packed ?? null),
      callback: found.callback ? callbackOf(found.callback) : null,
      previous: found.previous ? previousOf(found.previous) : null,
      failover: found.failover ? { of: found.failover.of, tried: found.failover.tried.split(',') } : null,
    }
  }

  /** Whether this attempt is still to be made again over another trunk. */
  async failover(id: string): Promise<Failover | null> {
    if (id === '') return null
    const [pending, trunk, tried] = await this.db.call((redis) =>
      redis.hmget(keys.attempt(id), '_failover', 'trunk', '_tried'),
    )
    if (!pending || !trunk) return null
    return { of: id, tried: [...(tried ? tried.split(',') : []), JSON.parse(trunk) as string] }
  }

  /** Null when there is no such attempt. */
  async ending(id: string): Promise<Ending | null> {
    const found = await this.db.run<{
      attempt: Record<string, string>
      row?: number
      packed?: string
      contact?: RawProgress
      callback?: Record<string, string>
    } | null>(endingScript, { id })
    const attempt = found && attemptOf(found.attempt)
    if (found === null || attempt === null) return null
    const { row, packed, contact } = found
    const known = attempt.record.campaign !== null && row !== undefined && packed && contact
    return {
      attempt,
      contact: known
        ? { ...(await this.unpack(attempt.record.campaign ?? '', packed)), row, packed, progress: progressOf(contact) }
        : null,
      callback: found.callback ? callbackOf(found.callback) : null,
    }
  }

  /** The last conversation with this contact, or with the number where `row` is null. */
  async previous(number: string, campaign: string | null, row: number | null): Promise<Previous | null> {
    const found = await this.db.run<RawPrevious | null>(previousScript, { number, campaign, row })
    return found === null ? null : previousOf(found)
  }
}

interface RawClaim {
  row?: number
  contact?: RawProgress
  packed?: string
  callback?: Record<string, string>
  previous?: RawPrevious
  failover?: { of: string; tried: string }
}

interface RawPrevious {
  call: string
  outcome?: string
  last_step?: string
  ended_at?: string
  vars?: string
  strategy?: string
  _agent?: string
  tasks: Record<string, string>
}

function previousOf({ call, outcome, last_step, ended_at, vars, strategy, _agent, tasks }: RawPrevious): Previous {
  return {
    call,
    outcome: outcome ? (JSON.parse(outcome) as string) : null,
    step: last_step ? (JSON.parse(last_step) as string) : null,
    at: Number(ended_at ?? 0),
    strategy: strategy ?? null,
    agent: _agent ?? null,
    vars: vars ? ((JSON.parse(vars) as Record<string, unknown> | null) ?? {}) : {},
    tasks: Object.fromEntries(Object.entries(tasks).map(([name, text]) => [name, JSON.parse(text) as Task])),
  }
}
