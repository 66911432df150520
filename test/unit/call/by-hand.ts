/**
 * A clock that moves when a test moves it, and a line that a test plays by hand: for the orders of events that a real
 * Asterisk gives once in a thousand calls.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { pino } from 'pino'
import type { Clock, Line, LineEvent, Speaker, Telephony, Voice } from '../../../src/call/ports.ts'

export const quiet = pino({ level: 'silent' })

/** Lets everything that is ready to run do so. */
export async function settled(): Promise<void> {
  for (let n = 0; n < 5; n += 1) await turn()
}

export interface HandClock extends Clock {
  /** Moves on, running what comes due in its order, each with all that follows from it. */
  pass(ms: number): Promise<void>
  /** Timers that are set. */
  set(): number
}

export function handClock(start = Date.UTC(2026, 0, 5, 8)): HandClock {
  let now = start
  let next = 0
  const timers = new Map<number, { at: number; run: () => void }>()
  return {
    now: () => now,
    setTimeout(run, ms) {
      next += 1
      timers.set(next, { at: now + ms, run })
      return next
    },
    clearTimeout: (handle) => void timers.delete(handle as number),
    set: () => timers.size,
    async pass(ms) {
      const until = now + ms
      await settled()
      for (;;) {
        const due = [...timers]
          .filter(([, timer]) => timer.at <= until)
          .sort((a, b) => a[1].at - b[1].at || a[0] - b[0])[0]
        if (due === undefined) break
        timers.delete(due[0])
        now = Math.max(now, due[1].at)
        due[1].run()
        await settled()
      }
      now = until
    },
  }
}

export interface HandLine extends Line {
  /** What was asked of the line, in order, e.g. `play p1 a b`, `stop p1`, `music default`, `hangup`. */
  asked: string[]
  /** Sounds that are being played and recordings that are being made. */
  there: Set<string>
  /** RTP packets that have come. */
  packets: number
  /** Requests of this kind fail with this from now on. */
  fail(kind: string, error: Error | null): void
  /** Requests of this kind are not answered until `release` is called. */
  stall(kind: string): () => void
  released: boolean
  /** A request that is only written down. */
  ask(kind: string, rest?: string): Promise<void>
}

export function handLine(id = 'call-1'): HandLine {
  const failing = new Map<string, Error>()
  const stalled = new Map<string, Promise<void>>()
  const ask = async (kind: string, rest = '') => {
    line.asked.push(`${kind} ${rest}`.trim())
    await stalled.get(kind)
    const error = failing.get(kind)
    if (error) throw error
  }
  const line: HandLine = {
    id,
    asked: [],
    there: new Set(),
    packets: 0,
    released: false,
    ask,
    play: (play, files) => ask('play', `${play} ${files.join(' ')}`),
    stopPlay: (play) => ask('stop', play),
    startMusic: (name) => ask('music', name),
    stopMusic: () => ask('quiet'),
    record: (name, { beep, maxTime }) => ask('record', `${name} ${beep ? 'beep ' : ''}${maxTime}`),
    stopRecord: (name, keep) => ask(keep ? 'keep' : 'drop', name),
    async plays(play) {
      await ask('plays', play)
      return line.there.has(play)
    },
    async records(name) {
      await ask('records', name)
      return line.there.has(name) ? 'now' : null
    },
    press: (keys, gap) => ask('press', `${keys} ${gap}`),
    ring: () => ask('ring'),
    answer: () => ask('answer'),
    hangup: () => ask('hangup'),
    async receivedPackets() {
      await ask('packets')
      line.asked.pop()
      return line.packets
    },
    release() {
      line.released = true
    },
    fail(kind, error) {
      if (error) failing.set(kind, error)
      else failing.delete(kind)
    },
    stall(kind) {
      let go = () => {}
      stalled.set(
        kind,
        new Promise<void>((resolve) => {
          go = () => {
            stalled.delete(kind)
            resolve()
          }
        }),
      )
      return () => go()
    },
  }
  return line
}

export interface HandNode extends Telephony {
  /** What was asked of the node, in order, e.g. `dial call-1.1`, `bridge call-1.1 call-1 call-1.1`. */
  asked: string[]
  /** The lines of the legs that were dialled, and what tells their events. */
  lines: Map<string, HandLine>
  /** Who is in the bridge of which a call asks; null: it is not there. */
  inside: string[] | null
  /** What the channels that are attached to find on the node. */
  there: Set<string>
  tell(id: string, event: LineEvent): void
  fail(kind: string, error: Error | null): void
  stall(kind: string): () => void
}

/** A node whose channels and bridges a test plays by hand. */
export function handNode(): HandNode {
  const line = handLine('node')
  const listeners = new Map<string, (event: LineEvent) => void>()
  const node: HandNode = {
    node: 'local',
    app: 'apel-test-1',
    startup: () => '',
    inside: null,
    async bridged(id) {
      await line.ask('bridged', id)
      return node.inside
    },
    asked: line.asked,
    lines: new Map(),
    tell: (id, event) => listeners.get(id)?.(event),
    fail: line.fail,
    stall: line.stall,
    ready: () => true,
    reason: () => null,
    async dial(order, listener) {
      listeners.set(order.id, listener)
      const leg = handLine(order.id)
      await line.ask('dial', order.id)
      node.lines.set(order.id, leg)
      return leg
    },
    there: new Set(),
    attach(id, listener) {
      listeners.set(id, listener)
      const line = handLine(id)
      line.there = node.there
      node.lines.set(id, line)
      return line
    },
    bridge: (id, channels) => line.ask('bridge', `${id} ${channels.join(' ')}`),
    recordBridge: (id, name) => line.ask('record', `${id} ${name}`),
    unbridge: (id) => line.ask('unbridge', id),
    onInbound() {},
  }
  return node
}

/** A voice whose files are named by their text; `late` texts wait until they are made. */
export function handVoice(): Voice & { late: Map<string, Promise<void>>; broken: Set<string> } {
  const late = new Map<string, Promise<void>>()
  const broken = new Set<string>()
  const speaker = (folder: string): Speaker => ({
    async files(parts) {
      const files: string[] = []
      for (const part of parts) {
        const name = 'text' in part ? part.text : part.sound
        await late.get(name)
        if (broken.has(name)) throw new Error(`cannot say ${name}`)
        files.push(`${folder}/${name}`)
      }
      return files
    },
    duration: (files) => 1000 * files.length,
  })
  return { late, broken, ...speaker(''), passing: speaker('/passing') }
}

export type { LineEvent }
