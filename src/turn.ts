/**
 * The turn of the event loop, as the connections see it. To wake a process and to be woken costs more here than what is
 * said: a packet to an idle core is 50 to 100 µs of processor time, an event of Asterisk read and understood is 20.
 *
 * So what is written to a connection within one turn leaves in one packet. And when Asterisk has much to say, a turn that
 * has heard it ends with a pause: its next frames and the answers of Redis are there together when the loop goes on, and
 * neither it nor they had to be woken for each. At most twice the pause comes between a key and what follows from it.
 */
import type { Writable } from 'node:stream'

/** ms. */
const PAUSE = 2
/** Frames a second from which on it is worth it: some ten calls a second. */
const MANY = 200
/** ms over which they are counted. */
const COUNTED = 500

export interface Turn {
  /** Called before each write to a connection. */
  inOnePacket(stream: Writable): void
  /** Called for each frame of Asterisk. */
  heardFrame(): void
}

/** `now` in ms; `rest` lets the whole process stand still for so many ms. */
export function makeTurn(now: () => number, rest: (ms: number) => void): Turn {
  const held = new Set<Writable>()
  let ending = false
  let since = now()
  let frames = 0
  let heard = false
  let many = false

  const end = (): void => {
    ending = false
    for (const stream of held) stream.uncork()
    held.clear()
    if (!heard) return
    heard = false
    const counted = now() - since
    if (counted >= COUNTED) {
      many = (1000 * frames) / counted >= MANY
      since = now()
      frames = 0
    }
    if (many) rest(PAUSE)
  }
  const endSoon = (): void => {
    if (ending) return
    ending = true
    setImmediate(end)
  }

  return {
    inOnePacket(stream) {
      if (held.has(stream)) return
      held.add(stream)
      stream.cork()
      endSoon()
    },
    heardFrame() {
      frames += 1
      heard = true
      endSoon()
    },
  }
}

const cell = new Int32Array(new SharedArrayBuffer(4))

/** Of this process. */
export const { inOnePacket, heardFrame } = makeTurn(
  () => performance.now(),
  (ms) => Atomics.wait(cell, 0, 0, ms),
)
