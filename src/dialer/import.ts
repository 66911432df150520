/**
 * Contacts into a campaign, streamed: memory stays flat, a faulty row costs that row, and the same file again changes
 * nothing. Rows go to the ledger in batches; each batch is one script, so a row is in whole or not at all.
 */
import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApelError } from '../errors.ts'
import { isZone } from '../flow/calendar.ts'
import { keys } from '../store/keys.ts'
import { packRow, schemaFor } from '../store/rows.ts'
import type { Store } from '../store/store.ts'
import type { Campaign } from './campaign.ts'
import { priorityOf } from './contact-desk.ts'
import { type ReadRow, type Reject, readCsv, readNdjson } from './csv.ts'
import { normalise } from './numbers.ts'
import type { DialPolicy } from './plan.ts'

export interface ImportSource {
  stream: Readable
  format: 'csv' | 'ndjson'
  dry_run: boolean
  /** As the sender named it; without it, it is found out. */
  charset?: string | null
}

export interface ImportReport {
  accepted: number
  updated: number
  duplicate: number
  rejected: number
  /** The first 1,000. */
  rejects: Reject[]
  /** Names the whole list for `rejects()`; null when nothing was rejected. */
  import: string | null
}

interface Checked {
  key: string
  number: string
  columns: string[]
  data: Record<string, string>
}

/** A row as it goes to the ledger. It is packed as soon as it is read: what waits for Redis should be small. */
interface Ready {
  packed: string
  /** Its priority. */
  lane: string
}

/** What the ledger answers for a row. */
const LETTERS: Record<string, 'accepted' | 'updated' | 'duplicate'> = { a: 'accepted', u: 'updated', d: 'duplicate' }
const BATCH = 500
const SHOWN = 1000
/** Of one import, in all; a file with more faults than this is the wrong file. */
const KEPT_REJECTS = 100_000
const REJECTS_KEPT_FOR = 86_400_000

/** Waits between the tries of a part, ms. */
const PATIENCE = [200, 500, 1000, 2000, 4000]

/** A Redis that is busy for a moment does not cost an import that is under way: what it did not answer is asked again. */
async function patiently(underWay: boolean, work: () => Promise<void>): Promise<void> {
  for (const wait of underWay ? PATIENCE : []) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof ApelError && error.again)) throw error
      await sleep(wait)
    }
  }
  await work()
}

export class Importer {
  private readonly store: Store
  private readonly policy: DialPolicy

  constructor(store: Store, policy: DialPolicy) {
    this.store = store
    this.policy = policy
  }

  async import(campaign: Campaign, { stream, format, dry_run, charset }: ImportSource): Promise<ImportReport> {
    const report: ImportReport = { accepted: 0, updated: 0, duplicate: 0, rejected: 0, rejects: [], import: null }
    const id = randomUUID()
    let parts = 0
    let ready: Ready[] = []
    let rejects: Reject[] = []
    let writing: Promise<void> = Promise.resolve()
    // While Redis takes one batch the next one is read: neither waits for the other, and no more than two are in memory.
    const flush = async (): Promise<void> => {
      await writing
      const [rows, faulty] = [ready, rejects]
      const part = { import: id, part: parts++, dry: dry_run }
      writing = patiently(part.part > 0, async () => {
        const letters = await this.store.contacts.import(campaign.name, rows, part)
        if (faulty.length > 0) await this.keep(campaign.name, id, faulty, report)
        for (const letter of letters) report[LETTERS[letter] ?? 'duplicate']++
      })
      // Its failure is told by the next `await`.
      writing.catch(() => undefined)
      ready = []
      rejects = []
    }
    const pack = this.packer(campaign, dry_run)
    const origin = { country: this.policy.default_country, charset: charset ?? null }
    try {
      for await (const read of format === 'csv' ? readCsv(stream, origin) : readNdjson(stream, origin)) {
        const checked = this.check(campaign, read, format)
        if ('reason' in checked) {
          report.rejected++
          if (report.rejects.length < SHOWN) report.rejects.push(checked)
          rejects.push(checked)
        } else {
          ready.push(await pack(checked))
        }
        if (ready.length + rejects.length >= BATCH) await flush()
      }
      await flush()
      await writing
      return report
    } finally {
      await writing.catch(() => undefined)
      // Nobody waits for it: it goes by itself in time, and a Redis that stands still has been waited for already.
      this.store.contacts.forget(id).catch(() => undefined)
    }
  }

  /** All rejects of an import, for a day. */
  async *rejects(campaign: string, id: string): AsyncGenerator<Reject> {
    const key = keys.rejects(campaign, id)
    if ((await this.store.db.call((redis) => redis.exists(key))) === 0)
      throw new ApelError('not_found', 'The rejects of this import are not kept (any more).')
    for (let at = 0; ; at += SHOWN) {
      const texts = await this.store.db.call((redis) => redis.lrange(key, at, at + SHOWN - 1))
      for (const text of texts) yield JSON.parse(text) as Reject
      if (texts.length < SHOWN) return
    }
  }

  private check(campaign: Campaign, read: ReadRow, format: ImportSource['format']): Checked | Reject {
    if ('reason' in read) return read
    const { row, columns, data } = read
    const { key: keyColumn, number: numberColumn, timezone, priority } = campaign.contacts
    const raw = data[numberColumn]
    if (raw === undefined && format === 'csv') {
      const message = `The file has no column \`${numberColumn}\`, which the campaign names for the number; it has ${columns.join(', ')}.`
      throw new ApelError('bad_request', message, { columns })
    }
    const reject = (column: string, reason: string): Reject => ({ row, column, reason })
    if (!raw) return reject(numberColumn, 'the number is missing')
    const number = normalise(raw, this.policy)
    if (number === null) return reject(numberColumn, 'not a telephone number that can be called')
    const key = keyColumn === null || keyColumn === numberColumn ? number : (data[keyColumn] ?? '')
    if (key === '') return reject(keyColumn ?? numberColumn, 'the key is missing')
    const zone = timezone === null ? '' : (data[timezone] ?? '')
    if (zone !== '' && !isZone(zone)) return reject(timezone ?? '', 'not a time zone such as Europe/Bucharest')
    const level = priority === null ? '' : (data[priority] ?? '')
    if (level !== '' && !/^[+-]?\d{1,7}$/.test(level)) return reject(priority ?? '', 'not a whole number')
    // Another spelling of the number is not another content.
    data[numberColumn] = number
    return { key, number, columns, data }
  }

  /** All rows of a CSV have the same columns in one array: their schema is looked up once. */
  private packer(campaign: Campaign, dry: boolean): (row: Checked) => Promise<Ready> {
    let columns: string[] | null = null
    let shape: string[] = []
    let schema = 0
    return async (row) => {
      if (row.columns !== columns) {
        columns = row.columns
        shape = schemaFor(columns, campaign.contacts, row)
        schema = await this.store.contacts.schema(campaign.name, shape, dry)
      }
      return { packed: packRow(schema, shape, row), lane: String(priorityOf(campaign, row.data)) }
    }
  }

  private async keep(campaign: string, id: string, rejects: Reject[], report: ImportReport): Promise<void> {
    report.import = id
    if (report.rejected > KEPT_REJECTS + BATCH) return
    const key = keys.rejects(campaign, id)
    await this.store.db.batch((pipeline) =>
      pipeline.rpush(key, ...rejects.map((one) => JSON.stringify(one))).pexpire(key, REJECTS_KEPT_FOR),
    )
  }
}
