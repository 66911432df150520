/**
 * Whether the far side talks, as a flow understands it, from what Asterisk's TALK_DETECT tells. The detector has three
 * habits that are made good here:
 *
 * - It says "stopped" only after `talkSilence` ms without a voice. The stop is dated back by that much, so that a timeout
 *   starts anew at the moment when they fell silent.
 * - It says "started" at the first packet of a call, voice or not, and at any click. Talk counts from 300 ms on, and whether
 *   it lasted that long is known only when no "stopped" has come for 300 ms and the detector's own delay. Until then a start
 *   is `undecided`: whoever holds the flow's timers holds them back that long, and then the start is told with its own time.
 * - When the phone stops sending, "stopped" never comes. While they talk the packets are counted; none for 1.5 s is silence.
 */
import type { Clock } from './ports.ts'

/** ms without a voice after which TALK_DETECT says that they have stopped: whole frames of 20 ms, longer than the gaps in a word, shorter than any timeout. */
export const talkSilence = 240

/** The value for `TALK_DETECT(set)`: silence in ms, then the level (mean amplitude) of a voice, Asterisk's own default. */
export const talkDetect = `${talkSilence},256`

/** Shorter than this is a cough, ms (the flow language says so). */
export const shortestTalk = 300
/** How much later than its time a "stopped" may arrive, ms. */
const grace = 40
const poll = 500
/** ms without a packet that are silence. */
const deaf = 1500
/** ms within which a voice makes a pause that the detector tells; who was not heard of for so long has stopped. */
export const unheard = 4000
/** Fewer packets than this since the call began are no voice: some phones send a few to open the way. */
const few = shortestTalk / 20

export interface TalkOptions {
  clock: Clock
  /** RTP packets received so far. */
  packets(): Promise<number>
  /** They began (`on`) or stopped talking, at this time. */
  say(on: boolean, at: number): void
  /** A start has turned out to be one or not to be one; called after `say`. */
  decided(): void
}

type Phase = 'quiet' | 'undecided' | 'talking' | 'deaf'

export class TalkWatch {
  readonly #options: TalkOptions
  #phase: Phase = 'quiet'
  #timer: unknown = null
  #packets = 0
  #heard = 0

  constructor(options: TalkOptions) {
    this.#options = options
  }

  /** They may have begun to talk: nobody knows yet. */
  get undecided(): boolean {
    return this.#phase === 'undecided'
  }

  /** What the detector says. */
  detected(on: boolean, at: number): void {
    if (on && this.#phase === 'quiet') this.#suspect(at)
    if (on || this.#phase === 'quiet') return
    const phase = this.#phase
    this.#rest()
    if (phase === 'talking') this.#options.say(false, at - talkSilence)
    if (phase === 'undecided') this.#options.decided()
  }

  /**
   * They were talking when another process was listening; whether they still do nobody knows. The detector tells of changes
   * alone: a voice that goes on has a pause before long, so without a word from it they had stopped.
   */
  takeOver(): void {
    this.#phase = 'talking'
    this.#after(unheard, () => {
      this.#rest()
      this.#options.say(false, this.#options.clock.now())
    })
  }

  /** Stops watching. */
  close(): void {
    const held = this.undecided
    this.#rest()
    if (held) this.#options.decided()
  }

  #rest(): void {
    this.#phase = 'quiet'
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = null
  }

  #suspect(at: number): void {
    this.#phase = 'undecided'
    const known = at + shortestTalk + talkSilence + grace
    this.#after(known - this.#options.clock.now(), () => this.#count((packets) => this.#believe(packets, at)))
  }

  #believe(packets: number | null, at: number): void {
    const { clock, say, decided } = this.#options
    const voice = packets === null || packets >= few
    this.#phase = voice ? 'talking' : 'deaf'
    this.#packets = packets ?? 0
    this.#heard = clock.now()
    this.#after(poll, () => this.#look())
    if (voice) say(true, at)
    decided()
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
