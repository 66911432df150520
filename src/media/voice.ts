/**
 * The voice of a call: words and recorded sounds become files that Asterisk plays as they are, u-law at 8 kHz. Words are
 * made once by (engine, voice, rate, language, text) and kept; two processes at a time make the rest, in order.
 *
 * One shelf under the data folder holds all; each Asterisk node has a shelf of its own that it can see, or fetches from
 * the API by address. Several nodes may see the same folder.
 */
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { basename } from 'node:path'
import type { Voice } from '../call/ports.ts'
import { ApelError } from '../errors.ts'
import type { Spoken } from '../flow/io.ts'
import { lanes } from '../lanes.ts'
import { deadline, type Engine } from './engine.ts'
import { Shelf } from './shelf.ts'
import { needSound, readSound } from './sounds.ts'
import { length, trim } from './ulaw.ts'
import { mend, toUlaw } from './wav.ts'

export interface VoiceOptions {
  /** Absolute; where every sound is kept. */
  folder: string
  engine: Engine
  /** The program sox. */
  sox: string
  /** The folder of recorded sounds, `scripts-yaml/sounds`; it need not exist. */
  recorded: string
  /** How many speech processes at once. */
  width?: number
}

/** Where a node finds its sounds: a folder that both see, or an address under which the API gives them out. */
export type NodeSounds = { folder: string } | { base: string }

export interface Studio {
  /** The voice for one Asterisk node. */
  at(node: NodeSounds): Voice
  /** The file behind a name that Asterisk asks for over HTTP (`base/NAME`); null when there is none. */
  file(name: string): string | null
  /** Drops what was not asked for longest, down to `bytes` on each shelf. */
  sweep(bytes: number): Promise<number>
}

const longest = 2000
/** How many sounds are remembered, and for how long the disk is not asked about one, ms. */
const remembered = 2000
const trusted = 5000

/** Makes the one place where sounds are made. */
export function makeStudio({ folder, engine, sox, recorded, width = 2 }: VoiceOptions): Studio {
  const main = new Shelf(folder)
  const shelves = new Map([[folder, main]])
  const lane = lanes(width)

  const make: Make = (part, kept) => ('text' in part ? words(part, kept) : sound(part))

  const words = async (part: Extract<Spoken, { text: string }>, kept: boolean): Promise<string> => {
    const text = part.text
      .normalize('NFC')
      .replace(/\p{Cc}+/gu, ' ')
      .trim()
    if (text.length > longest)
      throw new ApelError(
        'text_too_long',
        `A text of ${text.length} characters; at most ${longest} are spoken at once.`,
      )
    const key = JSON.stringify([await engine.version(), part.voice, part.rate, part.language, text])
    const keep = kept ? main.get.bind(main) : main.lend.bind(main)
    return keep(`${hash(key)}.ulaw`, () =>
      lane(async () => {
        if (!/[\p{L}\p{N}]/u.test(text)) return trim(Buffer.alloc(0))
        const wav = await engine.speak({ text, language: part.language, voice: part.voice, rate: part.rate })
        // An engine that finds nothing to say writes nothing at all.
        if (wav.length === 0) return trim(Buffer.alloc(0))
        return trim(await toUlaw(sox, mend(wav), ['-t', 'wav'], deadline))
      }),
    )
  }

  const sound = async (part: Extract<Spoken, { sound: string }>): Promise<string> => {
    const { path, ending, format } = needSound(recorded, part.sound, part.language)
    const { size, mtimeMs } = statSync(path)
    const name = `${hash(JSON.stringify([path, size, mtimeMs]))}.${ending}`
    return main.get(name, async () => {
      const raw = await readSound({ path, ending, format })
      return format === null ? raw : lane(() => toUlaw(sox, raw, format, deadline))
    })
  }

  return {
    at(node) {
      if ('base' in node) {
        const base = node.base.replace(/\/+$/, '')
        return voice(make, async (path) => `${base}/${basename(path)}`, main)
      }
      const shelf = shelves.get(node.folder) ?? new Shelf(node.folder)
      shelves.set(node.folder, shelf)
      return voice(make, async (path) => bare(await shelf.take(path)), main)
    },
    file(name) {
      if (!/^[0-9a-f]{32}\.[a-z0-9]{2,5}$/.test(name)) return null
      const path = main.path(name)
      return statSync(path, { throwIfNoEntry: false })?.isFile() ? path : null
    },
    async sweep(bytes) {
      let gone = 0
      for (const shelf of shelves.values()) gone += await shelf.sweep(bytes)
      return gone
    },
  }
}

/** A sound on the main shelf; one that is not `kept` goes from there by itself. */
type Make = (part: Spoken, kept: boolean) => Promise<string>

function voice(make: Make, place: (path: string) => Promise<string>, main: Shelf): Voice {
  /** What was found a moment ago is there still: a campaign asks for the same sentences with every call. */
  const found = new Map<string, { file: string; at: number }>()
  const fileOf = async (part: Spoken): Promise<string> => {
    const key = JSON.stringify(part)
    const now = Date.now()
    const known = found.get(key)
    if (known && now - known.at < trusted) return known.file
    const file = await place(await make(part, true))
    found.delete(key)
    found.set(key, { file, at: now })
    if (found.size > remembered) found.delete(found.keys().next().value!)
    return file
  }
  const duration = (files: string[]): number | null => {
    let sum = 0
    for (const file of files) {
      const name = basename(file)
      const size = main.size(name.includes('.') ? name : `${name}.ulaw`)
      if (size === null) return null
      sum += length(size)
    }
    return sum
  }
  const passing = (parts: Spoken[]) => Promise.all(parts.map(async (part) => place(await make(part, false))))
  return { files: (parts) => Promise.all(parts.map(fileOf)), duration, passing: { files: passing, duration } }
}

/** Asterisk adds the ending itself and takes the best that is there. */
function bare(path: string): string {
  return path.replace(/\.[a-z0-9]+$/, '')
}

function hash(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 32)
}
