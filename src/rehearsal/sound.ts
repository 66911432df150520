/**
 * Whether what the flow said was heard: each sound is looked for, byte for byte, in what the phone received. What was broken off
 * soon need not have been heard, what was broken off later must have been heard to begin. Keys of ours must have come, too.
 */
import { readFileSync } from 'node:fs'
import type { Voice } from '../call/ports.ts'
import type { Line } from './line.ts'

/** ms in which a sound that is broken off may have been too short to be heard. */
const SOON = 1_000
/** ms of a sound's loudest part that are looked for. */
const PIECE = 200

/** What the phone never heard, in words. */
export async function unheard(line: Line, voice: Voice): Promise<string[]> {
  const { phone } = line
  if (phone === null) return []
  const { ear, endedAt } = phone
  const missing: string[] = []
  for (const { text, parts, begun, ended, cut } of line.heard) {
    const [from, to] = [line.true(begun), Math.min(line.true(ended), endedAt ?? Number.POSITIVE_INFINITY)]
    const files = cut || to < line.true(ended) ? [] : await voice.files(parts)
    const broken = files.length === 0
    const sounded = broken && ear.phrases.some((phrase) => phrase.from < to + 500 && phrase.to > from)
    const heard = broken
      ? sounded || to - from < SOON
      : files.every((file) => ear.heard(readFileSync(`${file}.ulaw`), PIECE))
    if (!heard) missing.push(`the phone did not hear "${text}"`)
  }
  if (!line.operators.every((words) => ear.heard(words, PIECE))) missing.push('the phone did not hear the operator')
  if (!ear.keys.includes(line.pressedByUs))
    missing.push(`the phone did not hear the keys ${line.pressedByUs}, but ${ear.keys || 'none'}`)
  return missing
}
