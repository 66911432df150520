/** Letters to other web servers, over a real Redis and real HTTP; time is moved on where a retry would wait. */
import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { makeLog } from '../../src/log.ts'
import { makeWeb } from '../../src/outgoing.ts'
import { hookId } from '../../src/service/letters.ts'
import { type Hook, makeWebhooks, type Webhooks } from '../../src/service/webhooks.ts'
import { keys } from '../../src/store/keys.ts'
import type { Store } from '../../src/store/store.ts'
import { campaignOf, numbers, type PaperDialer, paperDialer, ShiftedClock, trunk } from '../support/dialer.ts'
import { waitFor } from '../support/wait.ts'
import { startTestRedis, type TestRedis } from './server.ts'

t.setTimeout(120_000)

type Tap = { teardown(run: () => unknown): unknown }

interface Got {
  id: string
  event: string
  data: Record<string, unknown>
  headers: IncomingMessage['headers']
  body: string
}

/** A receiver that notes what it gets and answers as it is told. */
async function receiver(t: Tap, answer: (got: Got, response: ServerResponse) => void = (_, r) => void r.end()) {
  const got: Got[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (piece) => {
      body += piece
    })
    request.on('end', () => {
      const { event, data } = JSON.parse(body || '{}')
      const one = { id: String(request.headers['x-apel-delivery']), event, data, headers: request.headers, body }
      got.push(one)
      answer(one, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { got, host: `127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const always = (status: number) => (_: Got, response: ServerResponse) => {
  response.statusCode = status
  response.end()
}

const hookOf = (host: string, events: Hook['events'] = ['call.ended']): Hook => ({
  url: `http://${host}/calls`,
  secret: 'a secret',
  events,
})

interface Stage {
  redis: TestRedis
  clock: ShiftedClock
  paper: PaperDialer
  /** What became of each try. */
  tries: string[]
  store: Store
  /** Another instance that carries. */
  carry(hooks: Hook[]): Promise<Webhooks>
  /** Time goes on, and everybody looks. */
  later(ms: number): Promise<void>
  call(number: string): Promise<string>
}

async function stage(t: Tap): Promise<Stage> {
  const redis = await startTestRedis()
  const clock = new ShiftedClock()
  const paper = await paperDialer(redis, { clock, onPlace: (call, p) => p.end(call, 'completed') })
  const { store } = paper
  const open: Webhooks[] = []
  const names: string[] = []
  const tries: string[] = []
  t.teardown(async () => {
    for (const webhooks of open) await webhooks.stop()
    await paper.stop()
    await redis.close()
  })
  return {
    ...{ redis, clock, paper, store, tries },
    async carry(hooks) {
      const web = makeWeb({ allowHosts: hooks.map(({ url }) => new URL(url).host) })
      t.teardown(() => web.close())
      const outbox = (await redis.store(() => clock.now())).outbox
      const webhooks = makeWebhooks(hooks, {
        ...{
          outbox,
          instance: `i${open.length}`,
          clock,
          log: makeLog('silent'),
          trunks: [trunk()],
          tried: (result) => void tries.push(result),
        },
        web: { send: (request) => web.send({ ...request, timeout: 400 }) },
      })
      await webhooks.start(await redis.another('bell'))
      open.push(webhooks)
      names.push(...hooks.map(({ url }) => hookId(url)))
      return webhooks
    },
    async later(ms) {
      clock.ms += ms
      await store.writable()
      for (const name of names) await store.db.redis.publish(keys.hooksBell, name)
    },
    async call(to) {
      const placement = await paper.dialer.reserveManual({ to, flow: 'survey', vars: {}, trunk: null })
      await paper.dialer.ledger.update(placement.record.id, { dialed_at: clock.now(), state: 'dialing' })
      await paper.end(placement, 'completed', { outcome: 'yes', vars: { answer: 'yes' } })
      return placement.record.id
    },
  }
}

t.test('the end of a call is told once, signed, with the record as data', async (t) => {
  const { carry, call } = await stage(t)
  const { got, host } = await receiver(t)
  await carry([hookOf(host)])
  const id = await call('+40711000001')
  await waitFor(() => got.length === 1)
  const { headers, body, data } = got[0]!
  t.match(JSON.parse(body), { event: 'call.ended', at: /^\d{4}-.*T.*\.\d{3}Z$/ })
  t.match(data, {
    ...{
      id,
      number: '+40711000001',
      kind: 'manual',
      disposition: 'completed',
      outcome: 'yes',
      vars: { answer: 'yes' },
    },
    ...{ campaign: null, recordings: [], ended_at: /Z$/, failover_of: null },
  })
  const timestamp = String(headers['x-apel-timestamp'])
  const hmac = createHmac('sha256', 'a secret').update(`${timestamp}.${body}`).digest('hex')
  t.equal(headers['x-apel-signature'], `v1=${hmac}`)
  t.ok(Math.abs(Number(timestamp) - Date.now() / 1000) < 5, 'the time is in seconds')
  t.match(headers, { 'content-type': /^application\/json/, 'x-apel-delivery': /^\d+-\d+$/ })
  await call('+40711000002')
  await waitFor(() => got.length === 2)
  t.not(got[1]?.id, got[0]?.id)
})

t.test('each receiver gets what it asked for, and what is told of one call comes in its order', async (t) => {
  const { carry, call, paper } = await stage(t)
  const all = await receiver(t)
  const some = await receiver(t)
  await carry([
    hookOf(all.host, ['call.started', 'call.ended', 'callback.scheduled', 'campaign.state']),
    hookOf(some.host, ['callback.scheduled']),
  ])
  const id = await call('+40711000001')
  await waitFor(() => all.got.length === 2)
  t.match(all.got, [
    { event: 'call.started', data: { id, disposition: null, ended_at: null, dialed_at: /Z$/ } },
    { event: 'call.ended', data: { id, disposition: 'completed' } },
  ])
  await campaignOf(paper, 'c', numbers(1), { callbacks: {} })
  const due = Date.now() + 3_600_000
  const asked = { contact: null, flow: null, at: null, note: 'at noon', expires: null, number: numbers(1)[0]! }
  const callback = await paper.dialer.callbacks.create({ ...asked, campaign: 'c', due_at: due })
  await waitFor(() => some.got.length === 1)
  t.match(some.got[0], {
    event: 'callback.scheduled',
    data: { id: callback.id, number: asked.number, campaign: 'c', state: 'open', note: 'at noon', due_at: /Z$/ },
  })
  await paper.dialer.campaigns.act('c', 'start')
  await waitFor(() => all.got.some(({ event }) => event === 'campaign.state'))
  t.match(all.got.find(({ event }) => event === 'campaign.state')?.data, { name: 'c', state: 'running' })
  t.ok(some.got.length === 1)
})

t.test('what ended while nobody carried is carried by whoever comes', async (t) => {
  const { carry, call, store } = await stage(t)
  const { got, host } = await receiver(t)
  await store.outbox.register([{ id: hookId(hookOf(host).url), events: ['call.ended'] }], Date.now())
  const ids = [await call('+40711000001'), await call('+40711000002'), await call('+40711000003')]
  t.equal(got.length, 0)
  await carry([hookOf(host)])
  await waitFor(() => got.length === 3)
  t.same(got.map(({ data }) => data.id).sort(), ids.sort())
})

t.test('two instances carry nothing twice, and the other one goes on when the first is gone', async (t) => {
  const { carry, call, store } = await stage(t)
  const { got, host } = await receiver(t)
  const first = await carry([hookOf(host)])
  await carry([hookOf(host)])
  for (const number of numbers(12)) await call(number)
  await waitFor(() => got.length >= 12)
  await first.stop()
  for (const number of numbers(3, 50)) await call(number)
  await waitFor(() => got.length >= 15, { timeout: 20_000 })
  t.equal(new Set(got.map(({ id }) => id)).size, 15)
  t.equal(got.length, 15)
  await waitFor(async () => (await store.outbox.waiting(hookId(hookOf(host).url))) === 0, {
    what: 'nothing to be left',
  })
})

t.test('a letter in the hand of an instance that died is carried again, under the same id', async (t) => {
  const { carry, call, later, store } = await stage(t)
  const { got, host } = await receiver(t)
  const hook = hookOf(host)
  await store.outbox.register([{ id: hookId(hook.url), events: hook.events }], Date.now())
  await call('+40711000001')
  const taken = await store.outbox.take(hookId(hook.url), 'the dead one', {
    now: Date.now(),
    room: 8,
    patience: 15_000,
  })
  t.equal(taken?.letters.length, 1)
  await store.db.redis.del(keys.hook(hookId(hook.url), 'lease'))
  await carry([hook])
  await later(14_000)
  t.equal(got.length, 0, 'as long as it may be under way nobody else sends it')
  await later(2_000)
  await waitFor(() => got.length === 1)
  t.equal(got[0]?.id, taken?.letters[0]?.letter.id)
  t.equal(
    await store.outbox.done(hookId(hook.url), taken!.letters[0]!, Date.now()),
    false,
    'the dead one settles nothing',
  )
})

t.test('a letter that is refused is tried again under the same id, and holds up only its own call', async (t) => {
  const { carry, call, later, tries } = await stage(t)
  let sick = ''
  const { got, host } = await receiver(t, ({ data }, response) => {
    response.statusCode = data.number === sick ? 500 : 204
    response.end()
  })
  await carry([hookOf(host, ['call.started', 'call.ended'])])
  sick = '+40711000001'
  const id = await call(sick)
  await waitFor(() => tries.length === 1)
  await call('+40711000002')
  await waitFor(() => tries.length === 3)
  await later(9_000)
  t.equal(got.length, 3, 'not before ten seconds')
  await later(1_500)
  await waitFor(() => tries.length === 4)
  sick = ''
  await later(19_000)
  t.equal(got.length, 4, 'and then twice as long')
  await later(1_500)
  await waitFor(() => got.length === 6)
  const told = got.filter(({ data }) => data.id === id)
  t.same(
    told.map(({ event }) => event),
    ['call.started', 'call.started', 'call.started', 'call.ended'],
  )
  t.equal(new Set(told.slice(0, 3).map((one) => one.id)).size, 1)
  t.equal(new Set(told.slice(0, 3).map((one) => one.body)).size, 1, 'the body is the same each time')
})

t.test('after a day a letter is dead; it can be read, and sent again', async (t) => {
  const { carry, call, later, store, tries } = await stage(t)
  let well = false
  const { got, host } = await receiver(t, (got, response) => always(well ? 200 : 503)(got, response))
  const hook = hookOf(host)
  await carry([{ ...hook, url: `${hook.url}?key=hidden` }])
  const id = await call('+40711000001')
  await waitFor(() => tries.length === 1)
  const pauses: number[] = []
  for (let pause = 10_000; tries.at(-1) !== 'given_up'; pause = Math.min(2 * pause, 6 * 3_600_000)) {
    const before = tries.length
    await later(pause + 100)
    await waitFor(() => tries.length > before, { what: `try ${before + 1}` })
    pauses.push(pause)
  }
  const total = pauses.reduce((sum, one) => sum + one, 0)
  t.ok(total <= 24 * 3_600_000 && total > 17 * 3_600_000, `given up after ${total / 3_600_000} h`)
  t.equal(got.length, 15, 'tries')
  const { letters } = await store.outbox.dead(null, 10)
  t.match(letters, [
    {
      letter: { id: got[0]?.id, event: 'call.ended', tries: 15, reason: 'it answered 503', url: hook.url },
      news: { data: { id, disposition: 'completed' } },
    },
  ])
  well = true
  t.equal(await store.outbox.replay('nothing', Date.now()), 'not_found')
  t.equal(await store.outbox.replay(got[0]!.id, Date.now()), 'ok')
  await waitFor(() => got.length === 16)
  t.equal(got[15]?.id, got[0]?.id)
  t.same(await store.outbox.dead(null, 10), { letters: [], next: null })
})

t.test(
  '500, silence, a redirect to a private address, an endless answer: bounded, and nobody else waits',
  async (t) => {
    const { carry, call, store } = await stage(t)
    const well = await receiver(t)
    const inside = await receiver(t)
    let sent = 0
    const bad = {
      fails: await receiver(t, always(500)),
      silent: await receiver(t, () => undefined),
      elsewhere: await receiver(t, (_, response) => {
        response.writeHead(302, { location: `http://${inside.host}/` }).end()
      }),
      endless: await receiver(t, (_, response) => {
        response.writeHead(200)
        const piece = Buffer.alloc(65_536)
        const more = (): void => {
          while (sent < 1024 ** 3 && !response.destroyed) {
            sent += piece.length
            if (!response.write(piece)) return void response.once('drain', more)
          }
        }
        more()
      }),
    }
    const hooks = [well, ...Object.values(bad)].map(({ host }) => hookOf(host))
    await carry(hooks)
    const before = process.memoryUsage().rss
    const begun = Date.now()
    for (const number of numbers(20)) await call(number)
    t.ok(Date.now() - begun < 5_000, 'the calls went on')
    await waitFor(() => well.got.length === 20, { what: 'the sound receiver has all' })
    await waitFor(() => Object.values(bad).every(({ got }) => got.length >= 20), { timeout: 20_000 })
    const waiting = async (host: string) => await store.outbox.waiting(hookId(hookOf(host).url))
    await waitFor(async () => (await waiting(bad.endless.host)) === 0, { what: 'a 2xx is a 2xx' })
    for (const one of [bad.fails, bad.silent, bad.elsewhere]) t.equal(await waiting(one.host), 20)
    t.equal(inside.got.length, 0, 'no redirect was followed')
    t.equal(bad.fails.got.length, 20, 'each was tried once until now')
    t.ok(sent < 20 * 8 * 1024 ** 2, `the long answers were cut off (${sent} bytes were written)`)
    t.ok(process.memoryUsage().rss - before < 150 * 1024 ** 2)
  },
)

t.test('with a number its letters are erased, those that wait and the dead ones', async (t) => {
  const { carry, call, store, clock, tries } = await stage(t)
  const { got, host } = await receiver(t, always(500))
  const hook = hookOf(host, ['call.started', 'call.ended'])
  await carry([hook])
  await call('+40711000001')
  await call('+40711000002')
  await waitFor(() => tries.length === 2)
  const id = hookId(hook.url)
  clock.ms += 3 * 24 * 3_600_000
  await store.db.redis.publish(keys.hooksBell, id)
  await waitFor(async () => (await store.outbox.deadCount()) === 4, {
    what: 'letters that wait for two days are given up',
  })
  clock.ms = 0
  await call('+40711000001')
  await waitFor(() => got.length === 3)
  t.equal(await store.outbox.erase('+40711000001'), 4)
  t.equal(await store.outbox.deadCount(), 2)
  const { letters } = await store.outbox.dead(null, 10)
  t.ok(letters.every(({ letter }) => letter.number === '+40711000002'))
})

t.test('receivers that nobody names any more are forgotten with their letters', async (t) => {
  const { call, store } = await stage(t)
  await store.outbox.register([{ id: 'old', events: ['call.ended'] }], 1000)
  await store.outbox.register([{ id: 'new', events: ['call.ended'] }], 2000)
  await call('+40711000001')
  t.equal(await store.outbox.forget(1500), 1)
  t.equal(await store.outbox.waiting('old'), 0)
  t.equal(await store.outbox.waiting('new'), 1)
  await call('+40711000002')
  t.equal(await store.outbox.waiting('old'), 0)
  t.equal(await store.outbox.waiting('new'), 2)
})
