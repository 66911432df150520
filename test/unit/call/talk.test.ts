import fc from 'fast-check'
import t from 'tap'
import { TalkWatch, talkSilence } from '../../../src/call/talk.ts'
import { handClock, handLine } from './by-hand.ts'

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
    decided: () => {
      decisions.push(clock.now() - start)
    },
  })
  const decisions: number[] = []
  /** They talk for `ms`, as the detector tells it: the end comes late. Packets flow. */
  const talks = async (ms: number) => {
    watch.detected(true, clock.now())
    for (let left = ms + talkSilence; left > 0; left -= 20) {
      line.packets += 1
      await clock.pass(Math.min(20, left))
    }
    watch.detected(false, clock.now())
  }
  return { clock, line, said, decisions, watch, talks }
}

t.test('a stretch of talk is told as long as it was; one under 300 ms is none', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 4000 }), async (ms) => {
      const { clock, said, decisions, watch, talks } = setUp()
      await talks(ms)
      t.equal(watch.undecided, false)
      t.equal(decisions.length, 1)
      t.equal(clock.set(), 0)
      if (ms < 300) t.same(said, [], `${ms} ms`)
      else if (ms > 340)
        t.same(
          said,
          [
            [true, 0],
            [false, ms],
          ],
          `${ms} ms`,
        )
    }),
    { numRuns: 30 },
  )
})

t.test('a start is undecided until it is known whether it lasted', async (t) => {
  const { clock, line, said, decisions, watch } = setUp()
  watch.detected(true, clock.now())
  await clock.pass(579)
  t.equal(watch.undecided, true)
  line.packets += 25
  await clock.pass(1)
  t.equal(watch.undecided, false)
  t.same(said, [[true, 0]])
  t.same(decisions, [580])
  watch.close()
})

t.test("the detector's start at the first packet of a call is no talk", async (t) => {
  const { clock, said, talks } = setUp()
  await talks(0)
  await clock.pass(5000)
  t.same(said, [])
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
  for (let n = 0; n < 100; n += 1) {
    line.packets += 1
    await clock.pass(20)
  }
  await clock.pass(5000)
  t.match(said, [
    [true, 0],
    [false, Number],
  ])
  const at = said[1]![1]
  t.ok(at >= 3500 && at <= 4000, `${at} ms`)
  watch.detected(false, clock.now())
  t.equal(said.length, 2, 'once')
})

t.test('a phone that sends again after that is heard again', async (t) => {
  const { clock, line, said, watch } = setUp()
  const sides = () => said.map(([on]) => on)
  watch.detected(true, clock.now())
  await clock.pass(5000)
  t.same(sides(), [true, false])
  for (let n = 0; n < 100; n += 1) {
    line.packets += 1
    await clock.pass(20)
  }
  t.same(sides(), [true, false, true])
  watch.detected(false, clock.now())
  t.same(sides(), [true, false, true, false])
})

t.test('a line that cannot count its packets goes by the detector alone', async (t) => {
  const { clock, line, said, watch } = setUp()
  line.fail('packets', new Error('no such statistics'))
  watch.detected(true, clock.now())
  await clock.pass(10_000)
  watch.detected(false, clock.now())
  t.same(said, [
    [true, 0],
    [false, 10_000 - talkSilence],
  ])
  t.equal(clock.set(), 0)
})

t.test('one who stops watching lets go what was held back', async (t) => {
  const { clock, decisions, watch } = setUp()
  watch.detected(true, clock.now())
  watch.close()
  t.equal(decisions.length, 1)
  t.equal(clock.set(), 0)
})
