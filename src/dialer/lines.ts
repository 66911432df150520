/**
 * A stream of bytes as records of text, with bounded memory whatever comes.
 *
 * The encoding is told by the byte-order mark (or by the NULs of UTF-16), the rest is UTF-8. A record is a line; with
 * quotes, a line break inside a quoted cell belongs to it. One that grows past the limit is given up: its first line is
 * reported as too long, and reading goes on after it, so that neither a lost quote nor an endless line costs the file.
 */
import type { Readable } from 'node:stream'
import { TextDecoder } from 'node:util'

export interface TextRecord {
  text: string
  /** It was longer than the limit, or a quote was never closed: `text` is only its beginning. */
  tooLong: boolean
}

/** Characters. */
export const LONGEST_RECORD = 65_536

async function* decoded(stream: Readable): AsyncGenerator<string> {
  let decoder: TextDecoder | null = null
  for await (const chunk of stream as AsyncIterable<Buffer | string>) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    decoder ??= new TextDecoder(encodingOf(bytes))
    yield decoder.decode(bytes, { stream: true })
  }
  if (decoder !== null) yield decoder.decode()
}

function encodingOf(head: Buffer): string {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le'
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be'
  if (head.length >= 4 && head[0] !== 0 && head[1] === 0 && head[2] !== 0 && head[3] === 0) return 'utf-16le'
  if (head.length >= 4 && head[0] === 0 && head[1] !== 0 && head[2] === 0 && head[3] !== 0) return 'utf-16be'
  return 'utf-8'
}

/** Plain lines, without quoting (NDJSON). */
export async function* lines(stream: Readable): AsyncGenerator<TextRecord> {
  yield* records(stream, null)
}

/**
 * Records of a CSV whose cells are parted by what `delimiter` answers for the first line; null: lines without quoting.
 * Empty lines are left out.
 */
export async function* records(
  stream: Readable,
  delimiter: ((first: string) => string) | null,
): AsyncGenerator<TextRecord> {
  let rest = ''
  // Inside a line that is being given up: everything up to its end is dropped.
  let dropping = false
  let sign: string | null = null
  const give = (text: string, tooLong = false): TextRecord => ({
    text: text.endsWith('\r') ? text.slice(0, -1) : text,
    tooLong,
  })
  for await (const text of decoded(stream)) {
    rest += text
    let start = 0
    for (;;) {
      const lineEnd = rest.indexOf('\n', start)
      if (dropping) {
        if (lineEnd < 0) {
          start = rest.length
          break
        }
        dropping = false
        start = lineEnd + 1
        continue
      }
      if (delimiter !== null && sign === null && (lineEnd >= 0 || rest.length > LONGEST_RECORD))
        sign = delimiter(rest.slice(0, lineEnd < 0 ? LONGEST_RECORD : lineEnd))
      const end = sign === null ? lineEnd : recordEnd(rest, start, sign)
      if (end < 0 || end - start > LONGEST_RECORD) {
        if (rest.length - start <= LONGEST_RECORD && end < 0) break
        const cut = lineEnd < 0 ? start + LONGEST_RECORD : Math.min(lineEnd, start + LONGEST_RECORD)
        yield give(rest.slice(start, Math.min(cut, start + 200)), true)
        dropping = cut !== lineEnd
        start = cut === lineEnd ? lineEnd + 1 : cut
        continue
      }
      const record = give(rest.slice(start, end))
      if (record.text.trim() !== '') yield record
      start = end + 1
    }
    rest = rest.slice(start)
  }
  if (dropping || rest.trim() === '') return
  if (delimiter !== null && sign === null) sign = delimiter(rest.split('\n', 1)[0] ?? '')
  yield* last(rest, sign, give)
}

/** The end of the input closes the last record, whether a line break stands there or not. */
function* last(
  rest: string,
  sign: string | null,
  give: (text: string, tooLong?: boolean) => TextRecord,
): Generator<TextRecord> {
  let start = 0
  const text = `${rest}\n`
  while (start < text.length) {
    const lineEnd = text.indexOf('\n', start)
    const end = sign === null ? lineEnd : recordEnd(text, start, sign)
    const record =
      end < 0 ? give(text.slice(start, Math.min(lineEnd, start + 200)), true) : give(text.slice(start, end))
    if (record.text.trim() !== '') yield record
    start = (end < 0 ? lineEnd : end) + 1
  }
}

/** The index of the line break that ends the record at `start`, or -1 when the text ends before. */
function recordEnd(text: string, start: number, delimiter: string): number {
  let at = start
  for (;;) {
    const lineEnd = text.indexOf('\n', at)
    // A line without a quote is a record, or its end: nearly all are. (Sought within the line alone: a search that runs
    // on to the next quote would read the whole text for every line.)
    const inLine = (lineEnd < 0 ? text.slice(at) : text.slice(at, lineEnd)).indexOf('"')
    if (inLine < 0) return lineEnd
    const quote = at + inLine
    // Only a quote at the beginning of a cell opens one; others are a sign like any other.
    const opens = quote === start || text[quote - 1] === delimiter
    if (!opens) {
      at = quote + 1
      continue
    }
    let close = text.indexOf('"', quote + 1)
    while (close >= 0 && text[close + 1] === '"') close = text.indexOf('"', close + 2)
    if (close < 0) return -1
    at = close + 1
  }
}
