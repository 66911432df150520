import t from 'tap'
import { listen } from '../../src/store/bell.ts'
import type { CampaignState } from '../../src/store/campaigns.ts'
import { campaignOf, numbers, type PaperDialer, paperDialer, trunk } from '../support/dialer.ts'
import { waitFor } from '../support/wait.ts'
import { startTestRedis, type TestRedis } from './server.ts'

t.setTimeout(120_000)

async function bench(
  t: Tap,
  options: Parameters<typeof paperDialer>[1] = {},
): Promise<{ redis: TestRedis; paper: PaperDialer }> {
  const redis = await startTestRedis()
  const paper = await paperDialer(redis, options)
  t.teardown(async () => {
    await paper.stop()
    await redis.close()
  })
  return { redis, paper }
}
type Tap = { teardown(run: () => Promise<void>): unknown }

const isIn = (paper: PaperDialer, name: string, state: CampaignState) =>
  waitFor(async () => (await paper.dialer.campaigns.get(name)).state === state, {
    what: `${name} ${state}`,
    timeout: 30_000,
  })
const counts = async (paper: PaperDialer, name: string) => (await paper.dialer.campaigns.get(name)).counts

t.test('a campaign dials every contact once in the order of the file, and finishes', async (t) => {
  const { paper } = await bench(t, { onPlace: (call, p) => p.end(call, 'completed', { outcome: 'yes' }) })
  const list = numbers(120)
  await campaignOf(paper, 'all', list)
  await paper.dialer.campaigns.act('all', 'start')
  await isIn(paper, 'all', 'finished')
  t.same(
    paper.placed.map(({ record }) => record.number),
    list,
  )
  t.match(paper.placed[0], {
    record: {
      campaign: 'all',
      attempt: 1,
      kind: 'first',
      trunk: 'carrier',
      node: 'pbx',
      caller_id: '+40311234567',
      flow: 'survey',
    },
    node: 'pbx',
    order: { endpoint: `PJSIP/${list[0]}@carrier`, callerId: '+40311234567', ring: 25_000, amd: false },
    context: {
      direction: 'outbound',
      contact: { phone: list[0], number: list[0] },
      campaign: { name: 'all' },
      zones: ['Europe/Bucharest'],
    },
  })
  const view = await paper.dialer.campaigns.get('all')
  t.match(view, {
    counts: { contacts: 120, pending: 0, waiting: 0, callback: 0, dialing: 0, done: 120, held: 0 },
    dispositions: { completed: 120 },
    outcomes: { yes: 120 },
    untried: 0,
    attempts: 120,
  })
  t.ok(view.started_at && view.finished_at)
  const results = []
  for await (const record of paper.store.attempts.results('all', null)) results.push(record)
  t.equal(results.length, 120)
  const rest = []
  for await (const record of paper.store.attempts.results('all', results[99]!.id)) rest.push(record.id)
  t.same(
    rest,
    results.slice(100).map(({ id }) => id),
  )
  await paper.store.retention.forget({ attempts: [results[99]!.id] })
  const again = new Set<string>()
  for await (const record of paper.store.attempts.results('all', results[99]!.id)) again.add(record.id)
  t.ok(
    results.slice(100).every(({ id }) => again.has(id)),
    'after one that was erased none is missed',
  )
  await t.rejects(
    (async () => {
      for await (const _ of paper.store.attempts.results('all', 'nothing')) t.fail('there is no such attempt')
    })(),
    { code: 'not_found' },
  )
  t.same(await paper.store.attempts.live(), [])
  t.same(await paper.store.attempts.live({ trunk: 'carrier' }), [])
  const states = paper.events.filter(({ type }) => type === 'campaign.state')
  t.match(states, [{ data: { name: 'all', state: 'running' } }, { data: { name: 'all', state: 'finished' } }])

  await campaignOf(paper, 'all', numbers(1, 500))
  await waitFor(() => paper.placed.length === 121, { what: 'a contact added after the end is dialled' })
  await isIn(paper, 'all', 'finished')
})

t.test('two instances share the work, and nobody is dialled twice', async (t) => {
  const { redis, paper: one } = await bench(t, { onPlace: (call, p) => p.end(call, 'completed') })
  const two = await paperDialer(redis, { instance: 'two', onPlace: (call, p) => p.end(call, 'completed') })
  t.teardown(() => two.stop())
  await campaignOf(one, 'shared', numbers(300))
  await one.dialer.campaigns.act('shared', 'start')
  await isIn(one, 'shared', 'finished')
  const dialled = [...one.placed, ...two.placed].map(({ record }) => record.number)
  t.equal(dialled.length, 300)
  t.equal(new Set(dialled).size, 300)
  t.ok(one.placed.length > 0 && two.placed.length > 0, 'both dialled')
})

t.test('a trunk never has more calls than channels, a campaign never more than its concurrency', async (t) => {
  const { paper } = await bench(t, { trunks: [trunk({ channels: 3 })] })
  await campaignOf(paper, 'wide', numbers(6))
  await campaignOf(paper, 'narrow', numbers(6, 100), { dial: { concurrency: 1 } })
  await paper.dialer.campaigns.act('wide', 'start')
  await waitFor(() => paper.placed.length === 3)
  await paper.dialer.campaigns.act('narrow', 'start')
  let ended = 0
  while (ended < 12) {
    await waitFor(() => paper.placed.length > ended, { what: `the next of ${ended}` })
    const live = await paper.store.attempts.live({ trunk: 'carrier' })
    t.ok(live.length <= 3)
    t.ok((await paper.store.attempts.live({ campaign: 'narrow' })).length <= 1)
    await paper.end(paper.placed[ended]!, 'no_answer')
    ended++
  }
  await isIn(paper, 'wide', 'finished')
  await isIn(paper, 'narrow', 'finished')
  const narrow = paper.placed.findIndex(({ record }) => record.campaign === 'narrow')
  t.ok(narrow <= 5, `the second campaign has its turn among the first calls (was ${narrow})`)
})

t.test('the end of a call is rung out only while somebody waits for room', async (t) => {
  for (const [channels, rung] of [
    [100, false],
    [1, true],
  ] as const) {
    const { redis, paper } = await bench(t, {
      trunks: [trunk({ channels, cps: 200 })],
      onPlace: (call, p) => p.end(call, 'completed'),
    })
    const rings = new Set<string>()
    await listen(await redis.another('bell'), ({ bell }) => rings.add(bell))
    await campaignOf(paper, 'c', numbers(20))
    await paper.dialer.campaigns.act('c', 'start')
    await isIn(paper, 'c', 'finished')
    await waitFor(() => rings.has('state'))
    t.equal(rings.has('freed'), rung, `${channels} channels`)
  }
})

t.test('a pause holds what is not dialled yet, at once; stop ends what rings', async (t) => {
  const { paper } = await bench(t, { trunks: [trunk({ channels: 2 })] })
  await campaignOf(paper, 'c', numbers(10))
  await paper.dialer.campaigns.act('c', 'start')
  await waitFor(() => paper.placed.length === 2)
  await paper.dialer.campaigns.act('c', 'pause')
  await paper.end(paper.placed[0]!, 'completed')
  await waitFor(async () => (await counts(paper, 'c')).pending === 8)
  t.equal((await paper.dialer.campaigns.get('c')).untried, 8)
  await paper.dialer.contacts.remove('c', numbers(10)[9]!)
  t.equal((await paper.dialer.campaigns.get('c')).untried, 7)
  await campaignOf(paper, 'c', [numbers(10)[9]!])
  t.equal((await paper.dialer.campaigns.get('c')).untried, 8)
  await paper.dialer.campaigns.act('c', 'resume')
  await waitFor(() => paper.placed.length === 3)
  t.equal(paper.placed[2]?.record.number, numbers(10)[2], 'it goes on where it was')
  t.equal((await paper.dialer.campaigns.act('c', 'stop')).state, 'stopping')
  await waitFor(() => paper.cuts.length === 1)
  t.same(paper.cuts, [{ campaign: 'c', talking: false }])
  await paper.end(paper.placed[1]!, 'cancelled')
  await paper.end(paper.placed[2]!, 'completed')
  await isIn(paper, 'c', 'stopped')
  t.match(await counts(paper, 'c'), { pending: 8, done: 2, dialing: 0 }, 'the call that rang is still to be made')
  t.equal(paper.placed.length, 3)
})

t.test('states go where the table says, and asking for the one that is there is no fault', async (t) => {
  const { paper } = await bench(t)
  const { campaigns } = paper.dialer
  await campaigns.put('s', { flow: 'f', callbacks: {} })
  await campaignOf(paper, 's', numbers(3), { window: { mon: '00:00-00:01' }, holidays: [] })
  const ways: [Parameters<typeof campaigns.act>[1], string][] = [
    ['pause', 'invalid_state'],
    ['resume', 'invalid_state'],
    ['stop', 'invalid_state'],
    ['start', 'running'],
    ['start', 'running'],
    ['pause', 'paused'],
    ['pause', 'paused'],
    ['start', 'invalid_state'],
    ['resume', 'running'],
    ['resume', 'running'],
    ['drain', 'stopped'],
    ['stop', 'stopped'],
    ['pause', 'invalid_state'],
    ['start', 'running'],
    ['pause', 'paused'],
    ['stop', 'stopped'],
  ]
  for (const [action, result] of ways) {
    const answer = campaigns.act('s', action).then(
      ({ state }) => state as string,
      ({ code }) => code as string,
    )
    t.equal(await answer, result, action)
  }
  await t.rejects(campaigns.act('none', 'start'), { code: 'not_found' })
  await t.rejects(campaigns.act('callbacks', 'pause'), { code: 'invalid_state', message: /always running/ })
  await t.rejects(campaigns.put('bad', { flow: 'f', dial: { ring: 'long' } }), {
    code: 'bad_request',
    message: /dial.ring/,
  })
})

t.test('the do-not-call list is read in the step that reserves', async (t) => {
  const list = numbers(3)
  let again = false
  const { paper } = await bench(t, {
    prepare: async (_flow, context) => {
      // The last moment before the reservation.
      if (again) return
      if (context.number === list[0])
        await paper.store.dnc.add({ number: list[0]!, campaign: null, reason: null, at: 0 })
      if (context.number === list[1])
        await paper.store.dnc.add({ number: '+4071000000*', campaign: 'c', reason: 'asked', at: 0 })
    },
    onPlace: (call, p) => p.end(call, 'completed'),
  })
  await campaignOf(paper, 'c', list, { dial: { concurrency: 1 } })
  await paper.dialer.campaigns.act('c', 'start')
  await isIn(paper, 'c', 'finished')
  t.equal(paper.placed.filter(({ record }) => record.number === list[0]).length, 0)
  t.equal(paper.placed.filter(({ record }) => record.number === list[1]).length, 0)
  const view = await paper.dialer.campaigns.get('c')
  t.ok((view.dispositions.dnc ?? 0) >= 2)
  t.match(await paper.dialer.contacts.get('c', list[0]!), { state: 'done', attempts: 0, last_disposition: 'dnc' })
  const [refused] = await paper.store.attempts.ofNumber(list[0]!, 10)
  t.match(refused?.record, { attempt: 0, disposition: 'dnc', dialed_at: null, campaign: 'c', contact: list[0] })
  t.equal(paper.events.filter(({ type }) => type === 'call.ended').length, view.dispositions.dnc, 'told as ended')

  t.equal(view.untried, 0)
  again = true
  await paper.store.dnc.remove(list[0]!, null)
  await paper.store.dnc.remove('+4071000000*', 'c')
  await paper.dialer.contacts.change('c', list[0]!, { state: 'pending' })
  await waitFor(() => paper.placed.some(({ record }) => record.number === list[0]), { what: 'tried again when asked' })
})

t.test('everything stops at once with the global stop, and goes on after it', async (t) => {
  const { paper } = await bench(t, { onPlace: (call, p) => p.end(call, 'completed') })
  await campaignOf(paper, 'c', numbers(5))
  await paper.dialer.setPaused(true)
  await paper.dialer.campaigns.act('c', 'start')
  await t.rejects(paper.dialer.reserveManual({ to: numbers(1)[0]!, flow: 'f', vars: {}, trunk: null }), {
    code: 'paused',
  })
  t.equal(paper.placed.length, 0)
  await paper.dialer.setPaused(false)
  await isIn(paper, 'c', 'finished')
  t.equal(paper.placed.length, 5)
})

t.test('finishing twice is finishing once', async (t) => {
  const { paper } = await bench(t)
  await campaignOf(paper, 'c', numbers(1))
  await paper.dialer.campaigns.act('c', 'start')
  const call = await waitFor(() => paper.placed[0])
  await paper.dialer.ledger.update(call.record.id, { dialed_at: 5, state: 'ringing' })
  t.match(await paper.store.attempts.get(call.record.id), { state: 'ringing', record: { dialed_at: 5 } })
  await Promise.all([paper.end(call, 'completed'), paper.end(call, 'unknown'), paper.end(call, 'busy')])
  const { record } = (await paper.store.attempts.get(call.record.id))!
  const view = await paper.dialer.campaigns.get('c')
  t.same(view.dispositions, { [record.disposition!]: 1 })
  await t.rejects(paper.dialer.ledger.update(call.record.id, { answered_at: 7, state: 'up' }), { code: 'not_found' })
  t.match(await paper.store.attempts.get(call.record.id), {
    state: 'ended',
    record: { answered_at: record.answered_at },
  })
  t.match(view.counts, { done: 1, dialing: 0 })
})

t.test('a contact is retried by its rule, within its budget, and a promise after silence is kept', async (t) => {
  const { paper } = await bench(t, {
    onPlace: (call, p) => p.end(call, call.record.number.endsWith('0') ? 'busy' : 'silent'),
  })
  await campaignOf(paper, 'c', numbers(2), {
    attempts: { max: 3 },
    retry: { busy: { delay: '50ms', max: 10 }, silent: { delay: '10ms', max: 1 } },
  })
  await paper.dialer.campaigns.act('c', 'start')
  await isIn(paper, 'c', 'finished')
  const of = (end: string) =>
    paper.placed.filter(({ record }) => record.number.endsWith(end)).map(({ record }) => [record.attempt, record.kind])
  t.same(of('0'), [
    [1, 'first'],
    [2, 'retry'],
    [3, 'retry'],
  ])
  t.same(of('1'), [
    [1, 'first'],
    [2, 'retry'],
  ])
})

t.test('a number is not called more often than the caps over all campaigns allow', async (t) => {
  const { paper } = await bench(t, {
    policy: { per_number: { per_day: 1, per_week: null } },
    onPlace: (call, p) => p.end(call, 'unknown', { answered_at: null }),
  })
  await campaignOf(paper, 'a', numbers(2))
  await campaignOf(paper, 'b', numbers(3))
  await paper.dialer.campaigns.act('a', 'start')
  await isIn(paper, 'a', 'finished')
  await paper.dialer.campaigns.act('b', 'start')
  await waitFor(async () => (await counts(paper, 'b')).held === 2 && (await counts(paper, 'b')).done === 1)
  const held = await paper.dialer.contacts.get('b', numbers(1)[0]!)
  t.match(held, { state: 'held', held_by: 'cap', attempts: 0 })
  t.ok(held.next_at! > Date.now() && held.next_at! <= Date.now() + 26 * 3_600_000)
  await t.rejects(paper.dialer.reserveManual({ to: numbers(1)[0]!, flow: 'f', vars: {}, trunk: null }), { code: 'cap' })
})

t.test('priority goes before the order of the file', async (t) => {
  const { paper } = await bench(t, { onPlace: (call, p) => p.end(call, 'completed') })
  const { Readable } = await import('node:stream')
  await paper.dialer.campaigns.put('p', { flow: 'f', contacts: { number: 'n', priority: 'p' } })
  const rows = numbers(6).map((number, i) => `${number},${['', '5', '-1', '5', '10', '0'][i]}`)
  await paper.dialer.import('p', { stream: Readable.from([`n,p\n${rows.join('\n')}`]), format: 'csv', dry_run: false })
  await paper.dialer.campaigns.act('p', 'start')
  await isIn(paper, 'p', 'finished')
  const list = numbers(6)
  t.same(
    paper.placed.map(({ record }) => list.indexOf(record.number)),
    [4, 1, 3, 0, 5, 2],
  )
})

t.test('a node that is not ready is not dialled on', async (t) => {
  let open = false
  const { paper } = await bench(t, {
    closed: () => (open ? null : 'no link'),
    onPlace: (call, p) => p.end(call, 'completed'),
  })
  await campaignOf(paper, 'c', numbers(2))
  await paper.dialer.campaigns.act('c', 'start')
  await t.rejects(paper.dialer.reserveManual({ to: numbers(1)[0]!, flow: 'f', vars: {}, trunk: null }), {
    code: 'gate_closed',
    message: /no link/,
  })
  t.equal(paper.placed.length, 0)
  open = true
  paper.dialer.wake()
  await isIn(paper, 'c', 'finished')
})

t.test('conversations are counted by the steps of the campaign’s own flow, not of those that it calls', async (t) => {
  const steps = [
    { at: 1, step: 'ask', event: 'start' },
    { at: 2, step: 'number_of', event: 'option 1' },
    { at: 3, step: 'ask', event: 'call', flow: 'number' },
    { at: 4, step: 'right', event: 'next', flow: 'number' },
    { at: 5, step: 'bye', event: 'taken' },
  ]
  const { paper } = await bench(t, {
    onPlace: async (call, p) => {
      await p.store.journals.add(call.record.id, 'apel-one-1', { type: 'start' }, null, steps)
      await p.end(call, 'completed')
    },
  })
  await campaignOf(paper, 'counted', numbers(2))
  await paper.dialer.campaigns.act('counted', 'start')
  await isIn(paper, 'counted', 'finished')
  t.strictSame(await paper.store.campaigns.stepCounts('counted'), {
    steps: { ask: 2, number_of: 2, bye: 2 },
    edges: [
      { from: 'ask', to: 'number_of', event: 'option 1', count: 2 },
      { from: 'number_of', to: 'bye', event: 'taken', count: 2 },
    ],
    ended: { bye: 2 },
  })
})

t.test('an entry of a journal that comes again, since its answer was lost, is there once with its steps', async (t) => {
  const { paper } = await bench(t)
  await campaignOf(paper, 'c', numbers(1))
  await paper.dialer.campaigns.act('c', 'start')
  await waitFor(() => paper.placed.length === 1)
  const { id } = paper.placed[0]!.record
  const { journals, attempts } = paper.store
  const steps = [{ at: 1, step: 'ask', event: 'start' }]
  for (const entry of [{ type: 'begin' }, { type: 'start', at: 1 }, { type: 'start', at: 1 }, { type: 'key', at: 2 }])
    t.ok(await journals.add(id, 'apel-one-1', entry, null, entry.type === 'start' ? steps : []))
  t.same(await journals.read(id), [{ type: 'begin' }, { type: 'start', at: 1 }, { type: 'key', at: 2 }])
  t.same(await attempts.steps(id), steps)
  await paper.end(paper.placed[0]!, 'completed')
})
