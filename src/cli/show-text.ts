/** How records look in a terminal. */
import Table from 'cli-table3'
import { colour as pc } from './colour.ts'

type Record_ = Record<string, unknown>

/** Columns by the record's own names; `head` may rename one. */
export function table(records: readonly Record_[], columns: Record<string, (record: Record_) => unknown>): string {
  if (records.length === 0) return 'None.'
  const grid = new Table({ head: Object.keys(columns), style: { head: [], border: [], compact: true }, chars: plain })
  for (const record of records) grid.push(Object.values(columns).map((cell) => text(cell(record))))
  return grid.toString().replace(/ +$/gm, '')
}

const plain = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

/** `2026-01-05T08:00:00.000Z` to the reader's own clock, without the milliseconds. */
export function when(value: unknown): string {
  if (typeof value !== 'string') return '-'
  const at = new Date(value)
  const two = (n: number): string => String(n).padStart(2, '0')
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

export const text = (value: unknown): string => {
  if (value === null || value === undefined || value === '') return '-'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** `name  value`, one a line, the names in one width. */
export function facts(entries: Record<string, unknown>): string {
  const width = Math.max(...Object.keys(entries).map((key) => key.length))
  return Object.entries(entries)
    .map(([key, value]) => `${pc.bold(key.padEnd(width))}  ${text(value)}`)
    .join('\n')
}

/** `{ busy: 2, silent: 1 }` to `busy 2, silent 1`, the largest first. */
export function tally(counts: unknown): string {
  const entries = Object.entries((counts ?? {}) as Record<string, number>).filter(([, count]) => count > 0)
  return entries.length === 0
    ? 'none'
    : entries
        .sort(([, a], [, b]) => b - a)
        .map(([name, count]) => `${name} ${count}`)
        .join(', ')
}

export const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`
