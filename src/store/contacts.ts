/** The contacts of a campaign, found by key, by number or by their place in the file. */
import { ApelError } from '../errors.ts'
import type { ContactState } from './campaigns.ts'
import type { Db } from './db.ts'
import { fnv } from './fnv.ts'
import { keys, ROWS_A_BUCKET } from './keys.ts'
import { namesOf, packRow, type Row, schemaFor, schemaOf, unpackRow } from './rows.ts'
import { changeScript, findScript, importScript, removeScript, setStateScript } from './scripts/contacts.ts'

/** What has happened to a contact so far. Times are ms since the epoch, 0 when there is none. */
export interface Progress {
  state: ContactState
  /** Attempts that count against its budget. */
  used: number
  /** All attempts. */
  total: number
  due: number
  /** The callee's calendar day (YYYY-MM-DD) of the last attempt, and the attempts in it. */
  day: string
  today: number
  /** The rule that holds it or made it wait; the id of its callback while it has one. */
  rule: string
  /** Retries so far, by disposition. */
  tries: Record<string, number>
  /** Its last attempt. */
  last: string
  disposition: string
}

export interface Contact extends Row {
  /** Its place: data rows of the campaign count from 0. */
  row: number
  /** The row as it was read. */
  packed: string
  progress: Progress
}

/** Which rows of which import: parts count up. */
export interface ImportPart {
  import: string
  part: number
  dry: boolean
}

/** As scripts give it. */
export type RawProgress = Omit<Progress, 'state' | 'tries'> & { state: string; tries: string }

const STATES: Record<string, ContactState> = {
  p: 'pending',
  w: 'waiting',
  c: 'callback',
  d: 'dialing',
  x: 'done',
  h: 'held',
}
const MOST_SCHEMAS = 1000
/** Read at once. */
const MOST_BUCKETS = 64

export class Contacts {
  private readonly db: Db
  private readonly schemas = new Map<string, string[][]>()
  constructor(db: Db) {
    this.db = db
  }

  /** The number of this set of columns in the campaign; a new set is added, unless nothing is to be written (`dry`). */
  async schema(campaign: string, columns: string[], dry = false): Promise<number> {
    const known = this.schemas.get(campaign) ?? (await this.loadSchemas(campaign))
    const at = known.findIndex((one) => one.length === columns.length && one.every((name, i) => name === columns[i]))
    if (at >= 0 || dry) return at
    const length = await this.db.call((redis) => redis.rpush(keys.schemas(campaign), JSON.stringify(columns)))
    if (length > MOST_SCHEMAS)
      throw new ApelError('bad_request', `The contacts of ${campaign} have too many different sets of columns.`)
    await this.loadSchemas(campaign, true)
    return length - 1
  }

  private async loadSchemas(campaign: string, again = false): Promise<string[][]> {
    let known = this.schemas.get(campaign)
    if (known === undefined || again) {
      known = (await this.db.call((redis) => redis.lrange(keys.schemas(campaign), 0, -1))).map((text) =>
        JSON.parse(text),
      )
      this.schemas.set(campaign, known)
    }
    return known
  }

  /** Unpacks what a script gave; loads a schema that another instance added meanwhile. */
  async unpack(campaign: string, packed: string): Promise<Row> {
    let known = await this.loadSchemas(campaign)
    if (known[schemaOf(packed)] === undefined) known = await this.loadSchemas(campaign, true)
    return unpackRow(packed, (schema) => known[schema] ?? [])
  }

  /**
   * Adds or updates rows in their order; `lane` is the priority. One letter a row: `a` accepted, `u` updated (known key,
   * other content), `d` duplicate (known key with the same content, or a number seen under another key). The same part
   * of the same import again answers the same. A dry one changes nothing but what is kept of the import itself, until `forget`.
   */
  async import(campaign: string, rows: { packed: string; lane: string }[], part: ImportPart): Promise<string> {
    if (rows.length === 0) return ''
    return await this.db.run<string>(importScript, {
      campaign,
      import: keys.import(part.import),
      part: part.part,
      dry: part.dry,
      rows: rows.map(({ packed, lane }) => {
        const { key, number } = namesOf(packed)
        return [packed, lane, fnv(number), key === '' ? 0 : fnv(key)]
      }),
    })
  }

  /** An import is over. */
  async forget(id: string): Promise<void> {
    await this.db.call((redis) => redis.unlink(keys.import(id)))
  }

  async find(campaign: string, by: { key: string } | { number: string }): Promise<Contact | null> {
    const found = await this.db.run<{ row: number; packed: string; contact: RawProgress } | null>(findScript, {
      campaign,
      ...by,
    })
    if (found === null) return null
    const { row, packed } = found
    return { ...(await this.unpack(campaign, packed)), row, packed, progress: progressOf(found.contact) }
  }

  /** The contact in this row; null when it was removed. */
  async at(campaign: string, row: number): Promise<Contact | null> {
    const [packed, line] = await this.db.batch<[string | null, string | null]>((pipeline) =>
      pipeline
        .lindex(keys.rows(campaign, row), row % ROWS_A_BUCKET)
        .hget(keys.states(campaign, row), String(row % ROWS_A_BUCKET)),
    )
    return packed ? await this.read(campaign, row, packed, line ?? undefined) : null
  }

  /** The contact whose content and state are these; without a line nothing has happened to it. */
  async read(campaign: string, row: number, packed: string, line: string | undefined): Promise<Contact> {
    return { ...(await this.unpack(campaign, packed)), row, packed, progress: parseProgress(line) }
  }

  /** Contacts in the order of the file from row `from` on, at most `limit` in that state; `next` null at the end. */
  async list(
    campaign: string,
    from: number,
    limit: number,
    state: ContactState | null,
  ): Promise<{ contacts: Contact[]; next: number | null }> {
    const contacts: Contact[] = []
    // As many as a page of any state may lie in; the more, the longer none of that state is found.
    let buckets = Math.ceil(limit / ROWS_A_BUCKET) + 1
    for (let base = from - (from % ROWS_A_BUCKET); ; buckets = Math.min(2 * buckets, MOST_BUCKETS)) {
      const found = await this.buckets(campaign, base, buckets)
      for (const { packed, states } of found) {
        for (let i = 0; i < packed.length; i++) {
          const row = base + i
          const text = packed[i] ?? ''
          if (row < from || text === '') continue
          const progress = parseProgress(states[i])
          if (state !== null && progress.state !== state) continue
          if (contacts.length === limit) return { contacts, next: row }
          contacts.push({ ...(await this.unpack(campaign, text)), row, packed: text, progress })
        }
        base += ROWS_A_BUCKET
      }
      if (found.at(-1)!.packed.length < ROWS_A_BUCKET) return { contacts, next: null }
    }
  }

  /** So many buckets of rows with their states from this row on, in one round trip; behind the last row they are empty. */
  private async buckets(
    campaign: string,
    first: number,
    count: number,
  ): Promise<{ packed: string[]; states: Record<string, string> }[]> {
    const found = await this.db.batch<(string[] & Record<string, string>)[]>((pipeline) => {
      for (let row = first, n = 0; n < count; n++, row += ROWS_A_BUCKET)
        pipeline.lrange(keys.rows(campaign, row), 0, -1).hgetall(keys.states(campaign, row))
    })
    return Array.from({ length: count }, (_, n) => ({ packed: found[2 * n]!, states: found[2 * n + 1]! }))
  }

  /** Writes new content; `marks` are the columns of the key and the number; false when the number belongs to another contact of the campaign. */
  async change(
    campaign: string,
    contact: Contact,
    next: Row,
    lane: string,
    marks: { key: string | null; number: string | null },
  ): Promise<boolean> {
    const before = Object.keys(contact.data)
    const names = [...before, ...Object.keys(next.data).filter((column) => !before.includes(column))]
    const columns = schemaFor(names, marks, next)
    const packed = packRow(await this.schema(campaign, columns), columns, next)
    const change = { campaign, row: contact.row, old: contact.packed, packed, lane }
    const answer = await this.db.run<string>(changeScript, change)
    if (answer === 'changed')
      throw new ApelError(
        'invalid_state',
        'The contact was changed by somebody else meanwhile; read it again.',
        {},
        true,
      )
    return answer === 'ok'
  }

  /** Puts it in front with a fresh budget, or has done with it. False while it is being called. */
  async setState(campaign: string, row: number, to: 'pending' | 'done', now: number): Promise<boolean> {
    return (await this.db.run<string>(setStateScript, { campaign, row, to, now })) !== 'd'
  }

  /** False while it is being called. */
  async remove(campaign: string, row: number, now: number): Promise<boolean> {
    return (await this.db.run<string>(removeScript, { campaign, row, now })) !== 'd'
  }
}

export function progressOf(raw: RawProgress): Progress {
  const tries = raw.tries.split(';').filter((part) => part !== '')
  return {
    ...raw,
    state: STATES[raw.state] ?? 'done',
    tries: Object.fromEntries(
      tries.map((part) => [part.slice(0, part.indexOf(':')), Number(part.slice(part.indexOf(':') + 1))]),
    ),
  }
}

function parseProgress(line: string | undefined): Progress {
  const [state = 'p', used, total, due, day = '', today, rule = '', tries = '', last = '', disposition = ''] = (
    line ?? 'p'
  ).split(',')
  const numbers = {
    used: Number(used ?? 0),
    total: Number(total ?? 0),
    due: Number(due ?? 0),
    today: Number(today ?? 0),
  }
  return progressOf({ state, ...numbers, day, rule, tries, last, disposition })
}

/** `tries` as it is kept. */
export function triesText(tries: Record<string, number>): string {
  return Object.entries(tries)
    .map(([rule, count]) => `${rule}:${count}`)
    .join(';')
}
