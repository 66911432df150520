import t from 'tap'
import { lanes } from '../../src/lanes.ts'

t.test('no more work runs at once than there are lanes, and all of it runs in the order it came', async (t) => {
  const lane = lanes(2)
  const order: number[] = []
  let now = 0
  let most = 0
  const work = (n: number) =>
    lane(async () => {
      order.push(n)
      now += 1
      most = Math.max(most, now)
      await new Promise((resolve) => setImmediate(resolve))
      now -= 1
      return n
    })
  t.same(await Promise.all([1, 2, 3, 4, 5].map(work)), [1, 2, 3, 4, 5])
  t.same(order, [1, 2, 3, 4, 5])
  t.equal(most, 2)
})

t.test('work that fails gives its lane back', async (t) => {
  const lane = lanes(1)
  await t.rejects(
    lane(async () => {
      throw new Error('no voice')
    }),
    { message: 'no voice' },
  )
  t.equal(await lane(async () => 'next'), 'next')
})
