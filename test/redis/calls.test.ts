import t from 'tap'
import { callsPort } from '../../src/service/ports/calls.ts'
import { blankRecord } from '../../src/store/attempt-record.ts'
import { paperDialer } from '../support/dialer.ts'
import { startTestRedis } from './server.ts'

t.setTimeout(60_000)

const CALL = blankRecord({ id: 'call-1', kind: 'inbound', number: '+40722222222', node: 'pbx', flow: 'support' })

/** The API's list over a real ledger, with three legs that are on and two that have ended. */
async function bench(t: { teardown(run: () => Promise<void>): unknown }) {
  const redis = await startTestRedis()
  const { dialer, store, stop } = await paperDialer(redis, {})
  t.teardown(async () => {
    await stop()
    await redis.close()
  })
  const reserve = async (n: number) =>
    (await dialer.reserveLeg(CALL, `call-1.${n}`, { number: `+4071111111${n}` }, 9_000))!
  const end = async (n: number) => {
    const { record } = (await store.attempts.get(`call-1.${n}`))!
    await dialer.ledger.finish({ ...record, dialed_at: 1, answered_at: 2, ended_at: 3, disposition: 'completed' })
  }
  for (const n of [1, 2, 3, 4, 5]) await reserve(n)
  for (const n of [4, 5]) await end(n)
  const nothing = {} as never
  const port = callsPort({
    store,
    dialer,
    calls: nothing,
    commands: nothing,
    flow: () => undefined,
    place: async () => {},
  })
  const list = async (limit: number, cursor: string | null = null, state: string | null = null) => {
    const { items, next } = await port.list({ state, kind: 'leg', campaign: null, limit, cursor } as never)
    return { ids: items.map(({ id }) => Number(id.slice(-1))), next }
  }
  return { store, end, list }
}

t.test('a page of calls has at most its limit, and the pages together have every call once', async (t) => {
  const { list } = await bench(t)
  for (const [state, all] of [
    [null, [1, 2, 3, 5, 4]],
    ['live', [1, 2, 3]],
    ['ended', [5, 4]],
  ] as const)
    for (const limit of [1, 2, 3, 4, 10]) {
      const seen: number[] = []
      let cursor: string | null = null
      do {
        const { ids, next } = await list(limit, cursor, state)
        t.ok(ids.length <= limit, `${state}: ${ids.length} of ${limit}`)
        seen.push(...ids)
        cursor = next
      } while (cursor !== null)
      t.same(seen, all, `${state}, ${limit} a page`)
    }
})

t.test('a call that ends while it is listed stands there once, as ended', async (t) => {
  const { store, end, list } = await bench(t)
  const found = store.attempts.getMany.bind(store.attempts)
  store.attempts.getMany = async (ids) => {
    store.attempts.getMany = found
    const attempts = await found(ids)
    await end(2)
    return attempts
  }
  t.same((await list(10)).ids, [1, 3, 2, 5, 4])
})
