/**
 * Sound that phones make: raw ulaw at 8 kHz. Speech is really spoken, by the same programs as the service's prompts, so
 * that Asterisk's talk detection meets a voice and not a whistle.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tool } from './sipp.ts'

const spoken = new Map<string, Promise<Buffer>>()

/** A sentence by espeak-ng; made once a process. */
export function speech(text: string, voice = 'en'): Promise<Buffer> {
  const key = `${voice} ${text}`
  let made = spoken.get(key)
  if (!made) {
    made = speak(text, voice)
    spoken.set(key, made)
  }
  return made
}

async function speak(text: string, voice: string): Promise<Buffer> {
  mkdirSync(tmpdir(), { recursive: true })
  const folder = await mkdtemp(join(tmpdir(), 'apel-speech-'))
  try {
    const [wav, raw] = [join(folder, 'said.wav'), join(folder, 'said.ulaw')]
    await run('espeak-ng', ['-v', voice, '-w', wav, text])
    await run('sox', [wav, '-r', '8000', '-c', '1', '-t', 'raw', '-e', 'u-law', raw])
    return readFileSync(raw)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function run(name: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(tool(name), args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let complaint = ''
    child.stderr.on('data', (bytes) => {
      complaint += bytes
    })
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${name} ended with ${code}: ${complaint}`)),
    )
  })
}

/** A plain tone of `ms` ms: sound of an exact length. */
export function tone(ms: number, hertz = 440): Buffer {
  const samples = Buffer.alloc(ms * 8)
  for (let i = 0; i < samples.length; i += 1) samples[i] = ulaw(8000 * Math.sin((2 * Math.PI * hertz * i) / 8000))
  return samples
}

/** One sample of 16 bits as G.711 has it. */
export function ulaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0
  const magnitude = Math.min(Math.abs(sample) + 0x84, 0x7fff)
  const exponent = Math.floor(Math.log2(magnitude)) - 7
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f
  return ~(sign | (exponent << 4) | mantissa) & 0xff
}
