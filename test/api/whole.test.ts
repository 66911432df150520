/**
 * The API over the real service: a real Redis, a program of its own, and no Asterisk at its end, so that everything but the
 * call itself is seen through HTTP and through the commands. Every answer is held against the description.
 */
import { createHmac } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import t from 'tap'
import type { z } from 'zod'
import { callback, dncEntry } from '../../src/api/schemas/calls.ts'
import { campaign, contact } from '../../src/api/schemas/campaigns.ts'
import { importReport, page } from '../../src/api/schemas/common.ts'
import { projectRoot } from '../../src/embedded/tools.ts'
import { freePort } from '../../src/phones/ports.ts'
import { runCommand } from '../support/command.ts'
import { ServiceProcess } from '../support/service-process.ts'
import { waitFor } from '../support/wait.ts'
import { type Description, judge, oddRequests } from './requests.ts'

t.setTimeout(200_000)

const folder = mkdtempSync(join(tmpdir(), 'apel-api-'))
const put = (name: string, text: string): void => {
  mkdirSync(join(folder, name, '..'), { recursive: true })
  writeFileSync(join(folder, name), text)
}
const port = await freePort('tcp')
const url = `http://127.0.0.1:${port}`
const token = 'a-token-that-nobody-guesses'
/** What a webhook was told, with its headers. */
const told: { body: string; headers: Record<string, unknown> }[] = []
let well = true
const receiver = createServer((request, response) => {
  let body = ''
  request.on('data', (piece) => {
    body += piece
  })
  request.on('end', () => {
    told.push({ body, headers: request.headers })
    response.statusCode = well ? 200 : 503
    response.end()
  })
})
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
t.teardown(() => receiver.close())
const hook = `127.0.0.1:${(receiver.address() as AddressInfo).port}`
put(
  'apel.yaml',
  `api: { port: ${port}, tokens: [ { name: all, token: "\${TOKEN}", scopes: [admin] } ] }
asterisk: [ { name: pbx, url: "http://127.0.0.1:9", username: a, password: b, trunks: [ { name: carrier } ] } ]
policy: { allow: [+40], windows: "00:00-24:00" }
http: { allow_hosts: ["${hook}"] }
webhooks: [ { url: "http://${hook}/calls?key=a-key-in-the-address", secret: "\${SECRET}" } ]
`,
)
put(
  'scripts-yaml/flows/hello.yaml',
  'flow: hello\nstart: hi\nsteps:\n  hi: { say: "Hello." }\n  bye: { hangup: true }\n',
)
put('scripts-yaml/flows/wrong.yaml', 'flow: wrong\nstart: hi\nsteps:\n  hi: { sya: "Hello." }\n')
put(
  'scripts-yaml/campaigns/spring.yaml',
  'campaign: spring\nflow: hello\ncontacts: { file: s.csv, key: id, number: phone, priority: prio }\n',
)
put(
  'scripts-yaml/campaigns/s.csv',
  'id,Phone,First Name,prio\n1,0711 111 111,Ana,9\n2,+40711111112,=1+1,\n3,nobody,Dan,\n1,0711 111 111,Ana,9\n4,100@other/sip:x@y,Eve,\n',
)

const service = new ServiceProcess({
  url,
  config: join(folder, 'apel.yaml'),
  log: join(folder, 'serve.log'),
  env: { TOKEN: token, SECRET: 'a-secret-that-signs' },
})
t.teardown(async () => {
  await service.end()
  rmSync(folder, { recursive: true })
})
const begin = async (): Promise<void> => {
  await service.start({ ready: false })
  await waitFor(async () => (await fetch(`${url}/health/live`)).ok, { timeout: 60_000, what: 'the API' })
}
await begin()

const apel = (...args: string[]) => runCommand(args, { cwd: folder, env: { APEL_URL: url, APEL_TOKEN: token } })

const fits = (t: Tap, schema: z.ZodType, body: unknown): void => {
  t.ok(schema.safeParse(body).success, JSON.stringify(body))
}

interface Tap {
  ok(truth: unknown, message: string): unknown
}

interface Asked {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: what comes is held against the schemas
  body: any
  headers: Headers
}
async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Asked> {
  const text = typeof body === 'string'
  const response = await fetch(url + path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined || text ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: text ? body : JSON.stringify(body) }),
  })
  const said = await response.text()
  const isJson = response.headers.get('content-type')?.includes('application/json')
  return { status: response.status, body: isJson && said !== '' ? JSON.parse(said) : said, headers: response.headers }
}

t.test('what stands in the folder is there: the campaigns, the flows, and what is wrong with them', async (t) => {
  const found = await ask('GET', '/v1/campaigns/spring')
  fits(t, campaign.strict(), found.body)
  t.match(found.body, { state: 'ready', definition: { flow: 'hello' }, counts: { contacts: 0 } })
  const { body } = await ask('GET', '/v1/flows')
  t.ok(
    body.items.some(
      (flow: { name: string; problems: unknown[] }) => flow.name === 'hello' && flow.problems.length === 0,
    ),
  )
  t.match(service.log(), /wrong\.yaml","line":4/)
  t.equal((await ask('GET', '/health/ready')).status, 503)
  t.match((await ask('GET', '/health/ready')).body, {
    ...{ ready: false, reason: 'no Asterisk can be dialled on' },
    redis: { writable: true },
    nodes: [{ linked: false }],
  })
})

t.test('a dirty file is imported by the command; each bad row is kept with its reason', async (t) => {
  const { code, stdout } = await apel('campaign', 'import', 'spring', '--json')
  t.equal(code, 0)
  const report = JSON.parse(stdout)
  fits(t, importReport.strict(), report)
  t.match(report, { accepted: 2, duplicate: 1, rejected: 2, rejects: [{ row: 3, column: 'phone' }, { row: 5 }] })
  t.match(readFileSync(join(folder, 'spring.rejects.csv'), 'utf8'), /^row,column,reason\r?\n3,phone,.*\r?\n5,phone,/)

  const list = await ask('GET', '/v1/campaigns/spring/contacts?limit=1')
  fits(t, page(contact.strict()).strict(), list.body)
  t.match(list.body, { items: [{ key: '1', number: '+40711111111', state: 'pending', data: { first_name: 'Ana' } }] })
  t.ok(list.body.next)
  const rest = await ask('GET', `/v1/campaigns/spring/contacts?cursor=${encodeURIComponent(list.body.next)}`)
  t.match(rest.body, { items: [{ key: '2' }], next: null })

  const again = await apel('campaign', 'import', 'spring', '--json')
  t.match(JSON.parse(again.stdout), { accepted: 0, updated: 0, duplicate: 3 }, 'the same content does nothing again')
})

t.test('a list as people send it: what is good comes in, the rest is told row by row', async (t) => {
  const lists = join(projectRoot(), 'test/lists')
  await ask('PUT', '/v1/campaigns/dirty', {
    flow: 'hello',
    contacts: { key: 'id', number: 'telefon', timezone: 'fus_orar', priority: 'prioritate', consent: 'acord' },
  })
  const sums = { accepted: 6, updated: 1, duplicate: 2, rejected: 12 }
  const expected = readFileSync(join(lists, 'dirty.rejects.csv'), 'utf8')
  for (const option of [['--dry-run'], []]) {
    const { code, stdout, stderr } = await apel(
      'campaign',
      'import',
      'dirty',
      join(lists, 'dirty.csv'),
      '--json',
      ...option,
    )
    t.equal(code, 0, stderr)
    t.match(JSON.parse(stdout), sums, option.join() || 'the import')
    t.equal(readFileSync(join(folder, 'dirty.rejects.csv'), 'utf8'), expected)
  }
  const { body } = await ask('GET', '/v1/campaigns/dirty/contacts')
  t.same(
    body.items.map(({ key }: { key: string }) => key),
    ['1', '2', '3', '13', '14', '16'],
  )
  t.match(body.items[1], { number: '+40722000002', priority: 3, data: { nume: 'Pop; Ion' } })
  t.match(body.items[4], { data: { nume: 'Two\r\nlines' } })
})

t.test('a contact is changed and removed', async (t) => {
  const path = '/v1/campaigns/spring/contacts/2'
  const changed = await ask('PATCH', path, { data: { first_name: 'Dan' }, priority: 5 })
  fits(t, contact.strict(), changed.body)
  t.match(changed.body, { data: { first_name: 'Dan' }, priority: 5 })
  t.equal((await ask('DELETE', path)).status, 204)
  t.equal((await ask('GET', path)).status, 404)
  t.match((await ask('GET', '/v1/campaigns/spring')).body.counts, { contacts: 1 })
})

t.test('a definition that is wrong is refused with its paths', async (t) => {
  t.match(await ask('PUT', '/v1/campaigns/odd', { flow: 'hello', dial: { ring: 'long' } }), {
    status: 400,
    body: { code: 'bad_request', details: { problems: [{ path: 'dial.ring' }] } },
  })
  const odd = await ask('PUT', '/v1/campaigns/odd', { flow: 'hello', odd: 1, attempts: { max: 0 } })
  t.match(odd.body.message, /^The campaign has faults: .*`attempts\.max` .*; .*"odd"/)
  t.notMatch(odd.body.message, '``')
  t.equal((await ask('PUT', '/v1/campaigns/odd', { flow: 'nothing' })).status >= 400, true)
  t.equal((await ask('PUT', '/v1/campaigns/odd', { flow: 'hello' })).status, 201)
  t.equal((await ask('PUT', '/v1/campaigns/odd', { flow: 'hello' })).status, 200)
})

t.test('nothing is dialled without an Asterisk, and the answer says which rule', async (t) => {
  const call = { to: '+40711111111', flow: 'hello' }
  const refused = await ask('POST', '/v1/calls', call)
  t.equal(refused.status, 422)
  t.match(refused.body.code, /^(gate_closed|trunk_state)$/)
  t.equal(
    (await ask('POST', '/v1/calls', { ...call, vars: { language: 'ro' } })).status,
    422,
    'every flow has a language',
  )
  t.equal((await ask('POST', '/v1/calls', { ...call, vars: { langage: 'ro' } })).status, 400)
  t.match(refused.body.message, /Asterisk node \S+ cannot be dialled on: \S/)
  for (const [to, code] of [
    ['+4411111111111', 'number'],
    ['+447911123456', 'destination'],
    ['112', 'number'],
    ['1&PJSIP/2', 'number'],
  ] as const)
    t.match(await ask('POST', '/v1/calls', { to, flow: 'hello' }), { status: 422, body: { code } }, to)
  t.match(await ask('POST', '/v1/calls', { ...call, flow: 'nothing' }), { status: 422, body: { code: 'unknown_flow' } })
  t.equal((await apel('dial', '+447911123456', '--flow', 'hello')).code, 1)
})

t.test('a campaign is forecast from what is there', async (t) => {
  const { code, stdout } = await apel('campaign', 'forecast', 'spring', '--answer', '1', '--json')
  t.equal(code, 0)
  t.match(JSON.parse(stdout), {
    ...{ campaign: 'spring', attempts: 1, contacts: { total: 1, reached: 1, never: 0, open: 0 }, hours: { length: 1 } },
    ...{ ends_at: /Z$/, assumed: { rates: { completed: 1 } } },
  })
  t.match((await apel('campaign', 'forecast', 'spring')).stdout, /calls +\d\n[\s\S]*Calls an hour/)
})

t.test('callbacks and the do-not-call list hold what they were told', async (t) => {
  const made = await ask('POST', '/v1/callbacks', {
    number: '0711111111',
    due_at: new Date(Date.now() + 3_600_000),
    flow: 'hello',
  })
  t.equal(made.status, 201, JSON.stringify(made.body))
  fits(t, callback.strict(), made.body)
  t.equal(made.body.number, '+40711111111')
  const { body, headers } = await waitFor(() => told[0], { what: 'the webhook' })
  t.match(JSON.parse(body), { event: 'callback.scheduled', at: /Z$/, data: made.body })
  const hmac = createHmac('sha256', 'a-secret-that-signs').update(`${headers['x-apel-timestamp']}.${body}`)
  t.equal(headers['x-apel-signature'], `v1=${hmac.digest('hex')}`)
  t.match(await ask('GET', '/v1/webhooks/dead'), { status: 200, body: { items: [], next: null } })
  t.match(await ask('POST', '/v1/webhooks/dead/1-1/replay'), { status: 404, body: { code: 'not_found' } })
  for (const [what, answer] of [
    [{ flow: 'nobody' }, { status: 422, body: { code: 'unknown_flow' } }],
    [{ flow: 'wrong' }, { status: 422, body: { code: 'unknown_flow' } }],
    [
      { flow: 'hello', at: 'nowhere' },
      { status: 400, body: { code: 'bad_request', details: { field: 'at' } } },
    ],
    [
      { campaign: 'spring', at: 'nowhere' },
      { status: 400, body: { code: 'bad_request' } },
    ],
    [{ campaign: 'spring', at: 'bye' }, { status: 201 }],
    [
      { campaign: 'autumn', at: 'bye' },
      { status: 422, body: { code: 'unknown_campaign' } },
    ],
  ] as const) {
    const asked = { number: '0711111115', due_at: new Date(Date.now() + 3_600_000), ...what }
    t.match(await ask('POST', '/v1/callbacks', asked), answer, JSON.stringify(what))
  }
  const path = `/v1/callbacks/${made.body.id}`
  const due_at = new Date(Date.now() + 7_200_000).toISOString()
  t.match(await ask('PATCH', path, { due_at }), { status: 200, body: { due_at } })
  t.equal((await ask('DELETE', path)).status, 204)
  t.match((await ask('GET', '/v1/callbacks?number=%2B40711111111')).body, {
    items: [{ state: 'cancelled' }],
    next: null,
  })
  t.match((await ask('GET', '/v1/callbacks?state=open&limit=1')).body, { items: [] })
  const number = '/v1/numbers/0711%20111%20111'
  t.match(await ask('GET', number), {
    status: 200,
    body: {
      number: '+40711111111',
      contacts: [{ campaign: 'spring' }],
      callbacks: [{ id: made.body.id }],
      attempts: [],
    },
  })
  t.equal((await ask('GET', '/v1/numbers/nobody')).status, 400)
  t.equal((await ask('DELETE', '/v1/numbers/+40711111777')).status, 204)

  const entry = await ask('POST', '/v1/dnc', { number: '0711 111 119', reason: 'asked' })
  t.equal(entry.status, 201)
  fits(t, dncEntry.strict(), entry.body)
  t.equal(entry.body.number, '+40711111119')
  t.match(await ask('POST', '/v1/calls', { to: '+40711111119', flow: 'hello' }), { status: 422, body: { code: 'dnc' } })
  t.match(await ask('POST', '/v1/callbacks', { number: '+40711111119', due_at }), {
    status: 422,
    body: { code: 'dnc' },
  })
  t.match((await apel('dnc', 'list')).stdout, /\+40711111119 .*asked/)
  t.equal((await ask('DELETE', '/v1/dnc/+40711111119')).status, 204)
  t.equal((await ask('DELETE', '/v1/dnc/+40711111119')).status, 404)
})

t.test('a do-not-call list is read as any spreadsheet wrote it, once for a key, and given page by page', async (t) => {
  const listed = Array.from({ length: 25 }, (_, i) => `+4072${String(i).padStart(7, '0')}`)
  const text = `Number;Reason\r\n${listed.map((number) => `${number.slice(3).padStart(10, '0')};"a; b"`).join('\r\n')}\r\n"lost;x\r\n`
  const body = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')])
  const upload = async () => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'text/csv', 'idempotency-key': 'list' }
    const response = await fetch(`${url}/v1/dnc?campaign=spring`, { method: 'POST', headers, body })
    return { status: response.status, body: await response.json() }
  }
  const first = await upload()
  t.match(first, { status: 200, body: { accepted: 25, duplicate: 0, rejected: 1, rejects: [{ row: 26 }] } })
  t.same(await upload(), first)
  const seen: string[] = []
  for (let cursor = ''; ; ) {
    const page = await ask('GET', `/v1/dnc?campaign=spring&limit=10${cursor}`)
    t.ok(page.body.items.length <= 10)
    seen.push(...page.body.items.map(({ number }: { number: string }) => number))
    if (page.body.next === null) break
    cursor = `&cursor=${encodeURIComponent(page.body.next)}`
  }
  t.same(seen.sort(), listed)
})

t.test('a key and a run are remembered over a restart', async (t) => {
  const headers = { 'idempotency-key': 'once' }
  const first = await ask('POST', '/v1/dnc', { number: '+40711111118' }, headers)
  const run = '/v1/campaigns/spring/runs/monday'
  t.equal((await ask('PUT', run)).status, 201)
  await ask('PATCH', run, { started: true, exit: 1 })
  t.equal(await service.end('SIGTERM'), 0)
  await begin()
  const second = await ask('POST', '/v1/dnc', { number: '+40711111118' }, headers)
  t.equal(second.status, 201)
  t.strictSame(second.body, first.body)
  t.equal((await ask('POST', '/v1/dnc', { number: '+40711111117' }, headers)).status, 409)
  t.match(await ask('PUT', run), { status: 200, body: { exit: 1 } })
  t.match((await apel('batch', 'spring', '--run-id', 'monday')).code, 1)
  t.match((await ask('GET', '/v1/campaigns/spring')).body, { state: 'ready', counts: { contacts: 1 } })
})

t.test(
  'random requests to the real service: refusals as documented, and none of them a fault of its own',
  async (t) => {
    const description = (await ask('GET', '/docs/json')).body as Description
    // Stopped, reloaded or erased would it be another service for the tests below.
    delete description.paths['/v1/stop']
    await ask('PUT', '/v1/campaigns/renewals', { flow: 'hello', contacts: { number: 'number' } })
    await fc.assert(
      fc.asyncProperty(oddRequests(description), async (request) => {
        const { method, url: path, headers, body } = request
        const response = await fetch(url + path, {
          ...{ method, headers: { ...headers, authorization: `Bearer ${token}` } },
          ...(body === null ? {} : { body: Buffer.from(body) }),
        })
        const text = await response.text()
        // No telephone is there: what is not ready says so.
        if (!(response.status === 503 && path.startsWith('/health/ready'))) judge(request, response.status, text)
      }),
      { numRuns: 400 },
    )
    t.notMatch(service.log(), /A request failed unforeseen/)
    t.equal((await ask('GET', '/health/live')).status, 200)
  },
)

t.test('what a webhook would not take outlives the death of the service', async (t) => {
  well = false
  const before = told.length
  const made = await ask('POST', '/v1/callbacks', {
    ...{ number: '0711111113', due_at: new Date(Date.now() + 3_600_000), flow: 'hello' },
  })
  const first = await waitFor(() => told[before], { what: 'the first try' })
  await service.end('SIGKILL')
  well = true
  await begin()
  const second = await waitFor(() => told[before + 1], { timeout: 30_000, what: 'the second try' })
  t.match(JSON.parse(second.body), { event: 'callback.scheduled', data: { id: made.body.id } })
  t.equal(second.body, first.body)
  t.equal(second.headers['x-apel-delivery'], first.headers['x-apel-delivery'])
})

t.test('a Redis that does not answer is 503 within two seconds, and all is well when it is back', async (t) => {
  const redis = new Redis(join(folder, 'data/redis/redis.sock'))
  const pid = Number(/^process_id:(\d+)/m.exec(await redis.info('server'))?.[1])
  redis.disconnect()
  process.kill(pid, 'SIGSTOP')
  try {
    const csv = { 'content-type': 'text/csv' }
    const key = { 'idempotency-key': 'while-it-stands-still' }
    const asked: [string, string, unknown?, Record<string, string>?][] = [
      ...['', '/spring', '/spring/steps', '/spring/contacts', '/spring/contacts/1', '/spring/rejects/x'].map(
        (path): [string, string] => ['GET', `/v1/campaigns${path}`],
      ),
      ...['/spring/results', '/spring/results?format=csv', '/spring/forecast'].map((path): [string, string] => [
        'GET',
        `/v1/campaigns${path}`,
      ]),
      ...['calls', 'calls/x', 'callbacks', 'dnc', 'explain/+40711111111', 'numbers/+40711111111', 'webhooks/dead'].map(
        (path): [string, string] => ['GET', `/v1/${path}`],
      ),
      ['POST', '/v1/campaigns/spring/contacts', 'id,phone\n9,+40711111119\n', csv],
      ['POST', '/v1/campaigns/spring/contacts?dry_run=true', 'id,phone\n9,+40711111119\n', csv],
      ['POST', '/v1/campaigns/spring/start', undefined, key],
      ['POST', '/v1/calls', { to: '+40711111111', flow: 'hello' }],
      ['POST', '/v1/dnc', { number: '+40711111116' }],
      ['POST', '/v1/dnc', 'number\n+40711111116\n', csv],
    ]
    const within = async ([method, path, body, headers]: (typeof asked)[number]): Promise<void> => {
      const begun = performance.now()
      const answer = await ask(method, path, body, headers)
      t.equal(answer.status, 503, `${method} ${path}: ${JSON.stringify(answer.body)}`)
      t.ok(performance.now() - begun < 2000, `${method} ${path} took ${Math.round(performance.now() - begun)} ms`)
      t.ok(answer.headers.get('retry-after'), `${method} ${path}`)
    }
    await Promise.all(asked.map(within))
    t.equal((await fetch(`${url}/health/live`)).status, 200)
    t.equal((await apel('campaign', 'status')).code, 1)
    const { body } = await ask('GET', '/health/ready')
    t.match(body, { ready: false, reason: /^Redis cannot do this now: it does not answer in time$/ })
    const { body: metrics } = await ask('GET', '/metrics')
    t.match(
      metrics,
      /^apel_gate_open\{node="pbx",reason="Redis cannot do this now.*"\} 0$/m,
      'and a monitor hears of it',
    )
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await waitFor(async () => (await ask('GET', '/v1/campaigns')).status === 200, { what: 'the API to recover' })
})

t.test('no whole number and no token is in the log', async (t) => {
  t.notMatch(service.log(), /\+?407111111\d\d|a-token-that|a-secret-that|a-key-in-the-address/)
})
