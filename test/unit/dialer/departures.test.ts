/** The pace before the wire, on a virtual clock: calls come in any rhythm and leave in the trunk's. */
import fc from 'fast-check'
import t from 'tap'
import type { Clock } from '../../../src/call/ports.ts'
import { Departures } from '../../../src/dialer/departures.ts'

/** Runs the timers in their order until none is left. */
function virtualClock(): Clock & { run(): Promise<void>; at(ms: number, work: () => void): void } {
  let now = 1_000_000
  const timers: { at: number; run: () => void }[] = []
  const set = (run: () => void, ms: number) => timers.push({ at: now + Math.max(0, ms), run })
  return {
    now: () => now,
    setTimeout: set,
    clearTimeout: () => {},
    at: (ms, work) => set(work, ms),
    async run() {
      for (;;) {
        for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
        timers.sort((a, b) => a.at - b.at)
        const next = timers.shift()
        if (next === undefined) return
        now = Math.max(now, next.at)
        next.run()
      }
    },
  }
}

t.test('never more than cps calls depart in any rolling second, and none is lost', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(0.5, 1, 3, 10, 50),
      fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 80 }),
      async (cps, arrivals) => {
        const clock = virtualClock()
        const departures = new Departures(clock)
        const times: number[] = []
        for (const at of arrivals)
          clock.at(at, () => void departures.turn('carrier', cps).then(() => times.push(clock.now())))
        await clock.run()
        if (times.length !== arrivals.length) return false
        const most = Math.max(1, Math.floor(cps))
        return times.every((from) => times.filter((time) => time >= from && time < from + 1000).length <= most)
      },
    ),
  )
  t.pass('held')
})

t.test('a backlog leaves at no less than 98 % of the rate', async (t) => {
  const clock = virtualClock()
  const departures = new Departures(clock)
  const times: number[] = []
  for (let n = 0; n < 101; n += 1) void departures.turn('carrier', 10).then(() => times.push(clock.now()))
  await clock.run()
  const rate = 100 / ((times.at(-1)! - times[0]!) / 1000)
  t.ok(rate >= 9.8, `${rate.toFixed(2)} a second`)
})

t.test('trunks do not wait for each other', async (t) => {
  const clock = virtualClock()
  const departures = new Departures(clock)
  await departures.turn('one', 1)
  const begun = clock.now()
  await departures.turn('other', 1)
  t.equal(clock.now(), begun)
})
