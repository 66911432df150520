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

/**
 * Without the silence at both ends; `margin` ms of it stay, since soft consonants lie under any threshold. The length is
 * filled up to whole frames of 20 ms, which is how Asterisk sends it. What is silent throughout becomes one frame.
 */
export function trim(sound: Buffer, threshold = 120, margin = 30): Buffer {
  const loud = (byte: number) => loudness(byte) > threshold
  const first = sound.findIndex(loud)
  if (first < 0) return Buffer.alloc(frame, silence)
  let last = sound.length - 1
  while (!loud(sound[last]!)) last -= 1
  return whole(sound.subarray(Math.max(0, first - margin * rate), last + 1 + margin * rate))
}

/** Filled up with silence to whole frames. */
function whole(sound: Buffer): Buffer {
  const rest = sound.length % frame
  return rest === 0 ? sound : Buffer.concat([sound, Buffer.alloc(frame - rest, silence)])
}
