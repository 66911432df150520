/** Agreements to call again, as they are kept. Times are ms since the epoch. */
import { positionOf } from './cursor.ts'
import type { Db } from './db.ts'
import { keys } from './keys.ts'
import { closeCallbackScript, moveCallbackScript, scheduleScript } from './scripts/callbacks.ts'

/** `open` until it is dialled; `replaced` by a newer one of the number. */
export type CallbackState = 'open' | 'dialing' | 'done' | 'missed' | 'expired' | 'cancelled' | 'replaced'

export interface Callback {
  id: string
  number: string
  campaign: string
  contact: string | null
  row: number | null
  due_at: number
  expires_at: number
  state: CallbackState
  note: string | null
  /** Flow and step where the call starts; null: the campaign's flow (the first call's, without one), its start. */
  flow: string | null
  at: string | null
  agent: 'any' | 'same' | null
  /** The call in which it was agreed on. */
  call: string | null
  tries: number
  /** It was put off to the next day once already. */
  moved: boolean
  created_at: number
  /** Retries of this agreement so far, by disposition. */
  retries: string
  /** Its last attempt. */
  last: string
}

export type NewCallback = Omit<Callback, 'state' | 'tries' | 'moved' | 'retries' | 'last'>

export function callbackOf(hash: Record<string, string>): Callback | null {
  if (hash.id === undefined || hash.state === undefined) return null
  const text = (name: string) => hash[name] || null
  return {
    id: hash.id,
    number: hash.number ?? '',
    campaign: hash.campaign ?? '',
    contact: text('contact'),
    row: hash.row ? Number(hash.row) : null,
    due_at: Number(hash.due_at),
    expires_at: Number(hash.expires_at),
    state: hash.state as CallbackState,
    note: text('note'),
    flow: text('flow'),
    at: text('at'),
    agent: text('agent') as Callback['agent'],
    call: text('call'),
    tries: Number(hash.tries ?? 0),
    moved: hash.moved === '1',
    created_at: Number(hash.created_at ?? 0),
    retries: hash.retries ?? '',
    last: hash.last ?? '',
  }
}

export class Callbacks {
  private readonly db: Db
  constructor(db: Db) {
    this.db = db
  }

  /** Keeps it; an open one of the same number is replaced. False when the contact is gone. */
  async schedule(callback: NewCallback, now: number): Promise<boolean> {
    const known = Object.entries(callback).filter(([, value]) => value !== null)
    return await this.db.run<boolean>(scheduleScript, {
      id: callback.id,
      number: callback.number,
      campaign: callback.campaign,
      row: callback.row,
      due_at: callback.due_at,
      now,
      fields: Object.fromEntries(known.map(([name, value]) => [name, String(value)])),
    })
  }

  async get(id: string): Promise<Callback | null> {
    return callbackOf(await this.db.call((redis) => redis.hgetall(keys.callback(id))))
  }

  /** The number's open one (or the one that is being dialled). */
  async ofNumber(number: string): Promise<Callback | null> {
    const id = await this.db.call((redis) => redis.get(keys.openCallback(number)))
    return id === null ? null : await this.get(id)
  }

  /** All that were ever made for the number and are still kept, newest first. */
  async allOf(number: string): Promise<Callback[]> {
    return await this.many(await this.db.call((redis) => redis.lrange(keys.callbacksOf(number), 0, -1)))
  }

  /** 'ok', 'not_found', or the state that does not allow it. `moved`: it was missed once and is put off. */
  async move(
    id: string,
    due_at: number,
    expires_at: number,
    moved = false,
  ): Promise<'ok' | 'not_found' | CallbackState> {
    return await this.db.run(moveCallbackScript, { id, due_at, expires_at, moved: moved ? '1' : '0' })
  }

  /** Closes an open one. Its contact: `done`, `pending`, or as it was before (pending if never called). */
  async close(
    id: string,
    to: CallbackState,
    contact: 'done' | 'pending' | 'was',
    now: number,
  ): Promise<'ok' | 'not_found' | CallbackState> {
    const letter = contact === 'done' ? 'x' : contact === 'pending' ? 'p' : 'was'
    return await this.db.run(closeCallbackScript, { id, to, now, contact: letter })
  }

  /** Newest first, from before `cursor` (as `next` gave it). */
  async list(cursor: string | null, limit: number): Promise<{ callbacks: Callback[]; next: string | null }> {
    const start = positionOf(cursor)
    const ids = await this.db.call((redis) => redis.zrevrange(keys.callbacks, start, start + limit - 1))
    return { callbacks: await this.many(ids), next: ids.length < limit ? null : String(start + ids.length) }
  }

  /** Those that are there, in the order of the ids. */
  async many(ids: string[]): Promise<Callback[]> {
    if (ids.length === 0) return []
    const hashes = await this.db.batch<Record<string, string>[]>((pipeline) => {
      for (const id of ids) pipeline.hgetall(keys.callback(id))
    })
    return hashes.map(callbackOf).filter((callback) => callback !== null)
  }

  /** How many of the campaign are due. */
  async due(campaign: string, now: number): Promise<number> {
    return await this.db.call((redis) => redis.zcount(keys.dueCallbacks(campaign), '-inf', now))
  }
}
