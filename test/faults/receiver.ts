/** The receiver of webhooks: a real web server on loopback that notes every letter, and refuses them all while it is told to. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Delivery } from './checker.ts'

export interface Receiver {
  /** `127.0.0.1:PORT`, for `http.allow_hosts`. */
  host: string
  deliveries: Delivery[]
  /** Answers 500 from now on, or no more. What is refused is no delivery. */
  refuse(on: boolean): void
  stop(): Promise<void>
}

export async function startReceiver(): Promise<Receiver> {
  const deliveries: Delivery[] = []
  let refusing = false
  const server = createServer(async (request, response) => {
    const { event, data } = JSON.parse(await text(request))
    const id = String(request.headers['x-apel-delivery'])
    if (!refusing) deliveries.push({ id, event, call: data.id, disposition: data.disposition })
    response.writeHead(refusing ? 500 : 204).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    deliveries,
    refuse(on) {
      refusing = on
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function text(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const piece of request) body += piece
  return body
}
