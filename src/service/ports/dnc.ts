/** The do-not-call list, as the API offers it. */
import type { Readable } from 'node:stream'
import { parse } from 'csv-parse'
import type { ApiPorts, DncEntry, ImportReport, Reject } from '../../api/ports.ts'
import { ApelError } from '../../errors.ts'
import type { Store } from '../../store/store.ts'

export interface DncParts {
  store: Store
  now(): number
  /** E.164, an extension, or a prefix of at least three digits with `*` at its end; null for anything else. */
  normalise(number: string): string | null
}

const BATCH = 500
const SHOWN = 1000

export function dncPort({ store, now, normalise }: DncParts): ApiPorts['dnc'] {
  const numberOf = (text: string): string => {
    const number = normaliseEntry(text, normalise)
    if (number !== null) return number
    throw new ApelError(
      'bad_request',
      'This is not a number or a prefix such as +4072* that can stand on the do-not-call list.',
      { field: 'number' },
    )
  }
  return {
    async list({ limit, cursor, campaign, number }) {
      if (number !== null) {
        const entry = await store.dnc.covering(numberOf(number), campaign)
        return { items: entry ? [entry] : [], next: null }
      }
      const { entries, next } = await store.dnc.list(campaign, cursor, limit)
      return { items: entries, next }
    },
    async add({ number, campaign, reason }) {
      const entry: DncEntry = { number: numberOf(number), campaign, reason, at: now() }
      const created = await store.dnc.add(entry)
      return { created, entry: created ? entry : ((await store.dnc.get(entry.number, campaign)) ?? entry) }
    },
    async remove(number, campaign) {
      if (!(await store.dnc.remove(numberOf(number), campaign)))
        throw new ApelError('not_found', 'The number is not on this do-not-call list.')
    },
    import: (stream, campaign) => importList(stream, campaign, { store, now, normalise }),
  }
}

function normaliseEntry(text: string, normalise: (number: string) => string | null): string | null {
  const trimmed = text.trim()
  if (!trimmed.endsWith('*')) return normalise(trimmed)
  return /^\+\d{2,14}\*$/.test(trimmed) ? trimmed : null
}

/** Streamed in batches: a national list has millions of rows. */
async function importList(stream: Readable, campaign: string | null, parts: DncParts): Promise<ImportReport> {
  const report: ImportReport = { accepted: 0, updated: 0, duplicate: 0, rejected: 0, rejects: [], import: null }
  const reject = (one: Reject): void => {
    report.rejected += 1
    if (report.rejects.length < SHOWN) report.rejects.push(one)
  }
  let batch: DncEntry[] = []
  const flush = async (): Promise<void> => {
    const added = await parts.store.dnc.addMany(batch)
    report.accepted += added
    report.duplicate += batch.length - added
    batch = []
  }
  const rows = stream.pipe(
    parse({ columns: lowerCase, bom: true, trim: true, relax_column_count: true, max_record_size: 65_536 }),
  )
  let row = 0
  for await (const read of rows) {
    row += 1
    const values = read as Record<string, string>
    const number = normaliseEntry(values.number ?? '', parts.normalise)
    if (number === null) reject({ row, column: 'number', reason: 'not a number or a prefix such as +4072*' })
    else batch.push({ number, campaign: values.campaign || campaign, reason: values.reason || null, at: parts.now() })
    if (batch.length >= BATCH) await flush()
  }
  await flush()
  return report
}

function lowerCase(header: string[]): string[] {
  const names = header.map((name) => name.trim().toLowerCase())
  if (names.includes('number')) return names
  throw new ApelError('bad_request', 'The list has no column `number`; its first line must name the columns.', {
    columns: names,
  })
}
