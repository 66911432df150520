import t from 'tap'
import { campaignOf, numbers, paperDialer } from '../support/dialer.ts'
import { waitFor } from '../support/wait.ts'
import { startTestRedis } from './server.ts'

t.setTimeout(120_000)

t.test('a campaign dials every contact once in the order of the file, and finishes', async (t) => {
  const redis = await startTestRedis()
  t.teardown(() => redis.close())
  const paper = await paperDialer(redis, { onPlace: (call, p) => p.end(call, 'completed', { outcome: 'yes' }) })
  t.teardown(() => paper.stop())
  const list = numbers(120)
  await campaignOf(paper, 'all', list)
  await paper.dialer.campaigns.act('all', 'start')
  await waitFor(async () => (await paper.dialer.campaigns.get('all')).state === 'finished')
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
  t.same(await paper.store.attempts.live(), [])
  t.same(await paper.store.attempts.live({ trunk: 'carrier' }), [])
  t.equal(await paper.dialer.queueDepth(), 0)
  const states = paper.events.filter(({ type }) => type === 'campaign.state')
  t.match(states, [{ data: { name: 'all', state: 'running' } }, { data: { name: 'all', state: 'finished' } }])
})
