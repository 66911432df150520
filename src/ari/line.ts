/**
 * One channel of ours: its state, its listener, its commands, and the watch that every wait of it ends. Commands are
 * single requests of ARI; what they bring about is told by events. An end is told once, and takes the channel out of the
 * map of `lines.ts`, so that nothing grows with the calls of a day.
 */
import type { Clock, Line, LineEvent } from '../call/ports.ts'
import { talkDetect } from '../call/talk.ts'
import { ApelError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Signal } from './events.ts'
import { gone, type LineState, observe } from './line-state.ts'
import type { AriLink, Query } from './link.ts'

/** What a channel needs of the node. `request` rejects with `node_down` while there is no link. */
export interface Node {
  readonly name: string
  readonly app: string
  readonly clock: Clock
  readonly log: Log
  request: AriLink['request']
}

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
  /** Hangs the channel up if it is not answered by then. */
  ringsUntil(ms: number): void
  /** Takes the channel off the map without a word. */
  drop(): void
}

/** A failed sound is told after this, ms: when the far side hangs up, the end must come instead of it. */
const FAILURE_DELAY = 150
/** ms from our hang-up, or from leaving our application, to asking whether the channel is gone. */
const END_WITHIN = 3_000
/** ms; AMD takes 2 to 5 s, and comes back. */
const AMD_WITHIN = 20_000
/** ms that Asterisk's own time limit may be late before we stop believing in the channel. */
const LIMIT_GRACE = 15_000
/** What the driver of a call counts on: see `call/talk.ts`. */
export const TALK_DETECT = talkDetect

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
    for (const event of observe(state, incoming, at)) {
      if (event.type === 'played' && !event.ok)
        arm(`failed ${event.id}`, FAILURE_DELAY, () => !state.leaving && tell(event))
      else tell(event)
    }
    if (state.entered) for (const enter of entrants.splice(0)) enter()
    if (state.left && !state.ended) arm('verify', END_WITHIN, () => void verify(END_WITHIN))
  }

  const ask = async (
    method: 'GET' | 'POST' | 'DELETE',
    below: string,
    query: Query = {},
    options: { gone?: boolean; body?: unknown } = {},
  ): Promise<unknown> => {
    const answer = await node.request(method, `${path}${below}`, query, options.body)
    if (answer.status < 300 || (options.gone && answer.status === 404)) return answer.body
    throw refused(node.name, id, `${method} ${below || 'channel'}`, answer.status, answer.body)
  }

  /** Sends the channel through the dialplan's AMD; it comes back with the verdict as arguments. */
  const detect = async (): Promise<void> => {
    state.away = true
    arm('amd', AMD_WITHIN, () => void hangup().catch(() => undefined))
    try {
      await ask('POST', '/continue', { context: 'apel-amd', extension: 's', priority: 1 })
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
    await ask('DELETE', '', {}, { gone: true })
  }

  if (state.absolute !== null) {
    arm('limit', state.absolute + LIMIT_GRACE, () => {
      void node.request('DELETE', path).catch(() => undefined)
      lost(true)
    })
  }

  const line: Line = {
    id,
    async play(playback, files) {
      playing.add(playback)
      try {
        // In the body: a number read out digit by digit would be too long for a request line.
        const body = { media: files.map((file) => `sound:${file}`) }
        await ask('POST', `/play/${encodeURIComponent(playback)}`, {}, { body })
      } catch (error) {
        playing.delete(playback)
        throw error
      }
    },
    async stopPlay(playback) {
      const answer = await node.request('DELETE', `/playbacks/${encodeURIComponent(playback)}`)
      if (answer.status >= 300 && answer.status !== 404) {
        throw refused(node.name, id, 'DELETE /playbacks', answer.status, answer.body)
      }
    },
    async startMusic(musicClass) {
      await ask('POST', '/moh', { mohClass: musicClass })
    },
    async stopMusic() {
      await ask('DELETE', '/moh', {}, { gone: true })
    },
    async ring() {
      await ask('POST', '/ring')
    },
    async answer() {
      // Before the answer: later it would wait for the end of a prompt.
      await ask('POST', '/variable', { variable: 'TALK_DETECT(set)', value: TALK_DETECT })
      await ask('POST', '/answer')
    },
    hangup,
    async receivedPackets() {
      const stats = (await ask('GET', '/rtp_statistics')) as { rxcount?: unknown } | null
      return typeof stats?.rxcount === 'number' ? stats.rxcount : 0
    },
    release: drop,
  }

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
    ringsUntil(ms) {
      if (!state.answered && !dropped) arm('ring', ms, () => void hangup().catch(() => undefined))
    },
    drop,
  }
}

export function refused(node: string, id: string, what: string, status: number, body: unknown): ApelError {
  const said = saidBy(body)
  if (status === 404) {
    return new ApelError('channel_gone', `channel ${id} is no longer on Asterisk node ${node} (${what}: ${said})`, {
      node,
      status,
    })
  }
  return new ApelError(
    'ari_refused',
    `Asterisk node ${node} refused ${what} for channel ${id} with status ${status}: ${said}`,
    { node, status, said },
    status === 503,
  )
}

/** The node's own words in an answer. */
export function saidBy(body: unknown): string {
  const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}
  const words = fields.message ?? fields.error ?? (typeof body === 'string' ? body.slice(0, 200) : null)
  return typeof words === 'string' && words !== '' ? words : 'no reason given'
}
