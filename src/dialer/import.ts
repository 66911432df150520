/**
 * Contacts into a campaign, streamed: memory stays flat, a faulty row costs that row, and the same file again changes
 * nothing. Rows go to the ledger in batches; each batch is one script, so a row is in whole or not at all.
 */
import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { ApelError } from '../errors.ts'
import { isZone } from '../flow/calendar.ts'
import { keys } from '../store/keys.ts'
import { packRow } from '../store/rows.ts'
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
  /** Names the whole list for `rejects()`; null when nothing was rejected, or nothing kept (dry run). */
  import: string | null
}

interface Ready {
  key: string
  number: string
  columns: string[]
  data: Record<string, string>
}

const BATCH = 500
const SHOWN = 1000
/** Of one import, in all; a file with more faults than this is the wrong file. */
const KEPT_REJECTS = 100_000
const REJECTS_KEPT_FOR = 86_400_000

export class Importer {
  private readonly store: Store
  private readonly policy: DialPolicy

  constructor(store: Store, policy: DialPolicy) {
    this.store = store
    this.policy = policy
  }

  async import(campaign: Campaign, { stream, format, dry_run, charset }: ImportSource): Promise<ImportReport> {
    const report: ImportReport = { accepted: 0, updated: 0, duplicate: 0, rejected: 0, rejects: [], import: null }
    const seen = dry_run ? new Set<string>() : null
    const id = randomUUID()
    let ready: Ready[] = []
    let rejects: Reject[] = []
    let writing: Promise<void> = Promise.resolve()
    // While Redis takes one batch the next one is read: neither waits for the other, and no more than two are in memory.
    const flush = async (): Promise<void> => {
      await writing
      const [rows, faulty] = [ready, rejects]
      writing = (async () => {
        await this.write(campaign, rows, seen, report)
        if (faulty.length > 0 && !dry_run) await this.keep(campaign.name, id, faulty, report)
      })()
      // Its failure is told by the next `await`.
      writing.catch(() => undefined)
      ready = []
      rejects = []
    }
    const origin = { country: this.policy.default_country, charset: charset ?? null }
    for await (const read of format === 'csv' ? readCsv(stream, origin) : readNdjson(stream, origin)) {
      const checked = this.check(campaign, read, format)
      if ('reason' in checked) {
        report.rejected++
        if (report.rejects.length < SHOWN) report.rejects.push(checked)
        rejects.push(checked)
      } else {
        ready.push(checked)
      }
      if (ready.length + rejects.length >= BATCH) await flush()
    }
    await flush()
    await writing
    return report
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

  private check(campaign: Campaign, read: ReadRow, format: ImportSource['format']): Ready | Reject {
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

  private async write(
    campaign: Campaign,
    rows: Ready[],
    seen: Set<string> | null,
    report: ImportReport,
  ): Promise<void> {
    const packed: { packed: string; lane: string }[] = []
    for (const row of rows) {
      if (seen !== null) {
        // A dry run writes nothing, so what came earlier in the same file has to be remembered here.
        const double = seen.has(row.number)
        seen.add(row.number)
        if (double) {
          report.duplicate++
          continue
        }
      }
      const schema = await this.store.contacts.schema(campaign.name, row.columns, seen !== null)
      packed.push({ packed: packRow(schema, row.columns, row), lane: String(priorityOf(campaign, row.data)) })
    }
    for (const letter of await this.store.contacts.import(campaign.name, packed, seen !== null)) {
      if (letter === 'a') report.accepted++
      else if (letter === 'u') report.updated++
      else report.duplicate++
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
