/**
 * What a phone receives, with the time of every sound. Stretches of sound with no pause longer than `gap` between them
 * are one phrase; so "our BYE follows the end of the second phrase" is measured on the wire, from outside. All that was
 * heard is kept as ulaw: a prompt that was played from a ulaw file arrives byte for byte, and can be found again.
 */
import { FRAME_MS, KEY, KEYS, type RtpPacket, SOUND } from './rtp.ts'

/** Times are milliseconds since the epoch, of the packets' arrival. */
export interface Phrase {
  from: number
  /** The end of the last frame with sound in it so far. */
  to: number
}

/** ulaw magnitude above which a sample is sound: about -38 dB, over the noise of dither, below any speech. */
const LOUD = 0x20

export class Ear {
  readonly phrases: Phrase[] = []
  /** Keys that the far side pressed towards us. */
  keys = ''
  packets = 0
  firstPacketAt: number | null = null
  lastPacketAt: number | null = null
  readonly #gap: number
  readonly #sound: Buffer[] = []
  #lastKey = -1

  /** `gap` in ms: a pause inside a sentence is shorter, one between two prompts longer. */
  constructor(gap = 700) {
    this.#gap = gap
  }

  hear(packet: RtpPacket, at = Date.now()): void {
    this.packets += 1
    this.firstPacketAt ??= at
    this.lastPacketAt = at
    if (packet.type === KEY) this.#key(packet)
    else if (packet.type === SOUND) this.#frame(packet.payload, at)
  }

  #frame(ulaw: Buffer, at: number): void {
    this.#sound.push(Buffer.from(ulaw))
    if (!isLoud(ulaw)) return
    const last = this.phrases.at(-1)
    if (last && at - last.to <= this.#gap) last.to = at + FRAME_MS
    else this.phrases.push({ from: at, to: at + FRAME_MS })
  }

  /** True while sound comes, and until a pause longer than `gap` has passed since. */
  hearing(now = Date.now()): boolean {
    const last = this.phrases.at(-1)
    return last !== undefined && now - last.to <= this.#gap
  }

  /** How many phrases have ended. */
  ended(now = Date.now()): number {
    return this.phrases.length - (this.hearing(now) ? 1 : 0)
  }

  /** All sound received, one after another without the pauses in which nothing was sent: raw ulaw at 8 kHz. */
  audio(): Buffer {
    return Buffer.concat(this.#sound)
  }

  /**
   * Whether this sound (raw ulaw) was heard: its middle, of `ms` ms, is looked for byte for byte, so that a prompt
   * that was cut at its begin or end still counts.
   */
  heard(ulaw: Buffer, ms = 200): boolean {
    return isIn(this.audio(), ulaw, ms)
  }

  /** Every packet of one key has the same timestamp, the one of its begin. */
  #key(packet: RtpPacket): void {
    if (packet.timestamp === this.#lastKey || packet.payload.length < 4) return
    this.#lastKey = packet.timestamp
    this.keys += KEYS[packet.payload[0]!] ?? ''
  }
}

/** Whether the middle of this sound, of `ms` ms, is in that audio byte for byte; both raw ulaw. */
export function isIn(audio: Buffer, ulaw: Buffer, ms = 200): boolean {
  const length = Math.min(ulaw.length, ms * 8)
  const start = loudestStart(ulaw, length)
  return audio.includes(ulaw.subarray(start, start + length))
}

function isLoud(ulaw: Buffer): boolean {
  for (const sample of ulaw) if ((~sample & 0x7f) > LOUD) return true
  return false
}

/** Where a stretch of `length` bytes with the most sound in it begins: silence would be found anywhere. */
function loudestStart(ulaw: Buffer, length: number): number {
  let best = 0
  let most = -1
  for (let start = 0; start + length <= ulaw.length; start += Math.max(1, length >> 1)) {
    let sum = 0
    for (let i = start; i < start + length; i += 8) sum += ~ulaw[i]! & 0x7f
    if (sum > most) {
      most = sum
      best = start
    }
  }
  return best
}
