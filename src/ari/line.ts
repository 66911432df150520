/**
 * One channel of ours: its state, its listener, and the watch that every wait of it ends: a ring that goes on, an end that
 * was to come and did not, a detection that does not come back, a time limit that Asterisk seems to have forgotten. An end is told once, and takes the channel out of the
 * map of `lines.ts`, so that nothing grows with the calls of a day.
 */
import type { Line, LineEvent } from '../call/ports.ts'
import { unheard } from '../call/talk.ts'
import type { Signal } from './events.ts'
import { askChannel, makeCommands } from './line-commands.ts'
import { gone, type LineState, observe } from './line-state.ts'
import type { Node } from './node.ts'

export interface LiveLine {
  readonly id: string
  readonly state: LineState
  readonly line: Line
  readonly playing: ReadonlySet<string>
  signal(signal: Signal): void
  /** The channel is known to be gone. */
  lost(restarted: boolean): void
  /** Asks whether the channel is there at all. */
  check(): void
  /** Sets or changes the listener; what was told before is told to the first one. */
  listen(listener: (event: LineEvent) => void): void
  /** Resolves at the first entry into our application, at the end, or after `ms`. */
  entry(ms: number): Promise<void>
  /** It is in the dialplan, where a machine is told from a person: it comes back with the verdict. */
  awaitVerdict(): void
  /** Nothing was heard of it for a while: that they stopped talking may have been missed. */
  doubtTalk(): void
  /** Hangs the channel up if it is not answered by then. */
  ringsUntil(ms: number): void
  /** Takes the channel off the map without a word. */
  drop(): void
}

/** A failed sound is told after this, ms: when the far side hangs up, the end must come instead of it. */
const FAILURE_DELAY = 150
/** ms from our hang-up, or from leaving our application, to asking whether the channel is gone. */
const END_WITHIN = 3_000
/** ms; AMD takes up to 2 s, on an Asterisk of one's own up to 5, and comes back. */
const AMD_WITHIN = 20_000
/** ms that Asterisk's own time limit may be late before we stop believing in the channel. */
const LIMIT_GRACE = 15_000

export function makeLine(node: Node, id: string, state: LineState, onDrop: () => void): LiveLine {
  const path = `/channels/${encodeURIComponent(id)}`
  const playing = new Set<string>()
  const told: LineEvent[] = []
  const timers = new Map<string, unknown>()
  const entrants: (() => void)[] = []
  let listener: ((event: LineEvent) => void) | null = null
  let dropped = false

  const arm = (name: string, ms: number, run: () => void): void => {
    disarm(name)
    timers.set(
      name,
      node.clock.setTimeout(() => {
        timers.delete(name)
        run()
      }, ms),
    )
  }
  const disarm = (name: string): void => {
    node.clock.clearTimeout(timers.get(name))
    timers.delete(name)
  }

  const tell = (event: LineEvent): void => {
    if (dropped) return
    if (event.type === 'ended') drop()
    if (event.type === 'answered') {
      disarm('ring')
      if (state.amd) void detect()
    }
    if (event.type === 'amd') disarm('amd')
    if (event.type === 'played') playing.delete(event.id)
    if (listener) deliver(event)
    else told.push(event)
  }

  const deliver = (event: LineEvent): void => {
    try {
      listener?.(event)
    } catch (error) {
      node.log.error({ node: node.name, call: id, event: event.type, err: error }, 'the listener of a line threw')
    }
  }

  const drop = (): void => {
    if (dropped) return
    dropped = true
    for (const name of [...timers.keys()]) disarm(name)
    for (const enter of entrants.splice(0)) enter()
    onDrop()
  }

  const lost = (restarted: boolean): void => gone(state, node.clock.now(), restarted).forEach(tell)

  /** Is it still there? Asked when an end was to come and did not. */
  const verify = async (again: number): Promise<void> => {
    try {
      const answer = await node.request('GET', path)
      if (answer.status === 404) return lost(false)
      // A hang-up that was lost on the way.
      if (state.leaving === 'us') await node.request('DELETE', path)
      else if (!state.left) return
    } catch {
      // The link is down: after it is up again all channels are read anew.
    }
    if (!dropped) arm('verify', again, () => void verify(again))
  }

  const signal = (incoming: Signal): void => {
    const at = node.clock.now()
    if (incoming.kind === 'talk') disarm('talk')
    for (const event of observe(state, incoming, at)) {
      if (event.type === 'played' && !event.ok)
        arm(`failed ${event.id}`, FAILURE_DELAY, () => !state.leaving && tell(event))
      else tell(event)
    }
    if (state.entered) for (const enter of entrants.splice(0)) enter()
    if (state.left && !state.ended) arm('verify', END_WITHIN, () => void verify(END_WITHIN))
  }

  const awaitVerdict = (): void => {
    state.away = true
    arm('amd', AMD_WITHIN, () => void expire(() => state.away))
  }

  /** Sends the channel through the dialplan's AMD; it comes back with the verdict as arguments. */
  const detect = async (): Promise<void> => {
    awaitVerdict()
    try {
      await askChannel(node, id, 'POST', '/continue', { context: 'apel-amd', extension: 's', priority: 1 })
    } catch (error) {
      if (dropped) return
      state.away = false
      node.log.warn({ node: node.name, call: id, err: error }, 'answering machine detection could not be started')
      tell({ type: 'amd', at: node.clock.now(), status: 'NOTSURE', cause: 'REFUSED' })
    }
  }

  const hangup = async (): Promise<void> => {
    if (dropped) return
    state.leaving ??= 'us'
    arm('verify', END_WITHIN, () => void verify(END_WITHIN))
    await askChannel(node, id, 'DELETE', '', {}, { gone: true })
  }

  /** Its time is up; who was asleep asks first whose it is, and what has happened. */
  const expire = async (still: () => boolean): Promise<void> => {
    await node.doubt()
    if (still()) await hangup().catch(() => undefined)
  }

  if (state.absolute !== null) {
    arm('limit', Math.max(0, state.born + state.absolute + LIMIT_GRACE - node.clock.now()), () => {
      void node.request('DELETE', path).catch(() => undefined)
      lost(true)
    })
  }

  const line: Line = makeCommands({ node, id, direction: state.direction, playing, hangup, release: drop })

  return {
    id,
    state,
    line,
    playing,
    signal,
    lost,
    check() {
      if (!dropped) arm('verify', 0, () => void verify(END_WITHIN))
    },
    listen(next) {
      const first = listener === null
      listener = next
      // Not from within: the caller has not got its line yet.
      if (first && told.length > 0) queueMicrotask(() => told.splice(0).forEach(deliver))
    },
    entry: (ms) =>
      new Promise((resolve) => {
        if (state.entered || dropped) return resolve()
        entrants.push(() => {
          disarm('entry')
          resolve()
        })
        arm('entry', ms, resolve)
      }),
    awaitVerdict,
    doubtTalk() {
      if (state.talking && !dropped) arm('talk', unheard, () => signal({ channel: id, kind: 'talk', on: false }))
    },
    ringsUntil(ms) {
      if (!state.answered && !dropped) arm('ring', ms, () => void expire(() => !state.answered))
    },
    drop,
  }
}
