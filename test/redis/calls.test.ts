import t from 'tap'
import { loadFlows } from '../../src/flow/load.ts'
import { listCalls } from '../../src/service/ports/call-list.ts'
import { callsPort } from '../../src/service/ports/calls.ts'
import { blankRecord } from '../../src/store/attempt-record.ts'
import { campaignOf, numbers, paperDialer } from '../support/dialer.ts'
import { waitFor } from '../support/wait.ts'
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
  for (const limit of [10, 3, 2, 1]) {
    const { store, end, list } = await bench(t)
    const batch = store.db.batch.bind(store.db)
    store.db.batch = async (fill) => {
      store.db.batch = batch
      const found = await batch<never>(fill)
      await end(2)
      return found
    }
    const first = await list(limit)
    t.same(first.ids, [1, 3, 2, 5, 4].slice(0, limit < 4 ? Math.min(limit, 2) : limit))
    const seen = [...first.ids]
    for (let cursor = first.next; cursor !== null; ) {
      const { ids, next } = await list(limit, cursor)
      seen.push(...ids)
      cursor = next
    }
    t.same(seen, [1, 3, 2, 5, 4], `${limit} a page`)
  }
})

t.test('a page takes a few round trips, however long it is', async (t) => {
  const redis = await startTestRedis()
  const paper = await paperDialer(redis, { onPlace: (call, p) => p.end(call, 'completed') })
  t.teardown(async () => {
    await paper.stop()
    await redis.close()
  })
  await campaignOf(paper, 'c', numbers(300))
  await paper.dialer.campaigns.act('c', 'start')
  await waitFor(async () => (await paper.dialer.campaigns.get('c')).state === 'finished', { what: 'its end' })
  const { store, dialer } = paper
  // A round trip: whatever is asked while nothing else is under way, with all that joins it.
  const call = store.db.call.bind(store.db)
  let [trips, underWay] = [0, 0]
  store.db.call = async (work) => {
    if (underWay++ === 0) trips += 1
    return await call(work).finally(() => {
      underWay -= 1
    })
  }
  const page = { state: null, kind: null, campaign: null, limit: 1000, cursor: null }
  t.equal((await listCalls(store.db, page)).items.length, 300)
  t.equal(trips, 2)
  trips = 0
  t.equal((await dialer.contacts.list('c', page)).items.length, 300)
  t.equal(trips, 1)
})

/** The API's door to calls, over a real ledger; nothing is placed by itself. */
async function door(t: { teardown(run: () => Promise<void>): unknown }) {
  const redis = await startTestRedis()
  const { dialer, store, stop } = await paperDialer(redis, {})
  t.teardown(async () => {
    await stop()
    await redis.close()
  })
  const text = 'flow: f\nstart: bye\nsteps: { bye: { hangup: true } }\n'
  const program = loadFlows([{ path: 'f.yaml', text }]).programs.get('f')
  const placed: string[] = []
  const nothing = {} as never
  const port = callsPort({
    ...{ store, dialer, calls: nothing, commands: nothing, flow: () => program },
    place: async ({ record }) => void placed.push(record.id),
  })
  const dial = (id: string) => port.dial({ to: numbers(1)[0]!, flow: 'f', vars: {}, trunk: null, id })
  return { dialer, store, placed, dial }
}

t.test(
  'a call that is asked for again under its id is not made again, once it is known what became of it',
  async (t) => {
    const { dialer, store, placed, dial } = await door(t)
    t.same(await dial('call-7'), { id: 'call-7' })
    await t.rejects(dial('call-7'), { code: 'unavailable', again: true }, 'it may still be taken back')
    await dialer.ledger.update('call-7', { state: 'dialing', dialed_at: Date.now() })
    t.same(await dial('call-7'), { id: 'call-7' })
    const { record } = (await store.attempts.get('call-7'))!
    await dialer.ledger.finish({ ...record, ended_at: Date.now(), disposition: 'busy' })
    t.same(await dial('call-7'), { id: 'call-7' })
    t.same(placed, ['call-7'])
    t.equal((await store.attempts.ofNumber(numbers(1)[0]!, 5)).length, 1)
  },
)

t.test(
  'a reservation whose answer was lost is not dialled twice by who asks again, nor taken back under them',
  async (t) => {
    const { dialer, store, placed, dial } = await door(t)
    const real = store.attempts.reserve.bind(store.attempts)
    store.attempts.reserve = async (input) => {
      store.attempts.reserve = real
      await real(input)
      throw Object.assign(new Error('the answer never came'), { code: 'unavailable' })
    }
    await t.rejects(dial('call-8'))
    await t.rejects(dial('call-8'), { code: 'unavailable' }, 'nobody dials it, and it is to be taken back')
    dialer.wake()
    await waitFor(async () => (await store.attempts.get('call-8')) === null)
    t.same(await dial('call-8'), { id: 'call-8' })
    dialer.wake()
    await t.rejects(waitFor(async () => (await store.attempts.get('call-8')) === null, { timeout: 500 }))
    t.same(placed, ['call-8'])
  },
)

t.test('a key is had by one request at a time, and by the same one again when the first has died', async (t) => {
  const { store } = await door(t)
  const { idempotency } = store
  const claim = (fingerprint: string, id: string, patience = 60_000) =>
    idempotency.claim('k', fingerprint, id, patience)
  t.same(await claim('print', 'one', 200), { id: 'one' })
  t.match(await claim('print', 'two'), { kept: { fingerprint: 'print', answer: null } })
  await waitFor(async () => 'id' in (await claim('print', 'three')))
  t.match(await claim('print', 'four'), { kept: { answer: null } }, 'and the second one is under way as long')
  await idempotency.release('k', 'print', 'one')
  t.match(await claim('another', 'five'), { kept: { fingerprint: 'print' } })
  t.same(await claim('print', 'six'), { id: 'one' }, 'what it makes has one id, whoever makes it')
  const kept = { fingerprint: 'print', answer: { status: 202, body: '{}', type: 'application/json' } }
  await idempotency.keep('k', kept)
  t.same(await claim('print', 'seven', 0), { kept })
})
