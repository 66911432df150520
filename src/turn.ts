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

const held = new Set<Writable>()
const cell = new Int32Array(new SharedArrayBuffer(4))
let ending = false
let heardSince = performance.now()
let frames = 0
let spoken = false
let many = false

/** Called before each write to a connection. */
export function inOnePacket(stream: Writable): void {
  if (held.has(stream)) return
  held.add(stream)
  stream.cork()
  endTurn()
}

/** Called for each frame of Asterisk. */
export function heardFrame(): void {
  frames += 1
  spoken = true
  endTurn()
}

function endTurn(): void {
  if (ending) return
  ending = true
  setImmediate(() => {
    ending = false
    for (const stream of held) stream.uncork()
    held.clear()
    if (!spoken) return
    spoken = false
    const now = performance.now()
    if (now - heardSince >= COUNTED) {
      many = (1000 * frames) / (now - heardSince) >= MANY
      heardSince = now
      frames = 0
    }
    if (many) Atomics.wait(cell, 0, 0, PAUSE)
  })
}
