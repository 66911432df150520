/**
 * Letters to other web servers, as they are kept until they have been carried; see `scripts/outbox.ts` for how. Whoever
 * carries holds the receiver's lease, takes the first letters of the lines that are due, and says what became of each.
 */
import type { CallRecord } from '../call/record.ts'
import { blankRecord } from './attempt-record.ts'
import { type Callback, callbackOf } from './callbacks.ts'
import { positionOf } from './cursor.ts'
import type { Db } from './db.ts'
import { keys } from './keys.ts'
import { releaseScript, replayScript, settleScript, takeScript } from './scripts/outbox.ts'

/** What a letter tells, as it is kept. */
export type News =
  | { event: 'call.started' | 'call.ended'; data: CallRecord }
  | { event: 'callback.scheduled'; data: Callback }
  | { event: 'campaign.state'; data: { name: string; state: string } }
  | { event: 'trunk.state'; data: { trunk: string; state: 'paused' | 'probing' | 'up'; until: number; kind: string } }

/** As Redis has it; the names are the script's. Times in ms, 0: not yet. */
export interface Letter {
  id: string
  event: News['event']
  at: number
  /** When it came into its line. */
  since: number
  /** Whose call it tells of; empty: nobody's. */
  number: string
  fields?: Record<string, string>
  tries: number
  /** When it was tried first. */
  first: number
}

export interface DeadLetter extends Letter {
  hook: string
  line: string
  /** Where it was to go, without what may be secret in it. */
  url: string
  reason: string
  died_at: number
}

/** A letter in the hand. `news` null: what it tells of was erased. */
export interface Taken {
  line: string
  letter: Letter
  news: News | null
  /** Its text in the line, by which it is known when it is settled. */
  text: string
}

/** Dead letters that are kept, the newest. */
export const MOST_DEAD = 100_000
/** ms; a carrier that is alive renews it with every look. */
const LEASE = 15_000

export class Outbox {
  private readonly db: Db
  constructor(db: Db) {
    this.db = db
  }

  /** From now on letters are written for these receivers. */
  async register(hooks: { id: string; events: readonly string[] }[], now: number): Promise<void> {
    if (hooks.length === 0) return
    await this.db.batch((pipeline) => {
      for (const { id, events } of hooks)
        pipeline.hset(keys.hooks, id, ` ${events.join(' ')} `).zadd(keys.hooksSeen, now, id)
    })
  }

  /** Receivers that nobody has registered since then; they and their letters are forgotten. How many letters went with them. */
  async forget(before: number): Promise<number> {
    let lost = 0
    for (const hook of await this.db.call((redis) => redis.zrangebyscore(keys.hooksSeen, '-inf', `(${before}`))) {
      await this.db.batch((pipeline) => pipeline.hdel(keys.hooks, hook).zrem(keys.hooksSeen, hook))
      for await (const line of this.lines(hook)) {
        lost += await this.db.call((redis) => redis.llen(keys.hookLine(hook, line)))
        await this.db.call((redis) => redis.del(keys.hookLine(hook, line)))
      }
      await this.db.call((redis) => redis.del(keys.hook(hook, 'due')))
    }
    return lost
  }

  /**
   * At most `room` letters that are due, each out of a line of its own and ours for `patience` ms; `next`: when the next line
   * is due, null when there is none. Null, while another instance carries for this receiver.
   */
  async take(
    hook: string,
    holder: string,
    { now, room, patience }: { now: number; room: number; patience: number },
  ): Promise<{ letters: Taken[]; next: number | null } | null> {
    const answer = await this.db.run<{
      ours: boolean
      letters: [string, string, string[]?][] | Record<string, never>
      next?: number
    }>(takeScript, { hook, holder, now, room, patience, lease: LEASE })
    if (!answer.ours) return null
    const letters = Array.isArray(answer.letters) ? answer.letters : []
    return {
      letters: letters.map(([line, text, record]) => {
        const letter = JSON.parse(text) as Letter
        return { line, text, letter, news: newsOf(letter, record) }
      }),
      next: answer.next ?? null,
    }
  }

  /** It has arrived, or nobody needs it any more: the next one of its line is due. False when somebody else settled it. */
  async done(hook: string, { line, text }: Taken, now: number): Promise<boolean> {
    return await this.db.run<boolean>(settleScript, { hook, line, was: text, to: 'done', at: now })
  }

  /** To be tried again at that time. */
  async again(hook: string, { line, text }: Taken, letter: Letter, at: number): Promise<boolean> {
    return await this.db.run<boolean>(settleScript, {
      ...{ hook, line, was: text, to: 'again', at },
      letter: JSON.stringify(letter),
    })
  }

  /** Given up: it is kept among the dead ones, and the next one of its line is due. */
  async bury(hook: string, { line, text }: Taken, letter: DeadLetter, now: number): Promise<boolean> {
    return await this.db.run<boolean>(settleScript, {
      ...{ hook, line, was: text, to: 'dead', at: now, most: MOST_DEAD },
      letter: JSON.stringify(letter),
    })
  }

  /** Gives the receiver to whoever asks next. */
  async release(hook: string, holder: string): Promise<void> {
    await this.db.run(releaseScript, { hook, holder })
  }

  /** How many lines of a receiver have letters. */
  async waiting(hook: string): Promise<number> {
    return await this.db.call((redis) => redis.zcard(keys.hook(hook, 'due')))
  }

  async deadCount(): Promise<number> {
    return await this.db.call((redis) => redis.zcard(keys.deadLettersAt))
  }

  /** Newest first, from before `cursor` (as `next` gave it). `news` null: what it told of was erased. */
  async dead(
    cursor: string | null,
    limit: number,
  ): Promise<{ letters: { letter: DeadLetter; news: News | null }[]; next: string | null }> {
    const start = positionOf(cursor)
    const ids = await this.db.call((redis) => redis.zrevrange(keys.deadLettersAt, start, start + limit - 1))
    if (ids.length === 0) return { letters: [], next: null }
    const texts = await this.db.call((redis) => redis.hmget(keys.deadLetters, ...ids))
    const letters = texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as DeadLetter]))
    const records = await this.db.batch<Record<string, string>[]>((pipeline) => {
      for (const { line } of letters) pipeline.hgetall(keys.attempt(line))
    })
    return {
      letters: letters.map((letter, i) => ({ letter, news: newsOf(letter, Object.entries(records[i] ?? {}).flat()) })),
      next: ids.length < limit ? null : String(start + ids.length),
    }
  }

  /** Puts a dead letter in line again, as the last of its line and with all its tries. */
  async replay(id: string, now: number): Promise<'ok' | 'not_found' | 'no_receiver'> {
    return await this.db.run(replayScript, { id, now })
  }

  /** Takes every letter that tells of this number out, waiting ones and dead ones. How many there were. */
  async erase(number: string): Promise<number> {
    let erased = 0
    for (const hook of await this.db.call((redis) => redis.hkeys(keys.hooks)))
      for await (const line of this.lines(hook)) {
        const list = keys.hookLine(hook, line)
        for (const text of await this.db.call((redis) => redis.lrange(list, 0, -1)))
          if ((JSON.parse(text) as Letter).number === number)
            erased += await this.db.call((redis) => redis.lrem(list, 1, text))
      }
    let at = '0'
    do {
      const [next, flat] = await this.db.call((redis) => redis.hscan(keys.deadLetters, at, 'COUNT', 500))
      for (let i = 0; i < flat.length; i += 2) {
        const id = flat[i] ?? ''
        if ((JSON.parse(flat[i + 1] ?? '{}') as Letter).number !== number) continue
        await this.db.batch((pipeline) => pipeline.hdel(keys.deadLetters, id).zrem(keys.deadLettersAt, id))
        erased += 1
      }
      at = next
    } while (at !== '0')
    return erased
  }

  private async *lines(hook: string): AsyncGenerator<string> {
    let at = '0'
    do {
      const [next, flat] = await this.db.call((redis) => redis.zscan(keys.hook(hook, 'due'), at, 'COUNT', 500))
      for (let i = 0; i < flat.length; i += 2) yield flat[i] ?? ''
      at = next
    } while (at !== '0')
  }
}

function newsOf({ event, fields = {} }: Letter, record: string[] = []): News | null {
  switch (event) {
    case 'call.started':
      return { event, data: recordOf(Object.entries(fields)) }
    case 'call.ended': {
      const pairs = record.flatMap((name, i) => (i % 2 === 0 ? [[name, record[i + 1] ?? ''] as [string, string]] : []))
      const known = pairs.filter(([name]) => !name.startsWith('_'))
      return known.length === 0 ? null : { event, data: recordOf(known) }
    }
    case 'callback.scheduled': {
      const data = callbackOf({ ...fields, state: 'open' })
      return data && { event, data }
    }
    case 'campaign.state':
    case 'trunk.state':
      return { event, data: fields } as unknown as News
    default: {
      const never: never = event
      return never
    }
  }
}

const recordOf = (fields: [string, string][]): CallRecord =>
  blankRecord(Object.fromEntries(fields.map(([name, text]) => [name, JSON.parse(text)])))
