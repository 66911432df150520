/** The same key does a thing once. */
import t from 'tap'
import { ApelError } from '../../src/errors.ts'
import { withCampaign } from './api.ts'

t.setTimeout(60_000)

const call = { to: '+40711111111', flow: 'f' }

t.test('the same request under the same key is performed once and answered the same', async (t) => {
  const { app, memory } = await withCampaign()
  t.teardown(() => app.close())
  const post = () =>
    app.inject({ method: 'POST', url: '/v1/calls', headers: { 'idempotency-key': 'k1' }, payload: call })
  const first = await post()
  const second = await post()
  t.equal(first.statusCode, 202)
  t.equal(second.statusCode, 202)
  t.equal(second.body, first.body)
  t.equal(second.headers['idempotency-replayed'], 'true')
  t.equal(memory.dialed, 1)
})

t.test('another body, or another path, under the key is a conflict', async (t) => {
  const { app, memory } = await withCampaign()
  t.teardown(() => app.close())
  const headers = { 'idempotency-key': 'k1' }
  await app.inject({ method: 'POST', url: '/v1/calls', headers, payload: call })
  const other = await app.inject({ method: 'POST', url: '/v1/calls', headers, payload: { ...call, flow: 'g' } })
  t.equal(other.statusCode, 409)
  t.equal(other.json().code, 'idempotency_conflict')
  const elsewhere = await app.inject({ method: 'POST', url: '/v1/stop', headers })
  t.equal(elsewhere.statusCode, 409)
  t.equal(memory.dialed, 1)
})

t.test('two at once: one is performed, the other hears that it is under way', async (t) => {
  const { app, memory } = await withCampaign()
  t.teardown(() => app.close())
  const post = () =>
    app.inject({ method: 'POST', url: '/v1/calls', headers: { 'idempotency-key': 'k1' }, payload: call })
  const both = (await Promise.all([post(), post()])).map((response) => response.statusCode).sort()
  t.ok(both.join() === '202,409' || both.join() === '202,202', both.join())
  t.equal(memory.dialed, 1)
})

t.test('a refusal is kept too, but one that says "again" gives the key back', async (t) => {
  const { app, memory } = await withCampaign()
  t.teardown(() => app.close())
  const post = (key: string, to: string) =>
    app.inject({ method: 'POST', url: '/v1/calls', headers: { 'idempotency-key': key }, payload: { to, flow: 'f' } })
  t.equal((await post('k1', 'x')).statusCode, 422)
  t.equal((await post('k1', 'x')).headers['idempotency-replayed'], 'true')
  memory.trouble = 'down'
  t.equal((await post('k2', '+40711111111')).statusCode, 503)
  memory.trouble = 'none'
  t.equal((await post('k2', '+40711111111')).statusCode, 202)
})

t.test('who asks again after a 503 is given the same id for the call, and may not change what is asked', async (t) => {
  const { app, memory } = await withCampaign()
  t.teardown(() => app.close())
  const ids: (string | null)[] = []
  const { dial } = memory.ports.calls
  memory.ports.calls.dial = async (request) => {
    ids.push(request.id)
    if (ids.length === 1) throw new ApelError('unavailable', 'Redis is away.', {}, true)
    return await dial(request)
  }
  const post = (key: string, flow: string) => {
    const payload = { to: '+40711111111', flow }
    return app.inject({ method: 'POST', url: '/v1/calls', headers: key ? { 'idempotency-key': key } : {}, payload })
  }
  t.equal((await post('k1', 'f')).statusCode, 503)
  t.match((await post('k1', 'g')).json(), { code: 'idempotency_conflict', message: /another request/ })
  t.equal((await post('k1', 'f')).statusCode, 202)
  t.equal((await post('k2', 'f')).statusCode, 202)
  t.equal((await post('', 'f')).statusCode, 202)
  t.ok(ids[0])
  t.equal(ids[1], ids[0])
  t.ok(ids[2] && ids[2] !== ids[0])
  t.equal(ids[3], null)
})

t.test('a key belongs to its token', async (t) => {
  const tokens = ['a', 'b'].map((name) => ({ name, token: `${name}-0123456789abcdef`, scopes: ['admin' as const] }))
  const { app, memory } = await withCampaign(tokens)
  t.teardown(() => app.close())
  for (const { token } of tokens) {
    const headers = { authorization: `Bearer ${token}`, 'idempotency-key': 'k1' }
    t.equal((await app.inject({ method: 'POST', url: '/v1/calls', headers, payload: call })).statusCode, 202)
  }
  t.equal(memory.dialed, 2)
})

t.test('an upload under a key is read once; the same bytes again get the first answer', async (t) => {
  const { app, memory } = await withCampaign()
  t.teardown(() => app.close())
  const upload = (payload: string) =>
    app.inject({
      method: 'POST',
      url: '/v1/campaigns/renewals/contacts',
      headers: { 'content-type': 'text/csv', 'idempotency-key': 'k1' },
      payload,
    })
  const csv = 'number\n+40711111111\n+40711111112\n'
  const first = await upload(csv)
  t.match(first.json(), { accepted: 2 })
  t.equal((await upload(csv)).body, first.body)
  t.equal((await upload(`${csv}+40711111113\n`)).statusCode, 409)
  t.equal(memory.imported, 1)
})

t.test('a key that cannot be is refused', async (t) => {
  const { app } = await withCampaign()
  t.teardown(() => app.close())
  for (const key of ['', 'a b', 'x'.repeat(201)]) {
    const headers = { 'idempotency-key': key }
    t.equal((await app.inject({ method: 'POST', url: '/v1/stop', headers })).statusCode, 400, key)
  }
})
