import t from 'tap'
import { SENT_AWAY, type Try, Turns } from '../../../src/dialer/turns.ts'

/** A clock that stands still until it is moved. */
class HandClock {
  at = 0
  private timers: { at: number; run: () => void }[] = []
  now = (): number => this.at
  setTimeout = (run: () => void, ms: number): unknown => {
    const timer = { at: this.at + ms, run }
    this.timers.push(timer)
    return timer
  }
  clearTimeout = (handle: unknown): void => {
    this.timers = this.timers.filter((timer) => timer !== handle)
  }
  async move(ms: number): Promise<void> {
    const end = this.at + ms
    for (;;) {
      await settled()
      const next = this.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0]
      if (next === undefined) break
      this.clearTimeout(next)
      this.at = Math.max(this.at, next.at)
      next.run()
    }
    this.at = end
    await settled()
  }
}
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A trunk with so many channels, and a name for each try. */
function trunk(channels: number) {
  const served: string[] = []
  let tries = 0
  return {
    served,
    count: () => tries,
    free: () => channels++,
    attempt: (name: string) => async (): Promise<Try<string>> => {
      tries++
      if (channels === 0) return { wait: -1 }
      channels--
      served.push(name)
      return { done: name }
    },
  }
}

t.test('callbacks go first, then the order in which they were handed out', async (t) => {
  const turns = new Turns(new HandClock())
  const line = trunk(0)
  const waits = (['b2', 'b1', 'a2', 'a1'] as const).map((name) =>
    turns.join('c', name.startsWith('a') ? 0 : 1, Number(name[1])).take(1000, line.attempt(name)),
  )
  await settled()
  for (let i = 0; i < 4; i++) {
    line.free()
    turns.kick()
    await settled()
  }
  await Promise.all(waits)
  t.same(line.served, ['a1', 'a2', 'b1', 'b2'])
})

t.test('one who is still being prepared keeps its place, but not for long', async (t) => {
  const clock = new HandClock()
  const turns = new Turns(clock)
  const line = trunk(10)
  const slow = turns.join('c', 1, 1)
  const quick = turns.join('c', 1, 2).take(5000, line.attempt('quick'))
  await clock.move(100)
  t.same(line.served, [])
  await clock.move(250)
  t.same(line.served, ['quick'])
  t.equal(await slow.take(5000, line.attempt('slow')), 'slow')
  const gone = turns.join('c', 1, 3)
  const next = turns.join('c', 1, 4).take(5000, line.attempt('next'))
  gone.giveUp()
  await settled()
  t.equal(await next, 'next', 'a place that is given up holds nobody back')
  t.equal(await quick, 'quick')
})

t.test('campaigns that share a trunk are served in rotation', async (t) => {
  const turns = new Turns(new HandClock())
  const line = trunk(0)
  for (let i = 0; i < 6; i++) void turns.join('big', 1, i).take(60_000, line.attempt('big'))
  for (let i = 0; i < 3; i++) void turns.join('small', 1, i).take(60_000, line.attempt('small'))
  for (let i = 0; i < 9; i++) {
    line.free()
    turns.kick()
    await settled()
  }
  t.same(line.served.slice(0, 6).filter((name) => name === 'small').length, 3, line.served.join(' '))
})

t.test('nobody asks again before the moment that the gate named, or a kick', async (t) => {
  const clock = new HandClock()
  const turns = new Turns(clock)
  let tries = 0
  const wait = turns.join('c', 1, 1).take(10_000, async () => {
    tries++
    return clock.now() >= 400 ? { done: true } : { wait: 400 - clock.now() }
  })
  await clock.move(399)
  t.equal(tries, 1)
  await clock.move(1)
  t.equal(await wait, true)
  t.equal(tries, 2)
  const full = trunk(0)
  const long = turns.join('d', 1, 1).take(10_000, full.attempt('d'))
  await clock.move(999)
  t.equal(full.count(), 1)
  await clock.move(2)
  t.equal(full.count(), 2, 'a lost ring costs a second at most')
  full.free()
  turns.kick()
  t.equal(await long, 'd')
})

t.test(
  'a channel that is given back is news for a full row only, and a served row rests as long as the gate said',
  async (t) => {
    const clock = new HandClock()
    const turns = new Turns(clock)
    const times: number[] = []
    const attempt = async (): Promise<Try<number>> => ({ done: times.push(clock.now()), wait: 100 })
    const all = [1, 2, 3].map((order) => turns.join('c', 1, order).take(10_000, attempt))
    await clock.move(50)
    turns.kick(true)
    await clock.move(500)
    await Promise.all(all)
    t.same(times, [0, 100, 200])
    const more = [1, 2].map((order) => turns.join('d', 1, order).take(10_000, attempt))
    await settled()
    turns.kick()
    await Promise.all(more)
    t.same(times.slice(3), [550, 550], 'a kick for another reason wakes all')
  },
)

t.test('patience ends, rows are cleared, and a try that succeeds all the same counts', async (t) => {
  const clock = new HandClock()
  const turns = new Turns(clock)
  const full = trunk(0)
  const tired = turns.join('c', 1, 1).take(500, full.attempt('tired'))
  await clock.move(500)
  t.equal(await tired, SENT_AWAY)
  const first = turns.join('c', 1, 1).take(5000, full.attempt('first'))
  const other = turns.join('d', 1, 1).take(5000, full.attempt('other'))
  turns.clear('c')
  t.equal(await first, SENT_AWAY)
  let answer: (done: Try<string>) => void = () => undefined
  const trying = turns.join('e', 1, 1).take(5000, () => new Promise<Try<string>>((resolve) => (answer = resolve)))
  await settled()
  turns.clear()
  t.equal(await other, SENT_AWAY)
  await clock.move(1000)
  answer({ done: 'reserved' })
  t.equal(await trying, 'reserved')
  await t.rejects(
    turns.join('f', 1, 1).take(100, async () => Promise.reject(new Error('away'))),
    /away/,
  )
  t.equal(await turns.join('f', 1, 1).take(100, async () => ({ done: 'after it' })), 'after it')
})
