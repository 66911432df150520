/**
 * What the far side hears: one sound or music at a time, in the order in which the flow asks for them. Requests to the line
 * go out one after another, since a stop that overtakes its own start would leave a sound playing that nobody ends.
 *
 * A sound that is not ready within 300 ms is not waited for in silence: music plays until it is. Music stops for a sound and
 * comes back only when the flow says so. A sound that was wanted while the link to the node was away is asked for again, unless
 * it has been heard of there meanwhile: nobody need know that a connection was reset. The end of a sound is told once, also when Asterisk never tells it: a sound whose
 * length is known has ended when it must have.
 */
import { ApelError } from '../errors.ts'
import type { Spoken } from '../flow/io.ts'
import type { Log } from '../log.ts'
import type { Clock, Line, Speaker } from './ports.ts'
import { within } from './within.ts'

/** ms. */
const patience = 300
/** ms that a speech engine may take over one sound during a call before the flow hears that it failed. */
const longest = 15_000
/** ms over a sound's own length after which its end is taken for granted, and for one of unknown length. */
const overdue = 5_000
const unknownLength = 10 * 60_000
/** ms that a sound may be shorter on the line than by its file. */
const slack = 250
/** A request that fails because they have just hung up must not look like a fault of ours: the end is told first. */
const failureDelay = 200
const goneDelay = 5_000
/** ms for which a sound waits for a link that is away (a half-open one is found in 10 s), and between two looks. */
const linkPatience = 15_000
const linkLook = 250

export interface PlayerOptions {
  line: Line
  voice: Speaker
  clock: Clock
  log: Log
  /** A sound that was not stopped has ended; `ok: false`: it could not be played. */
  played(id: string, ok: boolean): void
}

interface Play {
  id: string
  sent: boolean
  stopped: boolean
  /** When it was wanted, ms since the epoch. */
  wanted: number
  /** Settles when the flow no longer wants it. */
  stop: () => void
  whenStopped: Promise<void>
  timer: unknown
}

export class Player {
  readonly #options: PlayerOptions
  readonly #plays = new Map<string, Play>()
  #last: Promise<void> = Promise.resolve()
  #ends: Promise<unknown> = Promise.resolve()
  #music = false
  #closed = false

  constructor(options: PlayerOptions) {
    this.#options = options
  }

  /** Plays the parts as one sound of this id. */
  play(id: string, parts: Spoken[]): void {
    if (this.#closed) return
    const play = newPlay(id, this.#options.clock.now())
    this.#plays.set(id, play)
    const files = this.#options.voice.files(parts)
    // It is looked at when its turn comes; until then a failure has no handler.
    files.catch(() => {})
    this.#ask(play, files)
  }

  #ask(play: Play, files: Promise<string[]>): void {
    const { line, voice, clock } = this.#options
    this.#next(async () => {
      if (play.stopped) return
      try {
        const ready = await this.#whenReady(play, files)
        if (ready === null) return
        if (play.sent && (await line.plays(this.#name(play.id)))) this.#watch(play, voice.duration(ready))
        else await this.#start(play, ready)
      } catch (error) {
        if (!linkAway(error) || clock.now() - play.wanted > linkPatience) return this.#failed(play, error)
        clock.clearTimeout(play.timer)
        play.timer = clock.setTimeout(() => this.#ask(play, files), linkLook)
      }
    })
  }

  /**
   * A sound that another process had asked for at `at` (ms since the epoch). What still plays goes on; what cannot have
   * ended yet was never begun, and is; else it has ended, which is told.
   */
  async takeOver(id: string, parts: Spoken[], at: number): Promise<void> {
    const { line, voice, clock, played } = this.#options
    const files = await within(clock, longest, voice.files(parts), null).catch(() => null)
    const length = files === null ? null : voice.duration(files)
    if (await line.plays(this.#name(id))) {
      const play = newPlay(id, clock.now())
      play.sent = true
      this.#plays.set(id, play)
      this.#watch(play, length === null ? null : Math.max(0, at + length - clock.now()))
    } else if (length !== null && clock.now() < at + length - slack) this.play(id, parts)
    else played(id, true)
  }

  /** The music as it was, or as it should have been: a second start of the same does no harm. */
  takeOverMusic(musicClass: string | null): void {
    this.#music = true
    this.music(musicClass !== null, musicClass ?? '')
  }

  /** Stops that sound; its end is not told any more. */
  stop(id: string): void {
    const play = this.#forget(id)
    if (play === undefined) return
    play.stop()
    this.#next(async () => {
      if (play.sent) this.#end(this.#name(id))
    })
  }

  music(on: boolean, musicClass: string): void {
    if (this.#closed) return
    this.#next(() => (on ? this.#startMusic(musicClass) : this.#stopMusic()))
  }

  /** Settles when the line has been asked for everything that was wanted of it until now. */
  async asked(): Promise<void> {
    await this.#last
    await this.#ends
  }

  /** Ends the music; settles when it has ended. */
  async quiet(): Promise<void> {
    this.#next(() => this.#stopMusic())
    await this.asked()
  }

  /** The line says that a sound has ended: its id, or null when nobody waits for it (it was stopped meanwhile). */
  ended(name: string): string | null {
    const id = name.slice(this.#name('').length)
    return name === this.#name(id) && this.#forget(id) !== undefined ? id : null
  }

  /** The line is gone: nothing is sent any more. */
  close(): void {
    this.#closed = true
    for (const id of [...this.#plays.keys()]) this.#forget(id)?.stop()
  }

  /** The files, or null when the sound was stopped while they were made. */
  async #whenReady(play: Play, files: Promise<string[]>): Promise<string[] | null> {
    const { clock } = this.#options
    const stopped = play.whenStopped.then(() => null)
    const soon = await within(clock, patience, Promise.race([files, stopped]), 'late' as const)
    if (soon !== 'late') return soon
    const filler = !this.#music
    if (filler) await this.#startMusic('default')
    const made = await within(clock, longest, Promise.race([files, stopped]), 'late' as const).finally(() =>
      filler ? this.#stopMusic() : undefined,
    )
    if (made === 'late') throw new ApelError('speech_slow', `A sound was not ready within ${longest} ms.`, {}, true)
    return made
  }

  async #start(play: Play, files: string[]): Promise<void> {
    const { line, voice, clock } = this.#options
    await this.#stopMusic()
    if (play.stopped) return
    play.sent = true
    clock.clearTimeout(play.timer)
    this.#watch(play, voice.duration(files))
    await line.play(this.#name(play.id), files)
  }

  /** It ends in `length` ms (null: nobody knows); should nobody say so, it has ended all the same. */
  #watch(play: Play, length: number | null): void {
    play.timer = this.#options.clock.setTimeout(
      () => {
        if (this.#forget(play.id) !== undefined) this.#options.played(play.id, true)
      },
      length === null ? unknownLength : length + overdue,
    )
  }

  #failed(play: Play, error: unknown): void {
    const { clock, line, log, played } = this.#options
    if (play.stopped || this.#closed) return
    const gone = error instanceof ApelError && error.code === 'channel_gone'
    log.warn({ call: line.id, play: play.id, err: error }, 'a sound could not be played')
    // A request that was not answered in time may have been heard all the same.
    if (play.sent && !gone) this.#next(() => line.stopPlay(this.#name(play.id)))
    clock.clearTimeout(play.timer)
    play.timer = clock.setTimeout(
      () => {
        if (this.#forget(play.id) !== undefined) played(play.id, false)
      },
      gone ? goneDelay : failureDelay,
    )
  }

  /** A sound's name on the node, where all calls meet: the same one in a replay. */
  #name(id: string): string {
    return `${this.#options.line.id}.${id}`
  }

  #forget(id: string): Play | undefined {
    const play = this.#plays.get(id)
    if (play === undefined) return undefined
    this.#plays.delete(id)
    this.#options.clock.clearTimeout(play.timer)
    return play
  }

  /** The sound that follows does not wait for this: it begins when this one has ended, in whatever order the two are asked for. */
  #end(name: string): void {
    const { line, log } = this.#options
    const end = line.stopPlay(name).catch((error: unknown) => {
      log.debug({ call: line.id, err: error }, 'a sound could not be stopped')
    })
    this.#ends = Promise.all([this.#ends, end])
  }

  async #startMusic(musicClass: string): Promise<void> {
    this.#music = true
    await this.#ends
    await this.#options.line.startMusic(musicClass)
  }

  async #stopMusic(): Promise<void> {
    if (!this.#music) return
    this.#music = false
    try {
      await this.#options.line.stopMusic()
    } catch (error) {
      this.#music = linkAway(error)
      throw error
    }
  }

  /** One request after another; one that fails does not hold up the next. */
  #next(work: () => Promise<void>): void {
    this.#last = this.#last.then(async () => {
      if (this.#closed) return
      try {
        await work()
      } catch (error) {
        this.#options.log.debug({ call: this.#options.line.id, err: error }, 'a request to the line failed')
      }
    })
  }
}

function linkAway(error: unknown): boolean {
  return error instanceof ApelError && error.code === 'node_down'
}

function newPlay(id: string, wanted: number): Play {
  let settle = () => {}
  const whenStopped = new Promise<void>((resolve) => {
    settle = resolve
  })
  const play: Play = {
    id,
    sent: false,
    stopped: false,
    whenStopped,
    wanted,
    timer: null,
    stop() {
      play.stopped = true
      settle()
    },
  }
  return play
}
