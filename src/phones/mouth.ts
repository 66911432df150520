/**
 * What a phone sends: one RTP stream on one clock. Every frame of 20 ms since the answer has its timestamp, whether
 * something is sent in it or not, so keys and speech of one call always have rising timestamps: Asterisk drops a key
 * whose timestamp is not later than the one before. A phone either sends silence between its sounds, as handsets do,
 * or nothing at all, as phones with voice activity detection do.
 */
import { FRAME, FRAME_MS, KEY, keyPayload, QUIET, SOUND, writeRtp } from './rtp.ts'

/** One thing to send: `frames` frames long; `at` builds the packets of its n-th frame. */
interface Utterance {
  frames: number
  keys: boolean
  packets(frame: number, timestamp: number): { type: number; marker: boolean; timestamp: number; payload: Buffer }[]
  done(): void
}

const SILENCE = Buffer.alloc(FRAME, QUIET)

export class Mouth {
  readonly #send: (packet: Buffer) => void
  readonly #source = Math.floor(Math.random() * 0xffffffff)
  readonly #begun = performance.now()
  /** Far from the wrap-around of 32 bits. */
  readonly #base = Math.floor(Math.random() * 0x3fffffff)
  readonly #queue: Utterance[] = []
  #silence = false
  #sequence = Math.floor(Math.random() * 0x7fff)
  #frame = 0
  #inside = 0
  #timer: NodeJS.Timeout | null = null
  #closed = false

  constructor(send: (packet: Buffer) => void) {
    this.#send = send
  }

  /** Sends silence whenever there is nothing else to send, or stops doing so. */
  silence(on: boolean): void {
    this.#silence = on
    this.#wake()
  }

  /** Says raw ulaw at 8 kHz; resolves when it has been said. */
  say(ulaw: Buffer): Promise<void> {
    const frames = Math.ceil(ulaw.length / FRAME)
    return this.#utter(frames, false, (frame, timestamp) => {
      const piece = ulaw.subarray(frame * FRAME, (frame + 1) * FRAME)
      const payload = piece.length === FRAME ? piece : Buffer.concat([piece, SILENCE.subarray(piece.length)])
      return [{ type: SOUND, marker: frame === 0, timestamp, payload }]
    })
  }

  /** Presses one key after another, each `hold` ms long with `gap` ms after it; resolves when the last one is up. */
  async press(keys: string, { hold = 100, gap = 80 } = {}): Promise<void> {
    const down = Math.max(1, Math.round(hold / FRAME_MS))
    const up = Math.max(1, Math.round(gap / FRAME_MS))
    let last = Promise.resolve()
    for (const key of keys) {
      let begin = 0
      last = this.#utter(down, true, (frame, timestamp) => {
        if (frame === 0) begin = timestamp
        const length = (frame + 1) * FRAME
        const packet = (end: boolean) => ({ type: KEY, timestamp: begin, payload: keyPayload(key, length, end) })
        const first = { marker: frame === 0, ...packet(false) }
        // The end is sent three times, for a network that loses packets.
        return frame < down - 1 ? [first] : [first, ...[1, 2, 3].map(() => ({ marker: false, ...packet(true) }))]
      })
      void this.#utter(up, true, () => [])
    }
    await last
  }

  close(): void {
    this.#closed = true
    if (this.#timer) clearTimeout(this.#timer)
    for (const utterance of this.#queue.splice(0)) utterance.done()
  }

  #utter(frames: number, keys: boolean, packets: Utterance['packets']): Promise<void> {
    if (this.#closed || frames === 0) return Promise.resolve()
    return new Promise((done) => {
      this.#queue.push({ frames, keys, packets, done })
      this.#wake()
    })
  }

  #wake(): void {
    if (this.#timer || this.#closed) return
    // A phone that was quiet starts at the frame that the clock shows.
    this.#frame = Math.max(this.#frame, this.#due())
    this.#tick()
  }

  #due(): number {
    return Math.floor((performance.now() - this.#begun) / FRAME_MS)
  }

  /** Sends every frame that is due (more than one after the process was busy), then sleeps until the next. */
  #tick = (): void => {
    this.#timer = null
    // Nobody presses keys faster because time has been lost.
    if (this.#queue[0]?.keys) this.#frame = Math.max(this.#frame, this.#due())
    for (const due = this.#due(); this.#frame <= due; this.#frame += 1) {
      if (!this.#sendFrame(this.#base + this.#frame * FRAME)) return
    }
    const wait = this.#begun + this.#frame * FRAME_MS - performance.now()
    this.#timer = setTimeout(this.#tick, Math.max(1, wait))
  }

  /** False when there is nothing left to send. */
  #sendFrame(timestamp: number): boolean {
    const current = this.#queue[0]
    if (!current) {
      if (this.#silence) this.#emit({ type: SOUND, marker: false, timestamp, payload: SILENCE })
      return this.#silence
    }
    for (const packet of current.packets(this.#inside, timestamp)) this.#emit(packet)
    this.#inside += 1
    if (this.#inside >= current.frames) {
      this.#inside = 0
      this.#queue.shift()
      current.done()
    }
    return true
  }

  #emit(packet: { type: number; marker: boolean; timestamp: number; payload: Buffer }): void {
    this.#sequence += 1
    this.#send(writeRtp({ ...packet, sequence: this.#sequence, source: this.#source }))
  }
}
