/**
 * What is written to a connection within one turn of the event loop leaves in one packet. A call that is answered writes
 * its record, its journal and a step at once; each packet costs a system call here and wakes the other side.
 */
import type { Writable } from 'node:stream'

const held = new WeakSet<Writable>()

/** Called before each write. */
export function inOnePacket(stream: Writable): void {
  if (held.has(stream)) return
  held.add(stream)
  stream.cork()
  setImmediate(() => {
    held.delete(stream)
    stream.uncork()
  })
}
