import t from 'tap'
import { Timers } from '../../../src/call/timers.ts'
import { handClock } from './by-hand.ts'

/** Timers whose running out waits in `rung` as it would in a mailbox. */
function setUp() {
  const clock = handClock()
  const rung: [string, number][] = []
  const timers = new Timers(clock, (id, turn) => rung.push([id, turn]))
  return { clock, rung, timers, start: clock.now() }
}

t.test('a timer runs from the event that set it, not from when it was set', async (t) => {
  const { clock, rung, timers, start } = setUp()
  await clock.pass(300)
  timers.set('a', start, 1000)
  await clock.pass(699)
  t.equal(rung.length, 0)
  await clock.pass(1)
  t.equal(rung.length, 1)
  timers.set('late', start, 10)
  await clock.pass(0)
  t.equal(rung.length, 2, 'one whose time is over runs out at once')
})

t.test('one that was cancelled or set anew after it had run out is not meant any more', async (t) => {
  const { clock, rung, timers, start } = setUp()
  timers.set('a', clock.now(), 10)
  timers.set('b', clock.now(), 10)
  timers.set('c', clock.now(), 10)
  await clock.pass(10)
  timers.cancel('a')
  timers.set('b', clock.now(), 10)
  t.same(
    rung.map(([id, turn]) => timers.take(id, turn)),
    [null, null, start + 10],
  )
  await clock.pass(10)
  const [id, turn] = rung.at(-1)!
  t.same([id, timers.take(id, turn)], ['b', start + 20])
  t.equal(timers.take(id, turn), null, 'once')
})

t.test('clearing leaves nothing behind', async (t) => {
  const { clock, rung, timers } = setUp()
  for (const id of ['a', 'b', 'c']) timers.set(id, clock.now(), 10)
  timers.clear()
  t.equal(clock.set(), 0)
  t.equal(timers.size, 0)
  await clock.pass(100)
  t.same(rung, [])
})
