import t from 'tap'
import { TalkWatch, talkSilence } from '../../../src/call/talk.ts'
import { handClock, handLine } from './by-hand.ts'

/** A detector that is told of voice from `from` to `to` (ms), as Asterisk tells it: the stop comes late. */
function setUp() {
  const clock = handClock()
  const line = handLine()
  line.packets = 100
  const start = clock.now()
  const said: [boolean, number][] = []
  const watch = new TalkWatch({
    clock,
    packets: () => line.receivedPackets(),
    say: (on, at) => said.push([on, at - start]),
  })
  return { clock, line, said, watch, since: () => clock.now() - start }
}

t.test('a stretch of talk is as long as it was, and ends when it ended', async (t) => {
  const { clock, line, said, watch } = setUp()
  watch.detected(true, clock.now())
  for (let n = 0; n < 10; n += 1) {
    line.packets += 20
    await clock.pass(200)
  }
  await clock.pass(talkSilence)
  watch.detected(false, clock.now())
  t.same(said, [
    [true, talkSilence],
    [false, 2000],
  ])
  t.equal(clock.set(), 0)
})

t.test("a click, and the detector's start at the first packet of a call, are no talk", async (t) => {
  const { clock, said, watch } = setUp()
  watch.detected(true, clock.now())
  await clock.pass(talkSilence + 20)
  watch.detected(false, clock.now())
  await clock.pass(5000)
  t.same(said, [])
  t.equal(clock.set(), 0)
})

t.test('packets that only open the way are no talk', async (t) => {
  const { clock, line, said, watch } = setUp()
  line.packets = 2
  watch.detected(true, clock.now())
  await clock.pass(5000)
  t.same(said, [])
  line.packets = 200
  await clock.pass(2000)
  t.match(said, [[true, Number]], 'until more of them come')
  watch.close()
})

t.test('a phone that stops sending in mid-word is silent 1.5 s later', async (t) => {
  const { clock, line, said, watch } = setUp()
  watch.detected(true, clock.now())
  for (let n = 0; n < 4; n += 1) {
    line.packets += 25
    await clock.pass(500)
  }
  await clock.pass(5000)
  t.equal(said.length, 2)
  const [, [on, at]] = said as [unknown, [boolean, number]]
  t.equal(on, false)
  t.ok(at >= 3300 && at <= 4000, `${at} ms`)
  watch.detected(false, clock.now())
  t.equal(said.length, 2, 'once')
})

t.test('a phone that sends again after that is heard again', async (t) => {
  const { clock, line, said, watch } = setUp()
  watch.detected(true, clock.now())
  await clock.pass(5000)
  t.same(
    said.map(([on]) => on),
    [true, false],
  )
  for (let n = 0; n < 6; n += 1) {
    line.packets += 25
    await clock.pass(500)
  }
  t.same(
    said.map(([on]) => on),
    [true, false, true],
  )
  watch.detected(false, clock.now())
  t.equal(said.length, 4)
})

t.test('a line that cannot count its packets goes by the detector alone', async (t) => {
  const { clock, line, said, watch } = setUp()
  line.fail('packets', new Error('no such statistics'))
  watch.detected(true, clock.now())
  await clock.pass(10_000)
  watch.detected(false, clock.now())
  t.same(said, [
    [true, talkSilence],
    [false, 10_000 - talkSilence],
  ])
  t.equal(clock.set(), 0)
})
