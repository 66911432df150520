/** A TCP proxy before Asterisk's web server. It tells the events' websocket from plain requests by their first line. */

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'

type Kind = 'events' | 'rest'

interface Pair {
  kind: Kind
  client: Socket
  server: Socket
}

export interface Gate {
  url: string
  /** From now on nothing passes on connections of this kind, in either direction, and nobody is told. */
  freeze(kind?: Kind): void
  /** Keeps what Asterisk answers from its client; requests pass. */
  mute(kind?: Kind): void
  /** Drops what clients send on open websockets: Asterisk hears no request there. */
  deafen(): void
  /** Lets everything pass again that was held, in order. */
  release(): void
  /** Resets all connections of this kind. */
  reset(kind?: Kind): void
  /** Sends bytes to the client of every websocket, as if Asterisk had. */
  inject(bytes: Buffer): void
  /** How many connections of this kind are open. */
  open(kind?: Kind): number
  /** How many websockets have been opened so far. */
  opened(): number
  stop(): Promise<void>
}

export async function startProxy(target: number): Promise<Gate> {
  const pairs = new Set<Pair>()
  const held = { up: new Set<Kind>(), down: new Set<Kind>() }
  const waiting: (() => void)[] = []
  let deaf = false
  let opened = 0
  const server: Server = createServer((client) => {
    client.once('data', (first) => {
      const kind: Kind = /^GET \/ari\/events\?/.test(first.toString('latin1')) ? 'events' : 'rest'
      if (kind === 'events') opened += 1
      const far = connect(target, '127.0.0.1')
      const pair: Pair = { kind, client, server: far }
      pairs.add(pair)
      const pass = (to: Socket, direction: 'up' | 'down') => (bytes: Buffer) => {
        if (deaf && kind === 'events' && direction === 'up') return
        if (held[direction].has(kind)) waiting.push(() => to.write(bytes))
        else to.write(bytes)
      }
      const up = pass(far, 'up')
      far.write(first)
      client.on('data', up)
      far.on('data', pass(client, 'down'))
      for (const [one, other] of [
        [client, far],
        [far, client],
      ] as const) {
        one.on('error', () => other.destroy())
        one.on('close', () => {
          pairs.delete(pair)
          // A frozen network carries no end either.
          if (!held.up.has(kind)) other.destroy()
        })
      }
    })
    client.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const both = (kind?: Kind): Kind[] => (kind ? [kind] : ['events', 'rest'])

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    freeze(kind) {
      for (const one of both(kind)) {
        held.up.add(one)
        held.down.add(one)
      }
    },
    mute(kind) {
      for (const one of both(kind)) held.down.add(one)
    },
    deafen() {
      deaf = true
    },
    release() {
      deaf = false
      held.up.clear()
      held.down.clear()
      for (const pass of waiting.splice(0)) pass()
    },
    reset(kind) {
      for (const pair of [...pairs]) {
        if (kind && pair.kind !== kind) continue
        pair.client.resetAndDestroy()
        pair.server.destroy()
      }
    },
    inject(bytes) {
      for (const pair of pairs) if (pair.kind === 'events') pair.client.write(bytes)
    },
    opened: () => opened,
    open: (kind) => [...pairs].filter((pair) => !kind || pair.kind === kind).length,
    async stop() {
      for (const { client, server: far } of pairs) {
        client.destroy()
        far.destroy()
      }
      server.close()
      await once(server, 'close')
    },
  }
}

/** An unmasked text frame, as a server sends it. */
export function frame(text: string): Buffer {
  const payload = Buffer.from(text)
  const head =
    payload.length < 126
      ? Buffer.from([0x81, payload.length])
      : payload.length < 65_536
        ? Buffer.from([0x81, 126, payload.length >> 8, payload.length & 255])
        : Buffer.concat([Buffer.from([0x81, 127]), bigEndian(payload.length)])
  return Buffer.concat([head, payload])
}

function bigEndian(length: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(length))
  return bytes
}
