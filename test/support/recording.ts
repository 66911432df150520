/** What Asterisk has recorded, found in the folder of an embedded one. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ulaw } from '../../src/phones/speech.ts'

/** The sound of the recording of this name as raw ulaw; null when there is none. `folder` is the data folder of the service. */
export function recording(folder: string, name: string): Buffer | null {
  const file = recordings(folder).find((path) => path.endsWith(`/${name}.wav`))
  return file === undefined ? null : soundOf(readFileSync(file))
}

/** The paths of all recordings below a data folder. */
export function recordings(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /(^|\/)spool\/recording\/[^/]+\.wav$/.test(path))
    .map((path) => join(folder, path))
}

function soundOf(wav: Buffer): Buffer {
  const samples = wav.subarray(wav.indexOf('data') + 8)
  const sound = Buffer.alloc(samples.length >> 1)
  for (let n = 0; n < sound.length; n += 1) sound[n] = ulaw(samples.readInt16LE(2 * n))
  return sound
}
