/** Who is let in, to what, and how a guesser is slowed down. */
import t from 'tap'
import { makeAuth } from '../../src/api/auth.ts'
import type { Scope } from '../../src/config.ts'
import { withCampaign } from './api.ts'

t.setTimeout(60_000)

const token = (name: string, ...scopes: Scope[]) => ({ name, token: `${name}-0123456789abcdef`, scopes })
const tokens = [
  token('reader', 'read'),
  token('dialer', 'read', 'dial'),
  token('planner', 'campaign'),
  token('root', 'admin'),
]
const bearer = (name: string) => ({ authorization: `Bearer ${name}-0123456789abcdef` })

t.test('a token opens what its scopes say', async (t) => {
  const { app } = await withCampaign(tokens)
  t.teardown(() => app.close())
  const call = { to: '+40711111111', flow: 'f' }
  const asks: [string, 'GET' | 'POST' | 'DELETE' | 'PUT', string, object | undefined, string[]][] = [
    ['read', 'GET', '/v1/campaigns', undefined, ['reader', 'dialer', 'root']],
    ['read', 'GET', '/v1/campaigns/renewals/results', undefined, ['reader', 'dialer', 'root']],
    ['dial', 'POST', '/v1/calls', call, ['dialer', 'root']],
    ['dial', 'POST', '/v1/dnc', { number: '+40799999999' }, ['dialer', 'root']],
    ['campaign', 'PUT', '/v1/campaigns/renewals', { flow: 'renewal' }, ['planner', 'root']],
    ['admin', 'POST', '/v1/reload', undefined, ['root']],
  ]
  for (const [needed, method, url, payload, allowed] of asks)
    for (const { name } of tokens) {
      const response = await app.inject({ method, url, headers: bearer(name), ...(payload ? { payload } : {}) })
      if (allowed.includes(name)) t.ok(response.statusCode < 300, `${name} may ${method} ${url}`)
      else {
        t.equal(response.statusCode, 403, `${name} may not ${method} ${url}`)
        t.match(response.json(), { code: 'scope', details: { needed } })
      }
    }
})

t.test('without a token, or with a wrong one, only the health and the description are open', async (t) => {
  const { app } = await withCampaign(tokens)
  t.teardown(() => app.close())
  for (const url of ['/health/live', '/health/ready', '/metrics', '/docs', '/docs/json'])
    t.equal((await app.inject(url)).statusCode, 200, url)
  for (const authorization of [undefined, 'Bearer', 'Bearer wrong', 'Basic cm9vdA==', 'Bearer root-0123456789abcdeF'])
    for (const url of ['/v1/campaigns', '/v1/events', '/v1/nothing']) {
      const response = await app.inject({ url, headers: authorization ? { authorization } : {} })
      t.equal(response.statusCode, 401, `${authorization} ${url}`)
      t.equal(response.headers['www-authenticate'], 'Bearer')
    }
})

t.test('every path asks for a scope or is open on purpose', async (t) => {
  const { app } = await withCampaign(tokens)
  t.teardown(() => app.close())
  const { paths } = (await app.inject('/docs/json')).json() as { paths: Record<string, Record<string, unknown>> }
  t.ok(Object.keys(paths).length > 20)
  for (const [path, methods] of Object.entries(paths))
    for (const method of Object.keys(methods)) {
      if (path.startsWith('/health') || path === '/metrics') continue
      const url = path.replaceAll(/\{\w+\}/g, 'x')
      const options = { method: method.toUpperCase() as 'GET', url }
      t.equal((await app.inject(options)).statusCode, 401, `${method} ${path}`)
    }
})

t.test('ten wrong tokens in a minute, and the address waits; who was in before stays in', async (t) => {
  let now = 1_000_000
  const auth = makeAuth(tokens, () => now)
  const ask = (ip: string, authorization: string) => {
    try {
      return auth({ ip, headers: { authorization } } as never, 'read').name
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  t.equal(ask('a', bearer('reader').authorization), 'reader')
  for (let n = 0; n < 10; n++) t.equal(ask('a', `Bearer wrong-${n}`), 'unauthorized')
  t.equal(ask('a', 'Bearer wrong'), 'too_many_requests')
  t.equal(
    ask('a', bearer('root').authorization),
    'too_many_requests',
    'also a right one that was never seen from there',
  )
  t.equal(ask('a', bearer('reader').authorization), 'reader')
  t.equal(ask('b', bearer('root').authorization), 'root', 'and other addresses do not notice')
  now += 61_000
  t.equal(ask('a', bearer('root').authorization), 'root')
})

t.test('429 says when to come back', async (t) => {
  const { app } = await withCampaign(tokens)
  t.teardown(() => app.close())
  const ask = () => app.inject({ url: '/v1/calls', headers: { authorization: 'Bearer wrong' } })
  for (let n = 0; n < 10; n++) await ask()
  const response = await ask()
  t.equal(response.statusCode, 429)
  t.ok(Number(response.headers['retry-after']) > 0 && Number(response.headers['retry-after']) <= 60)
  t.equal(response.json().code, 'too_many_requests')
})

t.test('without tokens a page of another site cannot use the browser on this machine', async (t) => {
  const { app } = await withCampaign()
  t.teardown(() => app.close())
  const post = (headers: Record<string, string>) =>
    app.inject({ method: 'POST', url: '/v1/campaigns/renewals/start', headers })
  t.equal((await post({ host: '127.0.0.1:8080' })).statusCode, 200)
  t.equal((await post({ host: 'localhost:8080', origin: 'http://localhost:8080' })).statusCode, 200)
  t.match((await post({ host: '127.0.0.1:8080', origin: 'https://evil.example' })).json(), { code: 'origin' })
  t.match((await post({ host: 'evil.example' })).json(), { code: 'origin' }, 'nor under a name that was bent to us')
})
