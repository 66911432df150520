/**
 * Whether the far side talks, as a flow understands it, from what Asterisk's TALK_DETECT tells. The detector has three
 * habits that are made good here:
 *
 * - It says "stopped" only after `silence` ms without a voice. The stop is dated back by that much, so that a timeout starts
 *   anew at the moment when they fell silent.
 * - It says "started" at the first packet of a call, voice or not, and at any click; a start that is taken back after those
 *   same `silence` ms was none. So a start is believed a little later than that, and dated so that from start to stop is
 *   how long they talked.
 * - When the phone stops sending, "stopped" never comes. While they talk the packets are counted; none for 1.5 s is silence.
 */
import type { Clock } from './ports.ts'

/** ms without a voice after which TALK_DETECT says that they have stopped: whole frames of 20 ms, shorter than any pause that a flow counts. */
export const talkSilence = 240

/** The value for `TALK_DETECT(set)`: silence in ms, then the level (mean amplitude) that is a voice, Asterisk's own default. */
export const talkDetect = `${talkSilence},256`

/** How much later than the detector's own delay a "stopped" may arrive, ms. */
const grace = 60
const poll = 500
/** ms without a packet that are silence. */
const deaf = 1500
/** Fewer packets than this since the call began cannot be a voice: some phones send a few to open the way. */
const few = talkSilence / 20 / 2

export interface TalkOptions {
  clock: Clock
  /** RTP packets received so far. */
  packets(): Promise<number>
  /** They began (`on`) or stopped talking, at this time. */
  say(on: boolean, at: number): void
}

type Phase = 'quiet' | 'suspected' | 'talking' | 'deaf'

export class TalkWatch {
  readonly #options: TalkOptions
  #phase: Phase = 'quiet'
  #timer: unknown = null
  #packets = 0
  #heard = 0

  constructor(options: TalkOptions) {
    this.#options = options
  }

  /** What the detector says. */
  detected(on: boolean, at: number): void {
    if (on && this.#phase === 'quiet') this.#suspect(at)
    if (on || this.#phase === 'quiet') return
    const talked = this.#phase === 'talking'
    this.close()
    if (talked) this.#options.say(false, at - talkSilence)
  }

  /** Stops watching. */
  close(): void {
    this.#phase = 'quiet'
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = null
  }

  #suspect(at: number): void {
    this.#phase = 'suspected'
    const since = Math.max(0, this.#options.clock.now() - at)
    this.#after(talkSilence + grace - since, () => this.#count((packets) => this.#believe(packets, at + talkSilence)))
  }

  #believe(packets: number | null, at: number): void {
    const { clock, say } = this.#options
    if (packets !== null && packets < few) {
      this.#phase = 'deaf'
      this.#packets = packets
      this.#after(poll, () => this.#look())
      return
    }
    this.#phase = 'talking'
    this.#packets = packets ?? 0
    this.#heard = clock.now()
    say(true, at)
    this.#after(poll, () => this.#look())
  }

  #look(): void {
    this.#count((packets) => {
      const { clock, say } = this.#options
      const now = clock.now()
      const more = packets === null || packets > this.#packets
      if (packets !== null) this.#packets = packets
      if (more) this.#heard = now
      // The phone sends again, and the detector still holds them for talking: as at any start, wait whether it takes that back.
      if (this.#phase === 'deaf' && more && packets !== null) return this.#suspect(now)
      if (this.#phase === 'talking' && now - this.#heard >= deaf) {
        this.#phase = 'deaf'
        say(false, now)
      }
      this.#after(this.#phase === 'deaf' ? 2 * poll : poll, () => this.#look())
    })
  }

  /** Counts the packets; null when the line cannot tell. Goes on only if nothing else has happened meanwhile. */
  #count(then: (packets: number | null) => void): void {
    const timer = this.#timer
    const go = (packets: number | null) => {
      if (this.#timer === timer && this.#phase !== 'quiet') then(packets)
    }
    this.#options.packets().then(go, () => go(null))
  }

  #after(ms: number, run: () => void): void {
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = this.#options.clock.setTimeout(run, Math.max(0, ms))
  }
}
