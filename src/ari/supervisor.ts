/**
 * Keeps a link to one node open, for ever: opens it, readies it (`prepare`: filter, version, endpoints, what was missed),
 * watches its heartbeat, and after an end opens a fresh one with a growing, jittered pause. A link counts as up only when
 * it is prepared; what is not right yet (Asterisk's HTTP is up before its PJSIP) is asked again every second.
 */
import type { Clock } from '../call/ports.ts'
import { ApelError } from '../errors.ts'
import type { Log } from '../log.ts'
import { REPLACED } from './events.ts'
import { type AriEvent, type AriLink, type LinkTarget, nodeDown, OPEN_WITHIN, type OpenLink, within } from './link.ts'

export type LinkState = 'connecting' | 'checking' | 'up' | 'down' | 'replaced' | 'closed'

export interface Standing {
  state: LinkState
  /** Why it is not up; null when it is. */
  reason: string | null
}

export interface SupervisorOptions {
  target: LinkTarget
  open: OpenLink
  /** Readies a fresh link. A sentence: what is not right yet; null: all is. Rejects when the link must be given up. */
  prepare(link: AriLink): Promise<string | null>
  onEvent(event: AriEvent): void
  onChange(standing: Standing): void
  /** See `CallPorts.doubt`: no link is opened while it is in doubt whose application this is. */
  doubt?(): Promise<void> | null
  log: Log
  clock: Clock
  /** 0 to 1, for the jitter. */
  random?: () => number
  /** ms that only grow: the clock on the wall may jump. */
  monotonic?: () => number
}

export interface Supervisor {
  /** Begins. Resolves when the link is up, or after the first failure; never rejects. */
  start(): Promise<void>
  standing(): Standing
  /** The open link, prepared or not; null while there is none. */
  link(): AriLink | null
  /** Up, and heard of within the last 10 s. */
  fresh(): boolean
  close(): Promise<void>
}

/** ms. The far end is asked for a sign of life this often … */
export const PING_EVERY = 5_000
/** … and given up when none came for so long (a half-open link must be found within 10 s). */
export const SILENT_FOR = 9_500
const CHECK_EVERY = 1_000
const FIRST_PAUSE = 200
const LONGEST_PAUSE = 5_000

export function makeSupervisor(options: SupervisorOptions): Supervisor {
  const { target, log, clock } = options
  const random = options.random ?? Math.random
  const monotonic = options.monotonic ?? (() => performance.now())
  let standing: Standing = { state: 'connecting', reason: 'not connected yet' }
  let link: AriLink | null = null
  let generation = 0
  let failures = 0
  let heard = 0
  let over = false
  const timers = new Map<string, unknown>()
  const settled: (() => void)[] = []

  const arm = (name: string, ms: number, run: () => void): void => {
    clock.clearTimeout(timers.get(name))
    timers.set(name, clock.setTimeout(run, ms))
  }
  const disarm = (): void => {
    for (const handle of timers.values()) clock.clearTimeout(handle)
    timers.clear()
  }

  const become = (state: LinkState, reason: string | null): void => {
    if (standing.state === state && standing.reason === reason) return
    standing = { state, reason }
    log[state === 'up' || state === 'closed' ? 'info' : 'warn'](
      { node: target.node, state, reason },
      'link to Asterisk',
    )
    try {
      options.onChange(standing)
    } catch (error) {
      log.error({ node: target.node, err: error }, 'a listener of the link threw')
    }
    if (state !== 'connecting' && state !== 'checking') for (const settle of settled.splice(0)) settle()
  }

  /** This link is over; with a pause before the next, unless somebody else has our name now. */
  const drop = (mine: number, reason: string, state: LinkState = 'down'): void => {
    if (mine !== generation || over) return
    generation += 1
    disarm()
    const dead = link
    link = null
    void dead?.close()
    become(state, reason)
    if (state === 'replaced') return
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(failures, 10)) * (0.5 + random() / 2)
    failures += 1
    arm('next', pause, () => void connect())
  }

  const alive = (mine: number): void => {
    if (mine === generation) heard = monotonic()
  }

  const listen = (mine: number): void => {
    const left = heard + SILENT_FOR - monotonic()
    if (left <= 0) drop(mine, `nothing heard for ${SILENT_FOR / 1000} s`)
    else arm('silent', left, () => listen(mine))
  }

  /** Nothing may throw into the transport: its receiver would be dead. */
  const take = (event: AriEvent): void => {
    try {
      options.onEvent(event)
    } catch (error) {
      log.error({ node: target.node, event: event.type, err: error }, 'an event of Asterisk could not be worked on')
    }
  }

  const beat = (): void => {
    link?.ping()
    arm('ping', PING_EVERY, beat)
  }

  const connect = async (): Promise<void> => {
    const mine = ++generation
    await options.doubt?.()
    if (mine !== generation) return
    const opening = options.open(target, {
      event: (event) => {
        if (mine !== generation) return
        alive(mine)
        if (event.type !== REPLACED) take(event)
        else if (event.application === undefined || event.application === target.app) {
          drop(mine, `another process has registered the application ${target.app}`, 'replaced')
        }
      },
      alive: () => alive(mine),
      closed: (reason) => drop(mine, reason),
      odd: (what) => log.warn({ node: target.node, what }, 'an event of Asterisk could not be read'),
    })
    // One that opens when nobody waits for it any more would own our registration.
    opening.then(
      (late) => (mine === generation ? undefined : late.close()),
      () => undefined,
    )
    try {
      const fresh = await within(OPEN_WITHIN * 2, opening, () => nodeDown(target.node, 'no answer', false))
      if (mine !== generation) return
      link = fresh
      alive(mine)
      listen(mine)
      beat()
      await check(mine, fresh)
    } catch (error) {
      drop(mine, error instanceof ApelError ? whyDown(error) : String(error))
    }
  }

  const check = async (mine: number, fresh: AriLink): Promise<void> => {
    try {
      const missing = await options.prepare(fresh)
      if (mine !== generation) return
      if (missing === null) {
        failures = 0
        become('up', null)
      } else {
        become('checking', missing)
        for (const settle of settled.splice(0)) settle()
        arm('check', CHECK_EVERY, () => void check(mine, fresh))
      }
    } catch (error) {
      drop(mine, error instanceof ApelError ? whyDown(error) : String(error))
    }
  }

  return {
    start() {
      return new Promise((resolve) => {
        settled.push(resolve)
        void connect()
      })
    },
    standing: () => standing,
    link: () => link,
    fresh: () => standing.state === 'up' && monotonic() - heard < SILENT_FOR,
    async close() {
      if (over) return
      over = true
      generation += 1
      disarm()
      const last = link
      link = null
      await last?.close()
      become('closed', 'closed')
    },
  }
}

/** The cause without the sentence around it, which the gate's reason brings anyway. */
function whyDown(error: ApelError): string {
  return typeof error.facts.why === 'string' ? error.facts.why : error.message
}
