/**
 * Webhooks: carries the letters of the outbox to those who want them. What is told was written down in the step that made
 * it true; here it only has to arrive, at least once, by whichever instance lives.
 *
 * A receiver has one carrier at a time, by a lease, and a carrier has a few letters under way at once, each of a line of
 * its own: what is told of one call arrives in its order, and a letter that is refused holds up only its own line. A
 * receiver that is slow or gone holds up nobody else; what it would not take in a day is laid among the dead letters.
 */
import type { Redis } from 'ioredis'
import type { Clock } from '../call/ports.ts'
import type { Config } from '../config.ts'
import type { Trunk } from '../dialer/plan.ts'
import type { Log } from '../log.ts'
import type { OutgoingWeb } from '../outgoing.ts'
import { subscribe } from '../store/bell.ts'
import { keys } from '../store/keys.ts'
import type { Letter, Outbox, Taken } from '../store/outbox.ts'
import { bodyOf, dataOf, hookId, isOld, pauseAfter, shownUrl, signed } from './letters.ts'

export type Hook = Config['webhooks'][number]

export interface WebhookPorts {
  outbox: Outbox
  /** Under whose name it carries: after a restart its letters need not wait for the end of a lease. */
  instance: string
  web: Pick<OutgoingWeb, 'send'>
  clock: Clock
  log: Log
  trunks: readonly Pick<Trunk, 'name' | 'node'>[]
  /** A letter was tried, and what became of it is written down. */
  tried(result: 'arrived' | 'refused' | 'given_up'): void
}

export interface Webhooks {
  /** Names the receivers to the ledger and begins to carry. `bell`: a connection to listen on. */
  start(bell: Redis): Promise<void>
  /** Takes no more letters; settles when those under way have ended. The rest is carried by whoever comes next. */
  stop(): Promise<void>
  /** How many calls have letters that wait for one of our receivers. */
  waiting(): Promise<number>
}

/** ms. */
const ANSWER_WITHIN = 10_000
/** Letters of one receiver that are under way at once. */
const PARALLEL = 8
/** A try and what it takes to write its result; a letter whose carrier died is taken up again after it. */
const IN_HAND = ANSWER_WITHIN + 5_000
/** A ring of the bell may get lost, and a lease must be renewed. */
const LOOK_AGAIN = 5_000
const HOUR = 3_600_000
/** Receivers that no instance has named for so long are forgotten. */
const UNNAMED = 25 * HOUR

export function makeWebhooks(hooks: readonly Hook[], ports: WebhookPorts): Webhooks {
  const { outbox, clock, log } = ports
  const carriers = hooks.map((hook) => new Carrier(hook, ports))
  let timer: unknown = null

  async function register(): Promise<void> {
    await outbox.register(
      hooks.map(({ url, events }) => ({ id: hookId(url), events })),
      clock.now(),
    )
    const letters = await outbox.forget(clock.now() - UNNAMED)
    if (letters > 0) log.warn({ letters }, 'letters to a webhook that no configuration names any more are dropped')
  }
  function hourly(): void {
    timer = clock.setTimeout(() => {
      register().catch((error: Error) => log.warn({ error: error.message }, 'the webhooks cannot be named now'))
      hourly()
    }, HOUR)
  }

  return {
    async start(bell) {
      await register()
      hourly()
      const byId = new Map(carriers.map((carrier) => [carrier.id, carrier]))
      bell.on('message', (channel: string, id: string) => {
        if (channel === keys.hooksBell) byId.get(id)?.ring()
      })
      await subscribe(bell, keys.hooksBell)
      for (const carrier of carriers) carrier.start()
    },
    async stop() {
      clock.clearTimeout(timer)
      await Promise.all(carriers.map((carrier) => carrier.stop()))
    },
    async waiting() {
      const counts = await Promise.all(carriers.map(({ id }) => outbox.waiting(id)))
      return counts.reduce((sum, one) => sum + one, 0)
    },
  }
}

class Carrier {
  readonly id: string
  private readonly hook: Hook
  private readonly ports: WebhookPorts
  private readonly underWay = new Set<Promise<void>>()
  private stopped = false
  private rung = false
  /** Another instance has the lease; then the bell is for that one. */
  private theirs = false
  private over: Promise<void> = Promise.resolve()
  private wakeUp: () => void = () => undefined
  constructor(hook: Hook, ports: WebhookPorts) {
    this.id = hookId(hook.url)
    this.hook = hook
    this.ports = ports
  }

  start(): void {
    this.over = this.run()
  }

  /** There may be something to carry. */
  ring(): void {
    if (!this.theirs) this.wake()
  }

  async stop(): Promise<void> {
    this.stopped = true
    this.wake()
    await this.over
    await Promise.all(this.underWay)
    await this.ports.outbox.release(this.id, this.ports.instance).catch(() => undefined)
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      this.rung = false
      const pause = await this.look().catch((error: Error) => {
        this.ports.log.warn({ error: error.message }, 'the outbox cannot be read now')
        return 1_000
      })
      if (!this.stopped && !this.rung) await this.rest(pause)
    }
  }

  /** Takes what is due, as far as there is room; gives the ms until the next look. */
  private async look(): Promise<number> {
    const now = this.ports.clock.now()
    const room = PARALLEL - this.underWay.size
    const taken = await this.ports.outbox.take(this.id, this.ports.instance, { now, room, patience: IN_HAND })
    this.theirs = taken === null
    if (taken === null) return LOOK_AGAIN
    for (const letter of taken.letters) {
      const carried = this.carry(letter).catch((error: Error) =>
        // It comes back by itself when it is not in hand any more.
        this.ports.log.warn(
          { delivery: letter.letter.id, error: error.message },
          'the fate of a letter was not written',
        ),
      )
      this.underWay.add(carried)
      void carried.then(() => {
        this.underWay.delete(carried)
        this.wake()
      })
    }
    // With no room left the next look is when one of those under way has ended.
    if (this.underWay.size >= PARALLEL) return LOOK_AGAIN
    return Math.min(LOOK_AGAIN, Math.max(0, (taken.next ?? Number.POSITIVE_INFINITY) - now))
  }

  private async carry(taken: Taken): Promise<void> {
    const { outbox, clock, log, tried, trunks } = this.ports
    const { news, letter } = taken
    if (news === null) return void (await outbox.done(this.id, taken, clock.now()))
    const started = clock.now()
    const old = isOld(letter, started)
    const fault = old ? 'it waited for two days' : await this.fault(letter, bodyOf(letter, dataOf(news, trunks)))
    const now = clock.now()
    if (fault === null) {
      await outbox.done(this.id, taken, now)
      return tried('arrived')
    }
    const next = { ...letter, tries: letter.tries + (old ? 0 : 1), first: letter.first || started }
    const pause = pauseAfter(next, now)
    const about = { delivery: letter.id, event: letter.event, host: new URL(this.hook.url).host, tries: next.tries }
    if (pause !== null) {
      log.debug({ ...about, reason: fault, pause }, 'a webhook did not take a letter')
      await outbox.again(this.id, taken, next, now + pause)
      return tried('refused')
    }
    log.warn({ ...about, reason: fault }, 'a letter to a webhook is given up')
    const whose = { hook: this.id, line: taken.line, url: shownUrl(this.hook.url) }
    await outbox.bury(this.id, taken, { ...next, ...whose, reason: fault, died_at: now }, now)
    tried('given_up')
  }

  /** Null when it has arrived, else why not. */
  private async fault(letter: Letter, body: string): Promise<string | null> {
    const { web, clock } = this.ports
    const { url, secret } = this.hook
    try {
      const headers = signed(letter, body, secret, clock.now())
      const { status } = await web.send({
        method: 'POST',
        url,
        headers,
        body,
        timeout: ANSWER_WITHIN,
        repeatable: true,
      })
      return status >= 200 && status < 300 ? null : `it answered ${status}`
    } catch (error) {
      return (error as Error).message
    }
  }

  private wake(): void {
    this.rung = true
    this.wakeUp()
  }

  private async rest(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.ports.clock.setTimeout(resolve, ms)
      this.wakeUp = () => {
        this.ports.clock.clearTimeout(timer)
        resolve()
      }
    })
  }
}
