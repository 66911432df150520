/**
 * The web of a rehearsal: whatever a flow asks of any service is really asked, by the service's own client, of one server on
 * this machine, which answers as the script says, when it says it, and holds the line where it says nothing.
 */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Web } from '../call/ports.ts'
import type { HttpRequest } from '../flow/io.ts'

export interface WebAnswer {
  status: number
  json: unknown
  /** ms since the epoch before which it is not given. */
  at: number
}

export interface AnsweringWeb {
  /** `host:port`. */
  host: string
  /** This request is about to be made; its answer goes by this name. */
  expect(request: HttpRequest, name: string): void
  answer(name: string, answer: WebAnswer): void
  /** Sends what is asked of anybody to this server, by the real client. */
  instead(real: Web): Web
  close(): void
}

export async function openWeb(): Promise<AnsweringWeb> {
  const names = new WeakMap<HttpRequest, string>()
  const answers = new Map<string, WebAnswer>()
  const waiting = new Map<string, ServerResponse>()
  const timers = new Set<NodeJS.Timeout>()
  const server = createServer((request, response) => {
    const name = decodeURIComponent((request.url ?? '').slice(1))
    request.resume()
    waiting.set(name, response)
    response.once('close', () => waiting.delete(name))
    serve(name)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`

  function serve(name: string): void {
    const [answer, response] = [answers.get(name), waiting.get(name)]
    if (answer === undefined || response === undefined) return
    answers.delete(name)
    const timer = setTimeout(
      () => {
        timers.delete(timer)
        const body = typeof answer.json === 'string' ? answer.json : JSON.stringify(answer.json)
        const type = typeof answer.json === 'string' ? 'text/plain' : 'application/json'
        response.writeHead(answer.status, { 'content-type': type }).end(body)
      },
      Math.max(0, answer.at - Date.now()),
    )
    timers.add(timer)
  }

  return {
    host,
    expect: (request, name) => void names.set(request, name),
    answer(name, answer) {
      answers.set(name, answer)
      serve(name)
    },
    instead: (real) => ({
      async request(request, timeout) {
        const name = names.get(request)
        if (name === undefined) return real.request(request, timeout)
        return real.request({ ...request, url: `http://${host}/${encodeURIComponent(name)}` }, timeout)
      },
    }),
    close() {
      for (const timer of timers) clearTimeout(timer)
      server.closeAllConnections()
      server.close()
    },
  }
}
