/** Each path, as a client of `interface.md` uses it; and every answer is as the description says. */
import t from 'tap'
import { z } from 'zod'
import { callback, call as callSchema, dncEntry } from '../../src/api/schemas/calls.ts'
import { campaign, contact } from '../../src/api/schemas/campaigns.ts'
import { importReport, page } from '../../src/api/schemas/common.ts'
import { withCampaign } from './api.ts'
import { aRecord } from './memory-ports.ts'

t.setTimeout(60_000)

const csv = { 'content-type': 'text/csv' }

t.test('a campaign is made, changed and moved through its states', async (t) => {
  const { app } = await withCampaign()
  t.teardown(() => app.close())
  const put = (name: string, payload: object) => app.inject({ method: 'PUT', url: `/v1/campaigns/${name}`, payload })
  t.equal((await put('new', { flow: 'f' })).statusCode, 201)
  const changed = await put('new', { flow: 'g' })
  t.equal(changed.statusCode, 200)
  t.doesNotThrow(() => campaign.strict().parse(changed.json()))
  t.match(changed.json(), { definition: { flow: 'g' }, started_at: null, counts: { contacts: 0 } })
  t.match((await put('new', { flw: 'g' })).json(), { code: 'bad_request', details: { problems: [{ path: 'flow' }] } })

  const act = async (action: string, payload?: object) =>
    (await app.inject({ method: 'POST', url: `/v1/campaigns/new/${action}`, ...(payload ? { payload } : {}) })).json()
  t.equal((await act('start')).state, 'running')
  t.equal((await act('start')).state, 'running', 'asking for the state that is there is no fault')
  t.equal((await act('pause')).state, 'paused')
  t.equal((await act('resume')).state, 'running')
  t.equal((await act('stop', { now: true })).state, 'stopped')
  t.equal((await act('resume')).code, 'invalid_state')
  t.equal((await act('start', {})).state, 'running')
  t.equal((await act('drain')).state, 'stopping')
})

t.test('contacts are imported, listed in pages, changed and removed', async (t) => {
  const { app } = await withCampaign()
  t.teardown(() => app.close())
  const url = '/v1/campaigns/renewals/contacts'
  const numbers = Array.from({ length: 250 }, (_, n) => `+4071100${String(n).padStart(4, '0')}`)
  const dry = await app.inject({
    method: 'POST',
    url: `${url}?dry_run=true`,
    headers: csv,
    payload: `number\n${numbers.join('\n')}\nxx\n`,
  })
  t.match(dry.json(), { accepted: 250, rejected: 1, rejects: [{ row: 251, column: 'number' }], rejects_url: null })
  const report = await app.inject({
    method: 'POST',
    url,
    headers: { 'content-type': 'text/csv; charset=utf-8' },
    payload: `number\n${numbers.join('\n')}\nxx\n`,
  })
  t.equal(report.statusCode, 200)
  t.doesNotThrow(() => importReport.strict().parse(report.json()))
  const rejects = await app.inject(report.json().rejects_url)
  t.equal(rejects.body, 'row,column,reason\r\n251,number,xx is not a number\r\n')
  const more = await app.inject({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-ndjson' },
    payload: `{"number":"${numbers[0]}"}\n{"number":"+40722222222"}\n`,
  })
  t.match(more.json(), { accepted: 1, duplicate: 1 })

  const seen: string[] = []
  let cursor: string | null = null
  do {
    const next: string = cursor === null ? '' : `&cursor=${cursor}`
    const list = (await app.inject(`${url}?limit=100${next}`)).json()
    t.doesNotThrow(() => page(contact.strict()).strict().parse(list))
    seen.push(...list.items.map((item: { key: string }) => item.key))
    cursor = list.next
  } while (cursor !== null)
  t.equal(new Set(seen).size, 251)
  t.equal((await app.inject(url)).json().items.length, 100, 'a page is 100 unless asked')

  const one = `${url}/${encodeURIComponent('+40722222222')}`
  t.match((await app.inject(one)).json(), { number: '+40722222222', state: 'pending' })
  const changed = await app.inject({ method: 'PATCH', url: one, payload: { data: { name: 'Dan' }, priority: 3 } })
  t.match(changed.json(), { data: { name: 'Dan' }, priority: 3 })
  t.equal((await app.inject({ method: 'PATCH', url: one, payload: {} })).statusCode, 400)
  t.equal((await app.inject({ method: 'PATCH', url: one, payload: { state: 'dialing' } })).statusCode, 400)
  t.equal((await app.inject({ method: 'DELETE', url: one })).statusCode, 204)
  t.equal((await app.inject({ method: 'DELETE', url: one })).statusCode, 404)
})

t.test('a call is dialled, seen, given its task and ended', async (t) => {
  const { app, memory } = await withCampaign()
  t.teardown(() => app.close())
  const made = await app.inject({
    method: 'POST',
    url: '/v1/calls',
    payload: { to: '+40711111111', flow: 'f', vars: { visit: 'now' }, trunk: null },
  })
  t.equal(made.statusCode, 202)
  const { id } = made.json()
  const live = memory.calls.get(id)
  live?.steps.push({ at: Date.UTC(2026, 0, 5, 8, 0, 2, 7), step: 'greet', event: 'start' })
  const seen = (await app.inject(`/v1/calls/${id}`)).json()
  t.doesNotThrow(() => callSchema.strict().parse(seen))
  t.match(seen, {
    id,
    state: 'dialing',
    dialed_at: '2026-01-05T08:00:01.000Z',
    ended_at: null,
    vars: { visit: 'now' },
    steps: [{ at: '2026-01-05T08:00:02.007Z', step: 'greet' }],
  })
  t.equal((await app.inject('/v1/calls?state=dialing')).json().items.length, 1)
  t.equal((await app.inject('/v1/calls?state=up')).json().items.length, 0)
  t.equal((await app.inject('/v1/calls?state=&kind=&campaign=&limit=')).json().items.length, 1)
  const raise = (name: string) => app.inject({ method: 'POST', url: `/v1/calls/${id}/situations/${name}` })
  t.equal((await raise('threats')).statusCode, 409)
  memory.calls.get(id)!.state = 'up'
  t.match((await raise('threats')).json(), { situation: 'threats' })
  t.equal((await raise('thunder')).statusCode, 404)
  const task = { method: 'POST' as const, url: `/v1/calls/${id}/tasks/lookup` }
  t.match((await app.inject({ ...task, payload: { status: 'done', result: { a: 1 } } })).json(), { status: 'done' })
  t.same((await app.inject({ ...task, payload: { status: 'failed' } })).json(), { status: 'failed', result: null })
  t.equal((await app.inject({ ...task, payload: { status: 'perhaps' } })).statusCode, 400)
  t.equal((await app.inject({ method: 'DELETE', url: `/v1/calls/${id}` })).statusCode, 204)
  t.equal((await app.inject({ method: 'DELETE', url: `/v1/calls/${id}` })).statusCode, 409)
})

t.test('callbacks are made, moved and cancelled', async (t) => {
  const { app } = await withCampaign()
  t.teardown(() => app.close())
  const made = await app.inject({
    method: 'POST',
    url: '/v1/callbacks',
    payload: { number: '+40711111111', due_at: '2026-01-05T10:00:00+02:00', expires: '2h' },
  })
  t.equal(made.statusCode, 201)
  t.doesNotThrow(() => callback.strict().parse(made.json()))
  t.match(made.json(), { due_at: '2026-01-05T08:00:00.000Z', expires_at: '2026-01-05T10:00:00.000Z' })
  const url = `/v1/callbacks/${made.json().id}`
  const moved = await app.inject({ method: 'PATCH', url, payload: { due_at: '2026-01-06T08:00:00Z' } })
  t.equal(moved.json().due_at, '2026-01-06T08:00:00.000Z')
  t.equal((await app.inject('/v1/callbacks?number=+40711111111')).json().items.length, 1, 'a bare plus is meant')
  t.equal((await app.inject({ method: 'DELETE', url })).statusCode, 204)
  t.equal((await app.inject(url)).statusCode, 404)
})

t.test('the do-not-call list takes numbers, prefixes and files', async (t) => {
  const { app } = await withCampaign()
  t.teardown(() => app.close())
  const add = (payload: object) => app.inject({ method: 'POST', url: '/v1/dnc', payload })
  const first = await add({ number: '+4072*', reason: 'by law' })
  t.equal(first.statusCode, 201)
  t.doesNotThrow(() => dncEntry.strict().parse(first.json()))
  t.equal((await add({ number: '+4072*' })).statusCode, 200)
  t.equal((await add({ numbr: '+4072*' })).statusCode, 400)
  const file = await app.inject({ method: 'POST', url: '/v1/dnc', headers: csv, payload: 'number\n+40711111111\n' })
  t.match(file.json(), { accepted: 1, rejects: [] })
  t.match((await add({ number: '+40711111111' })).statusCode, 200)
  const refused = await app.inject({ method: 'POST', url: '/v1/calls', payload: { to: '+40711111111', flow: 'f' } })
  t.equal(refused.json().code, 'dnc')
  t.equal((await app.inject({ method: 'DELETE', url: '/v1/dnc/+4072*' })).statusCode, 204)
  t.equal((await app.inject({ method: 'DELETE', url: '/v1/dnc/%2B40711111111' })).statusCode, 204)
})

t.test('everything is stopped and resumed', async (t) => {
  const { app } = await withCampaign()
  t.teardown(() => app.close())
  t.strictSame((await app.inject({ method: 'POST', url: '/v1/stop' })).json(), { paused: true })
  const call = { method: 'POST' as const, url: '/v1/calls', payload: { to: '+40711111111', flow: 'f' } }
  t.equal((await app.inject(call)).json().code, 'paused')
  t.strictSame((await app.inject({ method: 'POST', url: '/v1/resume' })).json(), { paused: false })
  t.equal((await app.inject(call)).statusCode, 202)
  t.strictSame((await app.inject({ method: 'POST', url: '/v1/reload' })).json(), {
    flows: 0,
    campaigns: 0,
    problems: [],
    config_changed: false,
  })
  t.strictSame((await app.inject('/v1/flows')).json(), { items: [], next: null })
})

t.test('a run of a batch is taken once and keeps its end', async (t) => {
  const { app } = await withCampaign()
  t.teardown(() => app.close())
  const url = '/v1/campaigns/renewals/runs/2026-01-05'
  t.equal((await app.inject({ method: 'PUT', url })).statusCode, 201)
  t.equal((await app.inject({ method: 'PUT', url })).statusCode, 200)
  t.match((await app.inject({ method: 'PATCH', url, payload: { started: true } })).json(), { exit: null })
  t.match((await app.inject({ method: 'PATCH', url, payload: { exit: 1 } })).json(), { exit: 1 })
  t.match((await app.inject({ method: 'PATCH', url, payload: { exit: 0 } })).json(), { exit: 1 })
})

t.test('results are streamed as NDJSON and as CSV that no spreadsheet can be harmed by', async (t) => {
  const { app, memory } = await withCampaign()
  t.teardown(() => app.close())
  const evil = ['=HYPERLINK("http://x")', '+1+2', '-2+3', '@SUM(A1)', '\t=1', 'a,b', 'a"b', 'a\nb', '\uff1d1']
  memory.results = evil.map((outcome, n) => aRecord({ id: `a${n}`, outcome, vars: { note: outcome } }))
  const url = '/v1/campaigns/renewals/results'
  const lines = (await app.inject(url)).body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.strictSame(
    lines.map((line) => line.outcome),
    evil,
    'NDJSON is as it is',
  )
  t.match(lines[0], { ended_at: '2026-01-05T08:00:09.125Z', ringing_at: null, number: '+40711111111' })
  t.equal((await app.inject(`${url}?after=a6`)).body.trimEnd().split('\n').length, 2)
  t.equal((await app.inject(`${url}?after=a8`)).body, '')

  const response = await app.inject(`${url}?format=csv`)
  t.match(response.headers['content-type'], /text\/csv/)
  const { parse } = await import('csv-parse/sync')
  const rows = parse(response.body, { columns: true }) as Record<string, string>[]
  t.equal(rows.length, evil.length)
  for (const [n, row] of rows.entries()) {
    t.equal(row.number, '+40711111111', 'a number stays one')
    const cell = row.outcome ?? ''
    t.notMatch(cell, /^[=+\-@\t\r\uff1d]/, JSON.stringify(cell))
    t.equal(cell.replace(/^'/, ''), evil[n])
  }
  memory.results = []
  t.equal((await app.inject(`${url}?format=csv`)).body.split('\r\n').length, 2, 'an empty one has its header')
})

t.test('the metrics have the names of the guide', async (t) => {
  const { app } = await withCampaign()
  t.teardown(() => app.close())
  const { body } = await app.inject('/metrics')
  const names = ['apel_calls_active', 'apel_attempts_total', 'apel_gate_open', 'apel_queue_depth', 'apel_callbacks_due']
  for (const name of [...names, 'apel_ari_request_seconds', 'apel_step_seconds', 'apel_takeovers_total', 'process_cpu'])
    t.match(body, new RegExp(`^# TYPE ${name}`, 'm'))
  t.match(body, /^apel_calls_active\{direction="inbound"\} 0$/m)
  t.match(body, /^apel_calls_active\{direction="outbound"\} 0$/m)
})

t.test('the description is complete: every path, its parameters and its answers', async (t) => {
  const { app } = await withCampaign()
  t.teardown(() => app.close())
  const { openapi, paths } = (await app.inject('/docs/json')).json()
  t.equal(openapi, '3.0.3')
  const shape = z.looseObject({
    summary: z.string(),
    tags: z.array(z.string()),
    responses: z.record(z.string(), z.any()),
  })
  for (const [path, methods] of Object.entries(paths as Record<string, Record<string, object>>))
    for (const [method, operation] of Object.entries(methods)) {
      t.doesNotThrow(() => shape.parse(operation), `${method} ${path}`)
      const named = [...path.matchAll(/\{(\w+)\}/g)].length
      const { parameters = [] } = operation as { parameters?: { in: string }[] }
      t.equal(parameters.filter((one) => one.in === 'path').length, named, `${method} ${path} names its parameters`)
    }
})

t.test('dead letters are listed with their reason, and sent again', async (t) => {
  const { app, memory } = await withCampaign()
  t.teardown(() => app.close())
  const letter = { id: '7-1', event: 'call.ended', url: 'http://crm.example/calls', number: '+40711111111', tries: 15 }
  const at = Date.UTC(2026, 0, 5)
  memory.dead = [{ ...letter, at, died_at: at, reason: 'it answered 500', data: { id: 'a1' } }]
  const list = await app.inject({ url: '/v1/webhooks/dead' })
  t.same(list.json(), {
    items: [
      {
        ...letter,
        ...{ at: '2026-01-05T00:00:00.000Z', died_at: '2026-01-05T00:00:00.000Z' },
        ...{ reason: 'it answered 500', data: { id: 'a1' } },
      },
    ],
    next: null,
  })
  const replay = { method: 'POST', url: '/v1/webhooks/dead/7-1/replay' } as const
  t.match(await app.inject(replay), { statusCode: 200, body: '{"id":"7-1","replayed":true}' })
  t.match(await app.inject(replay), { statusCode: 404 })
})

t.test('a forecast says when, how many an hour, and who never; what it may assume is checked', async (t) => {
  const { app } = await withCampaign()
  t.teardown(() => app.close())
  const ask = async (query: string) => await app.inject({ url: `/v1/campaigns/renewals/forecast${query}` })
  const found = await ask('?answer=0.4&talk=45s&from=2026-01-05T10:00:00%2B02:00')
  t.equal(found.statusCode, 200, found.body)
  t.match(found.json(), {
    campaign: 'renewals',
    ...{ from: /^2026-01-05T08:00/, ends_at: '2026-01-05T10:00:00.000Z' },
    assumed: { rates: { completed: 0.4 }, talk_seconds: 45, learned_from: 0 },
    contacts: { total: 100, never: 3 },
    never: [{ rule: 'dnc', contacts: 3, keys: ['k1', 'k2', 'k3'] }],
    hours: [{ at: '2026-01-05T08:00:00.000Z', calls: 120, answered: 60 }, { calls: 40 }],
  })
  for (const wrong of ['?answer=1.2', '?answer=often', '?talk=long', '?from=tomorrow', '?rate=1'])
    t.match((await ask(wrong)).json(), { code: 'bad_request' }, wrong)
  t.equal((await app.inject({ url: '/v1/campaigns/none/forecast' })).statusCode, 404)
})
