/**
 * An embedded server that ends is started again: nobody else would. Its links find it by themselves, since address and
 * password stay what they were.
 */
import type { Clock } from '../call/ports.ts'
import { isAlive, processRef } from '../embedded/process.ts'
import type { Log } from '../log.ts'

export interface Kept {
  /** No more restarts; the server goes on. */
  leave(): void
  /** No more restarts, and the server as it is now is stopped. */
  stop(): Promise<void>
}

const LOOK = 2_000

export function keepRunning<Server extends { pid: number; stop(): Promise<void> }>(
  name: string,
  first: Server,
  start: () => Promise<Server>,
  clock: Clock,
  log: Log,
): Kept {
  let server = first
  let process = processRef(first.pid)
  let stopped = false
  let timer = clock.setTimeout(() => void look(), LOOK)

  async function look(): Promise<void> {
    if (process === null || !isAlive(process)) {
      log.error({ server: name, process: server.pid }, 'an embedded server has ended; starting it again')
      try {
        const next = await start()
        if (stopped) return await next.stop()
        server = next
        process = processRef(next.pid)
      } catch (error) {
        log.error({ server: name, err: error }, 'an embedded server could not be started again; trying on')
      }
    }
    if (!stopped) timer = clock.setTimeout(() => void look(), LOOK)
  }

  const leave = (): void => {
    stopped = true
    clock.clearTimeout(timer)
  }
  return {
    leave,
    stop() {
      leave()
      return server.stop()
    },
  }
}
