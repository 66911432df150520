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
    let latest = 0
    from.on('data', (bytes) => {
      // What came before goes before, also when the delay has just become shorter.
      latest = Math.max(latest, Date.now() + delay / 2)
      setTimeout(() => to.writable && to.write(bytes), latest - Date.now())
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
