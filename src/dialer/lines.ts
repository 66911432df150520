/**
 * Pieces of text as records, with bounded memory whatever comes.
 *
 * A record is a line; with quotes, a line break inside a quoted cell belongs to it. One that grows past the limit is
 * given up, and so is one whose quoted cell ends on a later line in the middle of a word: there a quote was lost, and
 * what closed the cell opened another one. The first line of it is reported, and reading goes on after that line, so
 * that neither a lost quote nor an endless line costs the file.
 */

export interface TextRecord {
  text: string
  /** It was longer than the limit, or a quote was never closed: `text` is only its beginning. */
  tooLong: boolean
}

/** Characters. */
export const LONGEST_RECORD = 65_536

/** Plain lines, without quoting (NDJSON). */
export async function* lines(source: AsyncIterable<string>): AsyncGenerator<TextRecord> {
  yield* records(source, null)
}

/**
 * Records of a CSV whose cells are parted by what `delimiter` answers for the first line; null: lines without quoting.
 * Empty lines are left out.
 */
export async function* records(
  source: AsyncIterable<string>,
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
  for await (const text of source) {
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
        if (rest.length - start <= LONGEST_RECORD && end === OPEN) break
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

/** The text ends before the record does. */
const OPEN = -1
/** A quote of the record's first line was never closed. */
const LOST = -2

/** The index of the line break that ends the record at `start`, `OPEN` or `LOST`. */
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
    let next = close + 1
    while (text[next] === ' ' || text[next] === '\r') next++
    if (close < 0 || next === text.length) return OPEN
    if (text[next] !== delimiter && text[next] !== '\n' && text.slice(quote, close).includes('\n')) return LOST
    at = close + 1
  }
}
