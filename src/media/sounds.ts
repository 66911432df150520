/**
 * Recorded sounds: `sounds/[LANG/]NAME.ENDING` beside the flows. The language's own folder goes before the common one
 * (`ro-RO`, then `ro`, then none). A name is of a fixed alphabet and never a path, so a flow reaches nothing else.
 */
import { statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ApelError } from '../errors.ts'

/** How sox is told what it reads; null: sox may not know it, Asterisk plays it as it is. */
const endings: Record<string, string[] | null> = {
  ulaw: null,
  ul: null,
  wav: ['-t', 'wav'],
  alaw: ['-t', 'raw', '-e', 'a-law', '-b', '8', '-r', '8000', '-c', '1'],
  sln: ['-t', 'raw', '-e', 'signed', '-b', '16', '-r', '8000', '-c', '1'],
  sln16: ['-t', 'raw', '-e', 'signed', '-b', '16', '-r', '16000', '-c', '1'],
  aiff: ['-t', 'aiff'],
  gsm: null,
  g722: null,
}

const names = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/
const languages = /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/
const most = 50 * 1024 * 1024

export interface Recorded {
  path: string
  /** The ending on the line's shelf: what sox converts becomes `ulaw`, the rest keeps its own. */
  ending: string
  /** How sox reads it; null when it is kept as it is. */
  format: string[] | null
}

/** May this be a sound's name? Letters, digits, `_` and `-`. */
export function soundName(name: string): boolean {
  return names.test(name)
}

/** The file of a recorded sound, or null when there is none. */
export function findSound(folder: string, name: string, language: string): Recorded | null {
  if (!soundName(name)) return null
  const tongues = languages.test(language) ? [language, language.toLowerCase(), language.split('-')[0]!] : []
  for (const place of [...new Set(tongues), '']) {
    for (const [ending, format] of Object.entries(endings)) {
      const path = join(folder, place, `${name}.${ending}`)
      if (statSync(path, { throwIfNoEntry: false })?.isFile())
        return { path, ending: format === null && ending !== 'ul' ? ending : 'ulaw', format }
    }
  }
  return null
}

/** As `findSound`, but a sound that is not there is an error that says where it was looked for. */
export function needSound(folder: string, name: string, language: string): Recorded {
  if (!soundName(name))
    throw new ApelError('sound_name', `\`${name}\` is no name of a sound: letters, digits, \`_\` and \`-\`, no path.`)
  const found = findSound(folder, name, language)
  if (found) return found
  const looked = Object.keys(endings).join(', ')
  throw new ApelError(
    'sound_missing',
    `There is no sound \`${name}\` in ${join(folder, language)} or ${folder} (endings: ${looked}).`,
    { sound: name, language },
  )
}

/** The bytes of a recorded sound, at most 50 MB. */
export async function readSound(sound: Recorded): Promise<Buffer> {
  const size = statSync(sound.path).size
  if (size > most)
    throw new ApelError('sound_too_big', `${sound.path} has ${size} bytes; a sound has at most ${most}: cut it up.`)
  return readFile(sound.path)
}
