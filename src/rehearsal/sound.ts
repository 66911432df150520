/**
 * Whether what the flow said was heard: each sound is looked for, byte for byte, in what the phone received. What was broken off
 * soon need not have been heard, what was broken off later must have been heard to begin.
 */
import { readFileSync } from 'node:fs'
import type { Voice } from '../call/ports.ts'
import type { Utterance } from '../flow/view.ts'
import type { PhoneCall } from '../phones/phone.ts'

/** ms in which a sound that is broken off may have been too short to be heard. */
const SOON = 1_000
/** ms of a sound's loudest part that are looked for. */
const PIECE = 200

/** The texts that the phone never heard. */
export async function unheard(phone: PhoneCall, said: readonly Utterance[], voice: Voice): Promise<string[]> {
  const audio = phone.ear.audio()
  const missing: string[] = []
  for (const { text, parts, begun, ended, cut } of said) {
    const over = Math.min(ended, phone.endedAt ?? ended)
    if (cut || over < ended) {
      const sounded = phone.ear.phrases.some(({ from, to }) => from < over + 500 && to > begun)
      if (over - begun > SOON && !sounded) missing.push(text)
      continue
    }
    const files = await voice.files(parts)
    const lost = files.some((file) => !phone.ear.heard(readFileSync(`${file}.ulaw`), PIECE))
    if (audio.length === 0 || lost) missing.push(text)
  }
  return missing
}
