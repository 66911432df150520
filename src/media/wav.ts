/**
 * From what an engine wrote to what the line carries. An engine that writes to a pipe cannot know the length that a WAV's
 * head must name and writes a wild one; the head is mended here, so that sox neither warns nor reads past the sound.
 */
import { ApelError } from '../errors.ts'
import { run } from './run.ts'

/** The same WAV with a `data` chunk no longer than what is there. Rejects what is no WAV. */
export function mend(wav: Buffer): Buffer {
  if (wav.length < 12 || wav.toString('latin1', 0, 4) !== 'RIFF' || wav.toString('latin1', 8, 12) !== 'WAVE')
    throw new ApelError('speech_failed', 'The speech engine did not write a WAV to its standard output.')
  let at = 12
  while (at + 8 <= wav.length) {
    const size = wav.readUInt32LE(at + 4)
    if (wav.toString('latin1', at, at + 4) === 'data') {
      const there = wav.length - at - 8
      if (size <= there) return wav
      const mended = Buffer.from(wav)
      mended.writeUInt32LE(there, at + 4)
      mended.writeUInt32LE(wav.length - 8, 4)
      return mended
    }
    at += 8 + size + (size % 2)
  }
  throw new ApelError('speech_failed', 'The speech engine wrote a WAV without sound in it.')
}

/** Any format that sox reads, by its name for `-t`, as raw u-law at 8 kHz, one channel. */
export async function toUlaw(sox: string, sound: Buffer, format: string[], deadline: number): Promise<Buffer> {
  const out = ['-t', 'raw', '-e', 'u-law', '-b', '8', '-r', '8000', '-c', '1', '-']
  // -D: the noise of dithering would stand where silence is to be found and cut.
  return run({ program: sox, args: ['-D', '-V1', ...format, '-', ...out], input: sound, deadline })
}
