/**
 * What the far side says, kept in files on the node. A recording ends by the flow's word, by its longest time, or with the
 * call; the flow hears of the first two, once, also when the node never says so. What is kept stands in the call's record
 * from its beginning on: a caller who hangs up after a message has left it.
 */
import type { Log } from '../log.ts'
import type { Clock, Line, LineEvent } from './ports.ts'

/** ms that the node may take to say that a recording which we have ended is ended. */
const endWithin = 3_000
/** ms before the flow hears of a failure. */
const failureDelay = 300
/** ms over the longest time after which the node, which counts whole seconds, ends it by itself. */
const spare = 2_000

export interface RecorderOptions {
  line: Line
  clock: Clock
  log: Log
  /** The names in the record; `listed` is called when one was added or taken out. */
  kept: string[]
  listed(): void
  /** Settles when the line has been asked for every sound and every stop that was wanted until now. */
  heard(): Promise<void>
  /** A recording that was not thrown away has ended; `duration` in ms. */
  recorded(id: string, ok: boolean, duration: number): void
}

interface Recording {
  id: string
  name: string
  /** When the node began with it, ms since the epoch; null until it has said so. */
  begun: number | null
  /** When we asked for its end, ms since the epoch. */
  ended: number | null
  failed: boolean
  timer: unknown
}

export class Recorder {
  readonly #options: RecorderOptions
  /** By name, until their end is told or of no interest. */
  readonly #recordings = new Map<string, Recording>()
  #last: Promise<void> = Promise.resolve()
  #closed = false

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  start(id: string, name: string, beep: boolean, maxTime: number): void {
    if (this.#closed) return
    const { line, clock, kept } = this.#options
    const recording: Recording = { id, name, begun: null, ended: null, failed: false, timer: null }
    this.#recordings.set(name, recording)
    if (!kept.includes(name)) kept.push(name)
    this.#options.listed()
    recording.timer = clock.setTimeout(() => this.#end(recording), maxTime)
    this.#next(async () => {
      // What is still to be stopped is stopped first: a channel that plays keeps whoever wants to record it waiting.
      await this.#options.heard()
      if (this.#recordings.get(name) !== recording) return
      await line.record(name, { beep, maxTime: maxTime + spare })
      recording.begun = clock.now()
    }, recording)
  }

  /**
   * One that another process had begun at `at` (ms since the epoch); `ending`: its end was asked for. It goes on, or has
   * ended meanwhile, or was never begun, and is.
   */
  async takeOver(
    { id, name, beep, maxTime }: { id: string; name: string; beep: boolean; maxTime: number },
    at: number,
    ending: boolean,
  ): Promise<void> {
    const { line, clock, kept, listed } = this.#options
    const there = await line.records(name)
    if (there === null && !ending) return this.start(id, name, beep, maxTime)
    const recording: Recording = { id, name, begun: at, ended: ending ? at : null, failed: false, timer: null }
    this.#recordings.set(name, recording)
    if (!kept.includes(name)) {
      kept.push(name)
      listed()
    }
    const now = clock.now()
    if (there !== 'now') return this.#over(recording, there === 'kept', Math.min(now - at, maxTime))
    recording.ended = null
    if (ending) this.#end(recording)
    else recording.timer = clock.setTimeout(() => this.#end(recording), Math.max(0, at + maxTime - now))
  }

  stop(id: string, keep: boolean): void {
    const recording = [...this.#recordings.values()].find((each) => each.id === id)
    if (recording === undefined) return
    if (keep) this.#end(recording)
    else this.#drop(recording)
  }

  /** The line says that one has ended. */
  ended({ name, ok, duration, at }: Extract<LineEvent, { type: 'recorded' }>): void {
    const recording = this.#recordings.get(name)
    if (recording !== undefined) this.#over(recording, ok, lengthOf(recording, duration, at))
  }

  /** The line is gone: what was being recorded is kept, and nothing is told any more. */
  close(): void {
    this.#closed = true
    for (const recording of [...this.#recordings.values()]) {
      this.#forget(recording)
      if (recording.begun === null) this.#unlist(recording.name)
    }
  }

  #drop(recording: Recording): void {
    this.#forget(recording)
    this.#unlist(recording.name)
    this.#next(() => this.#options.line.stopRecord(recording.name, false))
  }

  #end(recording: Recording): void {
    const { line, clock } = this.#options
    if (recording.ended !== null || recording.failed) return
    recording.ended = clock.now()
    clock.clearTimeout(recording.timer)
    recording.timer = clock.setTimeout(
      () => this.#over(recording, recording.begun !== null, lengthOf(recording, null, clock.now())),
      endWithin,
    )
    this.#next(() => line.stopRecord(recording.name, true))
  }

  #over(recording: Recording, ok: boolean, duration: number): void {
    if (recording.failed) return
    if (ok) {
      this.#forget(recording)
      this.#options.recorded(recording.id, true, duration)
    } else this.#fail(recording)
  }

  /** What fails because they have just hung up must not look like a fault of ours: the end of the call is told first. */
  #fail(recording: Recording): void {
    const { clock, recorded } = this.#options
    recording.failed = true
    this.#unlist(recording.name)
    clock.clearTimeout(recording.timer)
    recording.timer = clock.setTimeout(() => {
      this.#forget(recording)
      recorded(recording.id, false, 0)
    }, failureDelay)
  }

  #forget(recording: Recording): void {
    this.#options.clock.clearTimeout(recording.timer)
    this.#recordings.delete(recording.name)
  }

  #unlist(name: string): void {
    const { kept, listed } = this.#options
    const index = kept.indexOf(name)
    if (index < 0) return
    kept.splice(index, 1)
    listed()
  }

  /** One request after another: an end must not overtake its beginning. One that begins and cannot has failed. */
  #next(work: () => Promise<void>, begins?: Recording): void {
    this.#last = this.#last.then(async () => {
      if (this.#closed) return
      try {
        await work()
      } catch (error) {
        this.#options.log.warn({ call: this.#options.line.id, err: error }, 'a request for a recording failed')
        if (begins && this.#recordings.get(begins.name) === begins && !this.#closed) this.#over(begins, false, 0)
      }
    })
  }
}

/** From its beginning to our word; the node, which counts whole seconds, decides where the two differ by more than one. */
function lengthOf({ begun, ended }: Recording, told: number | null, at: number): number {
  const measured = begun === null ? 0 : Math.max(0, (ended ?? at) - begun)
  return told === null ? measured : Math.min(Math.max(measured, told - 999), told + 999)
}
