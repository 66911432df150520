/** The do-not-call list, as the API offers it. */
import type { ImportReport, ImportSource, Reject } from '../../api/ports/contacts.ts'
import type { DncEntry, DncPort } from '../../api/ports/numbers.ts'
import { readCsv } from '../../dialer/csv.ts'
import { ApelError } from '../../errors.ts'
import type { Store } from '../../store/store.ts'

export interface DncParts {
  store: Store
  now(): number
  /** E.164, an extension, or a prefix of at least three digits with `*` at its end; null for anything else. */
  normalise(number: string): string | null
  /** Whose letters a list without a stated encoding is expected to have (ISO 3166). */
  country: string
}

const BATCH = 500
const SHOWN = 1000

export function dncPort(parts: DncParts): DncPort {
  const { store, now, normalise } = parts
  const known = knownCampaigns(store)
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
      if (!(await known(campaign))) throw unknown(campaign)
      const created = await store.dnc.add(entry)
      return { created, entry: created ? entry : ((await store.dnc.get(entry.number, campaign)) ?? entry) }
    },
    async remove(number, campaign) {
      if (!(await store.dnc.remove(numberOf(number), campaign)))
        throw new ApelError('not_found', 'The number is not on this do-not-call list.')
    },
    async import(source, campaign) {
      if (!(await known(campaign))) throw unknown(campaign)
      return await importList(source, campaign, parts)
    },
  }
}

/** Whether there is such a campaign; null is every one's list. Each is asked for once. */
function knownCampaigns(store: Store): (campaign: string | null) => Promise<boolean> {
  const found = new Set<string>()
  return async (campaign) => {
    if (campaign === null || found.has(campaign)) return true
    if ((await store.campaigns.state(campaign)) === null) return false
    found.add(campaign)
    return true
  }
}

const unknown = (campaign: string | null): ApelError =>
  new ApelError('unknown_campaign', `There is no campaign ${campaign}, so it has no do-not-call list.`, { campaign })

function normaliseEntry(text: string, normalise: (number: string) => string | null): string | null {
  const trimmed = text.trim()
  if (!trimmed.endsWith('*')) return normalise(trimmed)
  return /^\+\d{2,14}\*$/.test(trimmed) ? trimmed : null
}

/** Streamed in batches: a national list has millions of rows. */
async function importList(
  { stream, charset }: Pick<ImportSource, 'stream' | 'charset'>,
  campaign: string | null,
  parts: DncParts,
): Promise<ImportReport> {
  const known = knownCampaigns(parts.store)
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
  for await (const read of readCsv(stream, { country: parts.country, charset: charset ?? null })) {
    if ('reason' in read) {
      reject(read)
      continue
    }
    const { row, columns, data } = read
    if (data.number === undefined)
      throw new ApelError('bad_request', 'The list has no column `number`; its first line must name the columns.', {
        columns,
      })
    const number = normaliseEntry(data.number, parts.normalise)
    if (data.campaign && !(await known(data.campaign)))
      reject({ row, column: 'campaign', reason: 'there is no campaign of this name' })
    else if (number === null) reject({ row, column: 'number', reason: 'not a number or a prefix such as +4072*' })
    else batch.push({ number, campaign: data.campaign || campaign, reason: data.reason || null, at: parts.now() })
    if (batch.length >= BATCH) await flush()
  }
  await flush()
  return report
}
