import fc from 'fast-check'
import t from 'tap'
import { rateOf } from '../../../src/dialer/rate.ts'

/** The times at which calls go out when somebody always waits, by the rule of the reserve script. */
function times(cps: number, count: number): number[] {
  const { n, window, gap } = rateOf(cps)
  const given: number[] = []
  while (given.length < count) {
    const last = given.at(-1) ?? Number.NEGATIVE_INFINITY
    const nth = given.at(-n) ?? Number.NEGATIVE_INFINITY
    given.push(Math.max(0, last + gap, given.length >= n ? nth + window : 0))
  }
  return given
}

t.test(
  'never more than the limit in any rolling second, even when each call takes up to 10 ms longer than another',
  async () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 200, noNaN: true }),
        fc.array(fc.integer({ min: 0, max: 10 }), { minLength: 50 }),
        (cps, late) => {
          const seen = times(cps, 400)
            .map((at, i) => at + late[i % late.length]!)
            .sort((a, b) => a - b)
          for (let first = 0, last = 0; last < seen.length; last++) {
            while (seen[last]! - seen[first]! >= 1000) first++
            if (last - first + 1 > Math.max(1, cps)) return false
          }
          return true
        },
      ),
      { numRuns: 300 },
    )
  },
)

t.test('at least 98 % of a whole limit is used', async (t) => {
  for (const cps of [1, 3, 10, 50, 100]) {
    const given = times(cps, 40 * cps)
    const used = (given.length - 1) / (given.at(-1)! / 1000) / cps
    t.ok(used >= 0.98, `${cps} a second: ${(100 * used).toFixed(2)} %`)
  }
})

t.test('a limit under one a second keeps its distance', async (t) => {
  const [first = 0, second = 0] = times(0.5, 2)
  t.ok(second - first >= 2000)
})
