/** The table of errors is the same in the code and in the guide, and every refusal has its shape. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { errorTable } from '../../src/api/errors.ts'
import { projectRoot } from '../../src/embedded/tools.ts'
import { ApelError } from '../../src/errors.ts'
import { withCampaign } from './api.ts'

t.setTimeout(60_000)

t.test('docs/errors.md says what the code answers', async (t) => {
  const text = readFileSync(join(projectRoot(), 'docs/errors.md'), 'utf8')
  const rows = [...text.matchAll(/^\| `(\w+)` \| (\d+) \| (.*) \|$/gm)]
  const documented = rows.map(([, code, status, meaning]) => [code, { status: Number(status), meaning }])
  t.strictSame(Object.fromEntries(documented), errorTable)
})

t.test('docs/errors.md has every code that the service throws, and no other', async (t) => {
  const text = readFileSync(join(projectRoot(), 'docs/errors.md'), 'utf8')
  const documented = new Set([...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code ?? ''))
  const thrown = new Set<string>()
  for (const file of readdirSync(join(projectRoot(), 'src'), { recursive: true, encoding: 'utf8' }))
    if (file.endsWith('.ts'))
      for (const [, code] of readFileSync(join(projectRoot(), 'src', file), 'utf8').matchAll(/ApelError\(\s*'(\w+)'/g))
        thrown.add(code ?? '')
  t.ok(thrown.size > 30)
  for (const code of thrown) t.ok(documented.has(code), `\`${code}\` is documented`)
  const section = text.slice(text.indexOf('## Of the service'))
  for (const [, code = ''] of section.matchAll(/^\| `(\w+)` \|/gm)) t.ok(thrown.has(code), `\`${code}\` is thrown`)
})

t.test('a body that is nested too deep is refused, wherever it goes and under a key as well', async (t) => {
  const { app } = await withCampaign()
  t.teardown(() => app.close())
  const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
  const bodies: [string, string][] = [
    ['/v1/calls', '{"to":"+40711111111","flow":"f","vars":{"quoted":"[[\\"{","a":DEEP}}'],
    ['/v1/calls/a1/tasks/look', '{"status":"done","result":DEEP}'],
  ]
  for (const [url, body] of bodies)
    for (const levels of [65, 5000, 500_000])
      for (const headers of [{}, { 'idempotency-key': `${url}${levels}` }]) {
        const payload = body.replace('DEEP', deep(levels))
        const type = { 'content-type': 'application/json' }
        const response = await app.inject({ method: 'POST', url, headers: { ...type, ...headers }, payload })
        t.match({ status: response.statusCode, ...response.json() }, { status: 400, message: /64 levels/ }, `${levels}`)
      }
  const payload = bodies[0]![1].replace('DEEP', deep(62))
  const headers = { 'content-type': 'application/json' }
  t.equal((await app.inject({ method: 'POST', url: '/v1/calls', headers, payload })).statusCode, 202)
})

t.test('every refusal is { code, message, details }', async (t) => {
  const { app } = await withCampaign()
  t.teardown(() => app.close())
  const json = { 'content-type': 'application/json' }
  const call = '{"to":"+40711111111","flow":"f"}'
  const table: [string, object, number, string][] = [
    ['an unknown path', { url: '/v1/nothing' }, 404, 'not_found'],
    ['a method that the path has not', { method: 'PUT', url: '/v1/calls' }, 404, 'not_found'],
    ['an unknown campaign', { url: '/v1/campaigns/nobody' }, 404, 'not_found'],
    ['a name that cannot be', { url: '/v1/campaigns/..%2f..' }, 400, 'bad_request'],
    ['a broken escape', { url: '/v1/campaigns/%zz' }, 400, 'bad_request'],
    ['a limit of nothing', { url: '/v1/calls?limit=0' }, 400, 'bad_request'],
    ['a limit of too much', { url: '/v1/calls?limit=1001' }, 400, 'bad_request'],
    ['a query that is not known', { url: '/v1/calls?sate=up' }, 400, 'bad_request'],
    ['no body', { method: 'POST', url: '/v1/calls' }, 400, 'bad_request'],
    ['half a body', { method: 'POST', url: '/v1/calls', headers: json, payload: '{"to":' }, 400, 'bad_request'],
    [
      'a body that poisons',
      { method: 'POST', url: '/v1/calls', headers: json, payload: `{"__proto__":{},${call.slice(1)}` },
      400,
      'bad_request',
    ],
    [
      'a body of another kind',
      { method: 'POST', url: '/v1/calls', headers: { 'content-type': 'text/plain' }, payload: call },
      415,
      'unsupported_media_type',
    ],
    [
      'a form',
      {
        method: 'POST',
        url: '/v1/stop',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: 'a=1',
      },
      415,
      'unsupported_media_type',
    ],
    [
      'a compressed body',
      { method: 'POST', url: '/v1/stop', headers: { ...json, 'content-encoding': 'gzip' }, payload: 'x' },
      415,
      'unsupported_media_type',
    ],
    [
      'contacts in an encoding that nobody knows',
      {
        method: 'POST',
        url: '/v1/campaigns/renewals/contacts',
        headers: { 'content-type': 'text/csv; charset=klingon' },
        payload: 'number\n',
      },
      415,
      'unsupported_media_type',
    ],
    [
      'JSON where contacts belong',
      { method: 'POST', url: '/v1/campaigns/renewals/contacts', payload: {} },
      415,
      'unsupported_media_type',
    ],
    [
      'a body beyond the limit',
      { method: 'POST', url: '/v1/calls', headers: json, payload: `"${'x'.repeat(2 ** 20)}"` },
      413,
      'too_large',
    ],
    [
      'a key that is mistyped',
      { method: 'POST', url: '/v1/calls', payload: { to: '+40711111111', flow: 'f', trnk: 'x' } },
      400,
      'bad_request',
    ],
    [
      'a number as a number',
      { method: 'POST', url: '/v1/calls', payload: { to: 40711111111, flow: 'f' } },
      400,
      'bad_request',
    ],
    [
      'a number that is none',
      { method: 'POST', url: '/v1/calls', payload: { to: '1&PJSIP/2', flow: 'f' } },
      422,
      'number',
    ],
    ['a state that cannot follow', { method: 'POST', url: '/v1/campaigns/renewals/pause' }, 409, 'invalid_state'],
    [
      'a time that is none',
      { method: 'POST', url: '/v1/callbacks', payload: { number: '+40711111111', due_at: 'soon' } },
      400,
      'bad_request',
    ],
    ['an attempt that never was', { url: '/v1/campaigns/renewals/results?after=zz' }, 404, 'not_found'],
  ]
  for (const [what, request, status, code] of table) {
    const response = await app.inject(request)
    const body = response.json()
    t.equal(response.statusCode, status, `${what}: ${response.body}`)
    t.strictSame(Object.keys(body).sort(), ['code', 'details', 'message'], what)
    t.equal(body.code, code, what)
    t.match(response.headers['content-type'], /^application\/json/, what)
  }
})

t.test('what nobody foresaw is answered without the inside of the service', async (t) => {
  const { app, memory } = await withCampaign()
  t.teardown(() => app.close())
  const faults = [new Error('password is hunter2'), new ApelError('ledger_secret', 'password is hunter2'), 'hunter2']
  for (const fault of faults) {
    memory.ports.calls.get = async () => {
      throw fault
    }
    const response = await app.inject('/v1/calls/x')
    t.equal(response.statusCode, 500)
    t.equal(response.json().code, 'internal')
    t.notMatch(response.body, /hunter2/)
  }
})

t.test('lists are read a few at a time; who waited too long is told, and is read for no more', async (t) => {
  const { app, memory } = await withCampaign()
  t.teardown(() => app.close())
  const waiting: (() => void)[] = []
  let [read, most, now] = [0, 0, 0]
  memory.ports.contacts.list = async () => {
    read += 1
    now += 1
    most = Math.max(most, now)
    await new Promise<void>((resolve) => waiting.push(resolve))
    now -= 1
    return { items: [], next: null }
  }
  const ask = () => app.inject('/v1/campaigns/renewals/contacts')
  const quick = Array.from({ length: 12 }, ask)
  const answered = Promise.all(quick)
  const letGo = setInterval(() => waiting.shift()?.(), 10)
  t.ok((await answered).every(({ statusCode }) => statusCode === 200))
  clearInterval(letGo)
  t.equal(most, 4)
  read = 0
  const stuck = Array.from({ length: 8 }, ask)
  t.equal((await app.inject('/v1/calls/x')).statusCode, 404, 'what is no list does not wait')
  t.ok((await Promise.all(stuck)).every(({ statusCode }) => statusCode === 503))
  for (const go of waiting.splice(0)) go()
  await new Promise(setImmediate)
  t.equal(read, 4)
})

t.test('a service that cannot, or does not answer, says so within two seconds', async (t) => {
  const { app, memory } = await withCampaign()
  t.teardown(() => app.close())
  for (const trouble of ['down', 'silent'] as const) {
    memory.trouble = trouble
    const begun = performance.now()
    const response = await app.inject('/v1/campaigns')
    t.equal(response.statusCode, 503)
    t.equal(response.json().code, 'unavailable')
    t.ok(Number(response.headers['retry-after']) > 0)
    t.ok(performance.now() - begun < 2000)
  }
  t.equal((await app.inject('/health/live')).statusCode, 200, 'and is alive meanwhile')
  t.equal((await app.inject('/health/ready')).statusCode, 503, 'but not ready')
})
