/**
 * Answers at the API's address while there is no service behind it yet: alive, not ready, and why. Whoever restarts what is not
 * alive leaves it alone, and whoever sends requests to what is ready does not come.
 */
import { createServer, type Server } from 'node:http'
import { ApelError } from '../errors.ts'
import { errorTable } from './errors.ts'

export interface Address {
  host: string
  port: number
}

/** Throws why the API's address could not be opened. */
export function notOpened({ host, port }: Address): (cause: NodeJS.ErrnoException) => never {
  return (cause) => {
    const taken = cause.code === 'EADDRINUSE'
    const why = taken ? 'is taken by another program; change `api.port`' : `cannot be opened: ${cause.message}`
    throw new ApelError('port_taken', `The API's port ${host}:${port} ${why}.`)
  }
}

/** Gives how it is closed again. Rejects with `port_taken`. */
export async function openPorch(address: Address, reason: () => string): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    const [status, body] = answerTo(request.url?.split('?')[0] ?? '', reason())
    request.resume()
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', connection: 'close' })
    response.end(JSON.stringify(body))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(address.port, address.host, resolve)
  }).catch(notOpened(address))
  return () => closed(server)
}

function answerTo(path: string, reason: string): [number, unknown] {
  if (path === '/health/live') return [200, { live: true }]
  const { status } = errorTable.unavailable
  if (path !== '/health/ready') return [status, { code: 'unavailable', message: reason, details: null }]
  return [
    status,
    { ready: false, reason, redis: { writable: false, reason }, ledger: { loaded: false, reason: null }, nodes: [] },
  ]
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
