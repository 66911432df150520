/**
 * Bytes of a list as text, whatever a spreadsheet wrote: UTF-8, UTF-16 in both orders, and the old single-byte pages of
 * central and western Europe.
 *
 * A byte-order mark decides, or the NULs of UTF-16. Without either the file begins as ASCII, which reads the same in all
 * that is left, and the first byte beyond it decides on the 64 KiB from there on: they are UTF-8 when they hold more
 * whole UTF-8 letters than faulty bytes (a faulty one then costs its row). Else they are one of the pages, the one whose
 * alphabets leave the fewest letters unexplained. Pages share many letters (0xE3 is `ă` in one and `ã` in another), so
 * among equals the country of the service decides, then what is most common. How the stream is cut changes nothing.
 */
import { isAscii } from 'node:buffer'
import type { Readable } from 'node:stream'
import { TextDecoder } from 'node:util'

const SAMPLE = 65_536

/** Who writes with which letters; the countries where such a file is expected first. Ordered by how common they are. */
const ALPHABETS: { page: 'western' | 'central'; letters: string; countries: string }[] = [
  { page: 'western', letters: 'äöüß', countries: 'DE AT CH LI' },
  { page: 'western', letters: 'àâæçéèêëîïôœùûüÿ', countries: 'FR BE LU MC CA' },
  { page: 'western', letters: 'áéíñóúüàèòç', countries: 'ES MX AR CO PE CL' },
  { page: 'western', letters: 'áâãàçéêíóôõú', countries: 'PT BR' },
  { page: 'western', letters: 'àèéìîòù', countries: 'IT SM' },
  { page: 'western', letters: 'åäöæøéëïó', countries: 'SE FI DK NO NL' },
  { page: 'central', letters: 'ąćęłńóśźż', countries: 'PL' },
  { page: 'central', letters: 'áčďéěíňóřšťúůýž', countries: 'CZ' },
  { page: 'central', letters: 'áäčďéíĺľňóôŕšťúýž', countries: 'SK' },
  { page: 'central', letters: 'ăâîşţáéíóöőúüű', countries: 'RO MD HU' },
  { page: 'central', letters: 'čćđšž', countries: 'HR SI BA RS ME' },
]
/** What windows-1252 has from 0x80 to 0x9F. Node 20 and 22 decode it as ISO-8859-1, with control characters there. */
const SIGNS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ'
const PAGES = { western: ['windows-1252'], central: ['windows-1250', 'iso-8859-2'] }

/** The text of a stream of bytes. `country` (ISO 3166) is where the list most likely comes from; `charset` what its sender said. */
export async function* decoded(stream: Readable, country: string, charset: string | null): AsyncGenerator<string> {
  let read: Reader | null = null
  let held: Buffer = Buffer.alloc(0)
  let begun = false
  for await (const chunk of stream as AsyncIterable<Buffer | string>) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    if (read !== null) {
      yield read(bytes, true)
      continue
    }
    held = held.length === 0 ? bytes : Buffer.concat([held, bytes])
    if (!begun) {
      if (held.length < 4) continue
      begun = true
      const encoding = wide(held) ?? charset
      if (encoding !== null) read = reader(encoding)
    }
    if (read === null) {
      const plain = held.subarray(0, plainLength(held))
      if (plain.length > 0) yield plain.toString('latin1')
      held = held.subarray(plain.length)
      if (held.length < SAMPLE) continue
      read = reader(narrow(held.subarray(0, SAMPLE), country))
    }
    const text = read(held, true)
    held = Buffer.alloc(0)
    yield text
  }
  if (read === null && held.length > 0)
    read = reader(wide(held) ?? charset ?? narrow(held.subarray(0, SAMPLE), country))
  if (read !== null) yield read(held, false)
}

/** Text of the next bytes; `more`: others follow, and a letter that is not whole waits for them. */
type Reader = (bytes: Buffer, more: boolean) => string

function reader(encoding: string): Reader {
  const decoder = new TextDecoder(encoding)
  if (decoder.encoding !== 'windows-1252') return (bytes, more) => decoder.decode(bytes, { stream: more })
  return (bytes, more) =>
    decoder
      .decode(bytes, { stream: more })
      .replace(/[\u0080-\u009f]/g, (sign) => SIGNS_1252[sign.charCodeAt(0) - 0x80] ?? sign)
}

/** UTF-16 or a marked UTF-8, by the first four bytes. */
function wide(head: Buffer): string | null {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le'
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be'
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return 'utf-8'
  if (head.length < 4) return null
  if (head[0] !== 0 && head[1] === 0 && head[2] !== 0 && head[3] === 0) return 'utf-16le'
  if (head[0] === 0 && head[1] !== 0 && head[2] === 0 && head[3] !== 0) return 'utf-16be'
  return null
}

function plainLength(bytes: Buffer): number {
  if (isAscii(bytes)) return bytes.length
  return bytes.findIndex((byte) => byte >= 0x80)
}

function narrow(sample: Buffer, country: string): string {
  const { whole, faulty } = utf8Letters(sample)
  if (faulty === 0 || whole > faulty) return 'utf-8'
  let best = { encoding: 'windows-1252', unexplained: Number.POSITIVE_INFINITY, home: false }
  for (const { page, letters, countries } of ALPHABETS) {
    const home = countries.split(' ').includes(country)
    for (const encoding of PAGES[page]) {
      const unexplained = strangers(reader(encoding)(sample, false), letters)
      const closer = unexplained < best.unexplained
      if (closer || (unexplained === best.unexplained && home && !best.home)) best = { encoding, unexplained, home }
    }
  }
  return best.encoding
}

/** Letters beyond ASCII that the alphabet lacks, and signs that nobody writes in a list; quotes and dashes are anybody's. */
function strangers(text: string, letters: string): number {
  const own = new Set(letters + letters.toLocaleUpperCase('en'))
  let count = 0
  for (const sign of text) if (sign > '\u007f' && !own.has(sign) && !/[\u00a0\u2010-\u2026€°§]/.test(sign)) count++
  return count
}

/** Whole letters of several bytes, and bytes that belong to none; a letter cut off by the end of the sample is neither. */
function utf8Letters(sample: Buffer): { whole: number; faulty: number } {
  let [whole, faulty] = [0, 0]
  for (let at = 0; at < sample.length; at++) {
    const lead = sample[at] ?? 0
    if (lead < 0x80) continue
    const more = lead >= 0xf0 && lead < 0xf5 ? 3 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xc2 && lead < 0xe0 ? 1 : 0
    const rest = sample.subarray(at + 1, at + 1 + more)
    if (more === 0 || !rest.every((byte) => byte >= 0x80 && byte < 0xc0)) faulty++
    else if (rest.length === more) {
      whole++
      at += more
    } else break
  }
  return { whole, faulty }
}
