/** A call with everything that its line has told. */
import type { Line, LineEvent } from '../../src/call/ports.ts'
import { waitFor } from '../support/wait.ts'

export interface Followed {
  id: string
  line: Line
  events: LineEvent[]
  types(): string[]
  /** Waits for the n-th event of this type. */
  until<T extends LineEvent['type']>(type: T, n?: number, timeout?: number): Promise<Extract<LineEvent, { type: T }>>
}

/** Gathers the events of a line, whichever way it is had. */
export async function follow(
  id: string,
  have: (id: string, listener: (event: LineEvent) => void) => Promise<Line> | Line,
): Promise<Followed> {
  const events: LineEvent[] = []
  const line = await have(id, (event) => events.push(event))
  return {
    id,
    line,
    events,
    types: () => events.map((event) => event.type),
    async until(type, n = 1, timeout = 20_000) {
      const look = () => events.filter((event) => event.type === type)[n - 1]
      const found = await waitFor(look, { timeout, every: 10, what: `event ${n} of type ${type}` }).catch((error) => {
        throw new Error(`${error.message}; there were ${JSON.stringify(events)}`)
      })
      return found as Extract<LineEvent, { type: typeof type }>
    },
  }
}
