/** A way to a TCP port on loopback on which every byte takes so long, in both directions together. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface SlowWay {
  port: number
  /** ms; 0 at first. */
  delay(ms: number): void
  stop(): void
}

export async function slowWay(target: number): Promise<SlowWay> {
  let delay = 0
  const open = new Set<Socket>()
  const pass = (from: Socket, to: Socket) => {
    open.add(from)
    // What came before goes before, also when the delay has just become shorter.
    const held: { at: number; bytes: Buffer }[] = []
    const release = () => {
      while (held.length > 0 && held[0]!.at <= Date.now()) {
        const { bytes } = held.shift()!
        if (to.writable) to.write(bytes)
      }
      if (held.length > 0) setTimeout(release, held[0]!.at - Date.now())
    }
    from.on('data', (bytes) => {
      held.push({ at: Math.max(held.at(-1)?.at ?? 0, Date.now() + delay / 2), bytes })
      if (held.length === 1) release()
    })
    from.on('error', () => to.destroy())
    from.on('close', () => {
      open.delete(from)
      to.destroy()
    })
  }
  const server = createServer((client) => {
    const far = connect(target, '127.0.0.1')
    pass(client, far)
    pass(far, client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    delay(ms) {
      delay = ms
    },
    stop() {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}
