/** The clinic's own systems, as far as the flows ask them: a web service for free days, and the one who finds results. */

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { System } from '../test/support/system.ts'

/** A look-up that takes long enough for music to be heard. */
const SLOW = 5000

export async function openDesk(): Promise<{ port: number; close(): void }> {
  const server: Server = createServer((_, answer) => {
    setTimeout(() => {
      answer.setHeader('content-type', 'application/json')
      answer.end(JSON.stringify({ name: 'Thursday' }))
    }, SLOW)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Finds the result that an inbound caller waits for, some seconds after the call has come to `look_up`. */
export class ResultFinder {
  readonly #system: System
  readonly #found = new Set<string>()

  constructor(system: System) {
    this.#system = system
  }

  /** Looks at the live calls; to be called again and again. */
  look(calls: { id: string; steps: { step: string }[] }[]): void {
    for (const { id, steps } of calls) {
      if (steps.at(-1)?.step !== 'look_up' || this.#found.has(id)) continue
      this.#found.add(id)
      setTimeout(() => {
        const body = { status: 'done', result: { text: 'in good order' } }
        // A caller who has hung up meanwhile is no fault of ours: the judgement will say it.
        this.#system.api('POST', `/v1/calls/${id}/tasks/result`, body).catch((fault) => console.error(String(fault)))
      }, SLOW)
    }
  }
}
