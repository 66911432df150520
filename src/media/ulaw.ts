/**
 * Sound as the line carries it: u-law, 8000 bytes a second. Speech engines put silence around a phrase; it is cut here,
 * so that the end of a file is the end of the phrase and whatever follows it (the next prompt, our hang-up) comes at once.
 */
const rate = 8
const frame = 20 * rate
const silence = 0xff

/** The length of u-law sound, ms. */
export function length(bytes: number): number {
  return bytes / rate
}

/** How far a sample is from rest, 0 to 32124 (ITU-T G.711). */
export function loudness(byte: number): number {
  const bits = ~byte & 0x7f
  return ((((bits & 0x0f) << 3) + 0x84) << (bits >> 4)) - 0x84
}

/** ms of silence around a phrase: soft consonants lie under any threshold, and two sentences in a row need a breath. */
const before = 30
const after = 120

/**
 * The phrase with just a breath of silence around it. The length is filled up to whole frames of 20 ms, which is how
 * Asterisk sends it. What is silent throughout becomes one frame.
 */
export function trim(sound: Buffer, threshold = 120): Buffer {
  const loud = (byte: number) => loudness(byte) > threshold
  const first = sound.findIndex(loud)
  if (first < 0) return hush(frame)
  let last = sound.length - 1
  while (!loud(sound[last]!)) last -= 1
  const from = first - before * rate
  const to = last + 1 + after * rate
  const phrase = [hush(-from), sound.subarray(Math.max(0, from), to), hush(to - sound.length)]
  const bytes = to - from
  return Buffer.concat([...phrase, hush((frame - (bytes % frame)) % frame)])
}

function hush(bytes: number): Buffer {
  return Buffer.alloc(Math.max(0, bytes), silence)
}
