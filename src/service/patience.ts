/**
 * A start that finds Redis out of reach, or loses it before it is done, begins anew until it is there, for ever, as the links to Asterisk
 * do: machines come up in any order. The API's address says meanwhile that the process lives and is not ready. What waiting does not mend (a wrong password, a server
 * that is no Redis) is an error at once.
 */
import { type Address, openPorch } from '../api/porch.ts'
import type { Clock } from '../call/ports.ts'
import type { Say } from '../embedded/tools.ts'
import { ApelError } from '../errors.ts'
import type { Log } from '../log.ts'

export interface PatienceParts {
  api: Address
  /** The start is not wanted any more. */
  stopped: AbortSignal
  clock: Clock
  log: Log
  say: Say
}

/** ms; it doubles. */
const FIRST_PAUSE = 200
const LONGEST_PAUSE = 5_000

/**
 * Gives what `attempt` gives, tried again while Redis is `unavailable`. An attempt that has come so far says so before it opens the API's
 * address itself. Rejects with `stopped` when the start is not wanted any more.
 */
export async function patiently<T>(
  attempt: (atTheDoor: () => Promise<void>) => Promise<T>,
  { api, stopped, clock, log, say }: PatienceParts,
): Promise<T> {
  let reason = ''
  let close: (() => Promise<void>) | null = null
  const shut = async (): Promise<void> => {
    await close?.()
    close = null
  }
  try {
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        return await attempt(shut)
      } catch (error) {
        if (!(error instanceof ApelError && error.code === 'unavailable')) throw error
        if (reason === '') say(`${error.message} It is tried again until it is there.`)
        if (error.message !== reason) log.warn({ reason: error.message }, 'the start waits')
        reason = error.message
        close ??= await openPorch(api, () => reason)
      }
      await nap(pause, clock, stopped)
    }
  } finally {
    await shut()
  }
}

/** Rejects when `stopped` tells so, before or meanwhile. */
function nap(ms: number, clock: Clock, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clock.clearTimeout(timer)
      reject(new ApelError('stopped', 'The start was given up before everything was there.'))
    }
    const timer = clock.setTimeout(() => {
      stopped.removeEventListener('abort', stop)
      resolve()
    }, ms)
    if (stopped.aborted) stop()
    else stopped.addEventListener('abort', stop, { once: true })
  })
}
