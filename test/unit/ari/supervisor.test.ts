import t from 'tap'
import type { AriEvent, AriLink, LinkHandlers } from '../../../src/ari/link.ts'
import { makeSupervisor, type Standing, type Supervisor } from '../../../src/ari/supervisor.ts'
import { ApelError } from '../../../src/errors.ts'
import { makeLog } from '../../../src/log.ts'

/** Time that passes only when it is told to, in the order of its timers. */
class FakeClock {
  at = 0
  timers: { due: number; run: () => void }[] = []
  now = () => this.at
  setTimeout = (run: () => void, ms: number): unknown => {
    const timer = { due: this.at + ms, run }
    this.timers.push(timer)
    return timer
  }
  clearTimeout = (handle: unknown): void => {
    this.timers = this.timers.filter((timer) => timer !== handle)
  }
  async pass(ms: number): Promise<void> {
    const end = this.at + ms
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      const next = this.timers.filter((timer) => timer.due <= end).sort((a, b) => a.due - b.due)[0]
      if (!next) break
      this.at = next.due
      this.clearTimeout(next)
      next.run()
    }
    this.at = end
  }
}

interface Stage {
  clock: FakeClock
  supervisor: Supervisor
  /** Times of the attempts. */
  attempts: number[]
  /** Handlers of the links in the order of their opening. */
  handlers: LinkHandlers[]
  closed: number[]
  pings: number
  seen: Standing[]
  events: AriEvent[]
  answer: { opens: boolean; missing: string | null; pongs: boolean }
  doubt: Promise<void> | null
}

function stage(): Stage {
  const clock = new FakeClock()
  const made: Omit<Stage, 'supervisor'> = {
    clock,
    attempts: [],
    handlers: [],
    closed: [],
    pings: 0,
    seen: [],
    events: [],
    answer: { opens: true, missing: null, pongs: true },
    doubt: null,
  }
  const supervisor = makeSupervisor({
    target: { node: 'n', url: 'http://n', username: 'u', password: 'p', app: 'a-1' },
    async open(_, handlers) {
      made.attempts.push(clock.at)
      if (!made.answer.opens) throw new ApelError('node_down', 'down', { why: 'ECONNREFUSED' })
      const place = made.handlers.push(handlers) - 1
      return {
        transport: 'websocket',
        request: async () => ({ status: 200, body: null }),
        ping() {
          made.pings += 1
          if (made.answer.pongs) handlers.alive()
        },
        async close() {
          made.closed.push(place)
        },
      } satisfies AriLink
    },
    doubt: () => made.doubt,
    prepare: async () => made.answer.missing,
    onEvent: (event) => made.events.push(event),
    onChange: (standing) => made.seen.push(standing),
    log: makeLog('silent'),
    clock,
    random: () => 1,
    monotonic: () => clock.at,
  })
  return Object.assign(made, { supervisor })
}

t.test('a node that is away is tried for ever, with a growing pause of 5 s at most', async (t) => {
  const s = stage()
  s.answer.opens = false
  await Promise.all([s.supervisor.start(), s.clock.pass(60_000)])
  t.same(
    s.attempts.slice(0, 8).map((at, place, all) => at - (all[place - 1] ?? 0)),
    [0, 200, 400, 800, 1600, 3200, 5000, 5000],
  )
  t.equal(s.supervisor.standing().reason, 'ECONNREFUSED')
  const before = s.attempts.length
  await s.clock.pass(3_600_000)
  t.ok(s.attempts.length - before >= 720, 'an hour later it is tried as often')
  t.ok(s.clock.at - s.attempts.at(-1)! <= 5000)
  s.answer.opens = true
  await s.clock.pass(5000)
  t.equal(s.supervisor.fresh(), true)
  await s.supervisor.close()
  t.equal(s.clock.timers.length, 0, 'no timer is left')
  t.same(s.closed, [0])
})

t.test('silence closes the gate within 10 s, and a fresh link is opened; the old one is deaf', async (t) => {
  const s = stage()
  await Promise.all([s.supervisor.start(), s.clock.pass(20_000)])
  t.equal(s.supervisor.fresh(), true)
  s.answer.pongs = false
  await s.clock.pass(10_000)
  t.equal(s.supervisor.fresh() && s.handlers.length === 1, false)
  s.answer.pongs = true
  await s.clock.pass(1000)
  t.equal(s.handlers.length, 2)
  t.same(s.closed, [0])
  s.handlers[0]?.event({ type: 'StasisStart' })
  s.handlers[0]?.closed('late')
  t.equal(s.events.length, 0)
  t.equal(s.supervisor.fresh(), true)
  await s.supervisor.close()
})

t.test('what is not right yet is asked again each second, on the same link', async (t) => {
  const s = stage()
  s.answer.missing = 'PJSIP is not loaded in Asterisk yet'
  await Promise.all([s.supervisor.start(), s.clock.pass(3500)])
  t.equal(s.supervisor.fresh(), false)
  t.match(s.supervisor.standing(), { state: 'checking', reason: /PJSIP/ })
  s.answer.missing = null
  await s.clock.pass(1000)
  t.equal(s.supervisor.fresh(), true)
  t.equal(s.attempts.length, 1)
  await s.supervisor.close()
})

t.test('a link that broke is opened again at once, one that was taken by another process is not', async (t) => {
  const s = stage()
  await Promise.all([s.supervisor.start(), s.clock.pass(1000)])
  s.handlers[0]?.closed('ECONNRESET')
  t.match(s.supervisor.standing(), { state: 'down', reason: 'ECONNRESET' })
  t.equal(s.supervisor.link(), null)
  await s.clock.pass(300)
  t.equal(s.supervisor.fresh(), true)
  s.handlers[1]?.event({ type: 'ApplicationReplaced', application: 'another' })
  t.equal(s.supervisor.fresh(), true)
  s.handlers[1]?.event({ type: 'ApplicationReplaced', application: 'a-1' })
  t.equal(s.supervisor.standing().state, 'replaced')
  await s.clock.pass(60_000)
  t.equal(s.attempts.length, 2)
  await s.supervisor.close()
})

t.test('a handler that throws harms nobody', async (t) => {
  const s = stage()
  await Promise.all([s.supervisor.start(), s.clock.pass(100)])
  s.events.push = () => {
    throw new Error('a fault of ours')
  }
  t.doesNotThrow(() => s.handlers[0]?.event({ type: 'StasisStart' }))
  t.equal(s.supervisor.fresh(), true)
  await s.supervisor.close()
})

t.test('while it is in doubt whose the application is, no link takes it', async (t) => {
  const s = stage()
  await Promise.all([s.supervisor.start(), s.clock.pass(0)])
  const settle: (() => void)[] = []
  const doubt = () =>
    new Promise<void>((resolve) => {
      settle.push(resolve)
    })
  s.doubt = doubt()
  s.handlers[0]!.closed('reset')
  await s.clock.pass(60_000)
  t.equal(s.attempts.length, 1, 'it waits')
  s.doubt = null
  settle.pop()!()
  await s.clock.pass(0)
  t.equal(s.attempts.length, 2)
  t.ok(s.supervisor.fresh())
  s.doubt = doubt()
  s.handlers[1]!.closed('reset')
  await s.clock.pass(1000)
  await s.supervisor.close()
  settle.pop()!()
  await s.clock.pass(60_000)
  t.equal(s.attempts.length, 2, 'closed meanwhile, for good')
  t.equal(s.clock.timers.length, 0, 'no timer is left')
})
