/** A process that sleeps for longer than its lease, by a clock that a test moves. */
import t from 'tap'
import { watchForNaps } from '../../../src/service/nap.ts'
import { handClock, settled } from '../call/by-hand.ts'

t.test('while it runs nothing is in doubt', async (t) => {
  const clock = handClock()
  const nap = watchForNaps(clock, clock.now)
  for (let second = 0; second < 60; second += 1) {
    await clock.pass(1000)
    t.equal(nap.doubt(), null)
  }
  nap.stop()
  t.equal(clock.set(), 0, 'no timer is left')
})

t.test('after a sleep everything waits until the lease was renewed, whatever asks first', async (t) => {
  const clock = handClock()
  let slept = 0
  const nap = watchForNaps(clock, () => clock.now() + slept)
  await clock.pass(1000)
  slept = 5_000
  t.equal(nap.doubt(), null, 'five seconds are within the lease')
  slept += 20_000
  const doubt = nap.doubt()
  t.ok(doubt, 'before its own timer has noticed')
  await clock.pass(5_000)
  t.equal(nap.doubt(), doubt, 'and for as long as nobody has looked')
  let known = false
  void doubt?.then(() => {
    known = true
  })
  await settled()
  t.notOk(known)
  nap.over()
  await settled()
  t.ok(known)
  t.equal(nap.doubt(), null)
  nap.stop()
})

t.test('once our calls are known to be of another they stay in doubt', async (t) => {
  const clock = handClock()
  const nap = watchForNaps(clock, clock.now)
  nap.forGood()
  const doubt = nap.doubt()
  t.ok(doubt)
  nap.over()
  t.equal(nap.doubt(), doubt)
  nap.stop()
})
