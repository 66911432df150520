/**
 * Rows of contacts out of a CSV or NDJSON stream, each with its number in the file, or with what is wrong with it. The
 * grammar is csv-parse's; `lines.ts` hands it records of bounded length, a batch at a time.
 */
import type { Readable } from 'node:stream'
import { parse } from 'csv-parse/sync'
import { ApelError } from '../errors.ts'
import { CONTROL } from '../store/rows.ts'
import { columnName } from './campaign-schema.ts'
import { decoded } from './encoding.ts'
import { lines, records, type TextRecord } from './lines.ts'

export interface Reject {
  /** The first line of data is 1. */
  row: number
  column: string | null
  reason: string
}

/** Where the bytes come from, see `encoding.ts`. */
export interface Origin {
  country: string
  /** What the sender said; null: it is found out. */
  charset: string | null
}

/** A row by its columns (names as `contact.*` has them), or why it is none. */
export type ReadRow = { row: number; columns: string[]; data: Record<string, string> } | Reject

const DELIMITERS = [',', ';', '\t', '|']
const MOST_COLUMNS = 500
const BATCH = 200

/** What spreadsheets write in front of the header to say how the cells are parted. */
const SAID = /^"?sep=([,;\t|])"?\r?$/i

/** The sign that the first line has most of outside of quotes, or that it names (`sep=;`). */
export function delimiterOf(first: string): string {
  const said = SAID.exec(first)?.[1]
  if (said !== undefined) return said
  const bare = first.replace(/"[^"]*"/g, '')
  const counted = DELIMITERS.map((sign) => ({ sign, count: bare.split(sign).length }))
  return counted.reduce((best, next) => (next.count > best.count ? next : best)).sign
}

/** Throws `bad_request` for a file that cannot be read at all: no header, two columns of one name. */
export async function* readCsv(stream: Readable, { country, charset }: Origin): AsyncGenerator<ReadRow> {
  let delimiter = ','
  let header: string[] | null = null
  let row = 0
  let said = false
  const source = records(decoded(stream, country, charset), (first) => {
    delimiter = delimiterOf(first)
    said = SAID.test(first)
    return delimiter
  })
  for await (const batch of inBatches(source)) {
    for (const cells of cellsOf(batch, delimiter)) {
      if (said) {
        said = false
        continue
      }
      if (header === null) {
        header = headerOf(cells)
        continue
      }
      row++
      yield rowOf(row, header, cells)
    }
  }
  if (header === null) throw new ApelError('bad_request', 'The file is empty; its first line must name the columns.')
}

export async function* readNdjson(stream: Readable, { country, charset }: Origin): AsyncGenerator<ReadRow> {
  let row = 0
  for await (const { text, tooLong } of lines(decoded(stream, country, charset))) {
    row++
    if (tooLong) yield { row, column: null, reason: 'the line is longer than 64 KiB' }
    else yield objectOf(row, text)
  }
}

async function* inBatches(source: AsyncIterable<TextRecord>): AsyncGenerator<TextRecord[]> {
  let batch: TextRecord[] = []
  for await (const record of source) {
    batch.push(record)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

/** The cells of each record, or the reason why it has none. A record that upsets the parser is parsed alone. */
function cellsOf(batch: TextRecord[], delimiter: string): (string[] | string)[] {
  const options = { delimiter, relax_column_count: true, relax_quotes: true, skip_empty_lines: false }
  if (batch.every(({ tooLong }) => !tooLong)) {
    try {
      const rows: string[][] = parse(batch.map(({ text }) => text).join('\n'), options)
      if (rows.length === batch.length) return rows
    } catch {
      // One of them is faulty: which one is seen below.
    }
  }
  return batch.map(({ text, tooLong }) => {
    if (tooLong) return 'the line is longer than 64 KiB, or a quote in it is never closed'
    try {
      const rows: string[][] = parse(text, options)
      return rows[0] ?? 'the line is empty'
    } catch (error) {
      return `not CSV: ${(error as Error).message}`
    }
  })
}

function headerOf(cells: string[] | string): string[] {
  const fault = (message: string) => new ApelError('bad_request', `The header of the file: ${message}`, { row: 0 })
  if (typeof cells === 'string') throw fault(`${cells}.`)
  if (cells.length > MOST_COLUMNS) throw fault(`it names ${cells.length} columns; at most ${MOST_COLUMNS} are taken.`)
  const names = cells.map(columnName)
  names.forEach((name, at) => {
    if (name.replace(/_/g, '') === '') throw fault(`column ${at + 1} has no name.`)
    const first = names.indexOf(name)
    if (first !== at)
      throw fault(`"${cells[first]}" and "${cells[at]}" are both named \`${name}\` in flows; rename one of the two.`)
  })
  return names
}

function rowOf(row: number, header: string[], cells: string[] | string): ReadRow {
  if (typeof cells === 'string') return { row, column: null, reason: cells }
  if (cells.slice(header.length).some((cell) => cell.trim() !== ''))
    return { row, column: null, reason: `it has ${cells.length} cells, the header ${header.length}` }
  const data: Record<string, string> = Object.create(null)
  for (const [at, name] of header.entries()) {
    const text = (cells[at] ?? '').trim()
    const fault = faultOf(text)
    if (fault !== null) return { row, column: name, reason: fault }
    data[name] = text
  }
  return { row, columns: header, data }
}

function objectOf(row: number, text: string): ReadRow {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { row, column: null, reason: 'the line is not JSON' }
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return { row, column: null, reason: 'the line is not a JSON object' }
  const entries = Object.entries(value)
  if (entries.length > MOST_COLUMNS) return { row, column: null, reason: `it has more than ${MOST_COLUMNS} fields` }
  const data: Record<string, string> = Object.create(null)
  for (const [field, found] of entries) {
    const name = columnName(field)
    if (name in data) return { row, column: name, reason: 'two fields have this name in flows' }
    if (found !== null && typeof found === 'object') return { row, column: name, reason: 'it is not a text' }
    const content = found === null ? '' : String(found).trim()
    const fault = faultOf(content)
    if (fault !== null) return { row, column: name, reason: fault }
    data[name] = content
  }
  return { row, columns: Object.keys(data), data }
}

function faultOf(text: string): string | null {
  if (CONTROL.test(text)) return 'it has a control character in it'
  if (text.includes('\uFFFD')) return 'a letter in it is not UTF-8, as the rest of the file is'
  return null
}
