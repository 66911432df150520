/**
 * Is this the ledger that we know? A ledger carries an id that is drawn once and kept in each service's data folder as
 * well. A Redis that came back empty, or another one, has none or another id: dialling from it would repeat calls, so
 * the gate stays closed until an operator accepts it.
 */
import { randomUUID } from 'node:crypto'
import { ApelError } from '../errors.ts'
import type { Db } from './db.ts'
import { DATA_VERSION, keys } from './keys.ts'

export interface Generation {
  /** `new`: the first start on an empty Redis; `known`; `foreign`: not the ledger that this service knew. */
  state: 'new' | 'known' | 'foreign'
  id: string
}

/** `known` is the id from the data folder, null at a first start. Throws when the data is of another version. */
export async function openLedger(db: Db, known: string | null): Promise<Generation> {
  const [id, version] = await db.call((redis) => redis.hmget(keys.ledger, 'generation', 'version'))
  if (version && Number(version) !== DATA_VERSION)
    throw new ApelError(
      'data_version',
      `The data in Redis is of version ${version}, this program reads ${DATA_VERSION}: use the release that wrote it, or start with an empty Redis.`,
    )
  if (id && (known === null || known === id)) return { state: 'known', id }
  if (id || known !== null) return { state: 'foreign', id: id ?? '' }
  return { state: 'new', id: await drawId(db) }
}

/** The id of the ledger that is there now; null when there is none. */
export async function ledgerId(db: Db): Promise<string | null> {
  return await db.call((redis) => redis.hget(keys.ledger, 'generation'))
}

/** An operator's word that an empty or other ledger is to be used from now on; gives the id to keep. */
export async function acceptLedger(db: Db): Promise<string> {
  return (await db.call((redis) => redis.hget(keys.ledger, 'generation'))) ?? (await drawId(db))
}

async function drawId(db: Db): Promise<string> {
  await db.batch((pipeline) =>
    pipeline.hsetnx(keys.ledger, 'generation', randomUUID()).hsetnx(keys.ledger, 'version', String(DATA_VERSION)),
  )
  return (await db.call((redis) => redis.hget(keys.ledger, 'generation'))) ?? ''
}
