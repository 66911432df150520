import { Readable } from 'node:stream'
import t from 'tap'
import { numbers, paperDialer, ShiftedClock, windows } from '../support/dialer.ts'
import { waitFor } from '../support/wait.ts'
import { startTestRedis } from './server.ts'

t.setTimeout(120_000)

async function at(t: Tap, moment: string, options: Parameters<typeof paperDialer>[1] = {}) {
  const redis = await startTestRedis()
  const clock = new ShiftedClock()
  const set = (text: string) => {
    clock.ms = Date.parse(text) - Date.now()
  }
  set(moment)
  const paper = await paperDialer(redis, {
    clock,
    policy: { windows: windows({ 'mon-sat': '08:00-21:00' }), allow: ['+'] },
    onPlace: (call, p) => p.end(call, 'completed'),
    ...options,
  })
  t.teardown(async () => {
    await paper.stop()
    await redis.close()
  })
  const move = (text: string) => {
    set(text)
    paper.dialer.wake()
  }
  return { paper, clock, move }
}
type Tap = { teardown(run: () => Promise<void>): unknown }

const csv = (text: string) => ({ stream: Readable.from([text]), format: 'csv' as const, dry_run: false })

t.test('who sleeps is held without a try, and is called when it opens there, in the order of the file', async (t) => {
  // Wednesday, 09:00 in Bucharest, 16:00 in Tokyo, 02:00 in New York.
  const { paper, move } = await at(t, '2026-01-07T07:00:00Z')
  await paper.dialer.campaigns.put('c', {
    flow: 'f',
    contacts: { number: 'n', timezone: 'tz' },
    window: { 'mon-fri': '09:30-17:00' },
  })
  const zones = ['Europe/Bucharest', 'Asia/Tokyo', 'America/New_York', '', 'Europe/Bucharest']
  const list = numbers(5)
  await paper.dialer.import('c', csv(`n,tz\n${list.map((number, i) => `${number},${zones[i]}`).join('\n')}\n`))
  await paper.dialer.campaigns.act('c', 'start')
  const dialled = () => paper.placed.map(({ record }) => list.indexOf(record.number))
  await waitFor(async () => (await paper.dialer.campaigns.get('c')).counts.held === 4)
  await waitFor(() => paper.placed.length === 1)
  t.same(dialled(), [1], 'only Tokyo is open')
  t.match(await paper.dialer.contacts.get('c', list[0]!), {
    state: 'held',
    held_by: 'window',
    attempts: 0,
    next_at: Date.parse('2026-01-07T07:30:00Z'),
  })
  move('2026-01-07T07:30:00Z')
  await waitFor(() => paper.placed.length === 4)
  t.same(dialled(), [1, 0, 3, 4])
  move('2026-01-07T14:29:59Z')
  t.equal((await paper.dialer.campaigns.get('c')).counts.held, 1)
  move('2026-01-07T14:30:00Z')
  await waitFor(async () => (await paper.dialer.campaigns.get('c')).state === 'finished')
  t.same(dialled(), [1, 0, 3, 4, 2])
})

t.test('a number whose country has several zones is called when it is legal in all of them', async (t) => {
  // 15:00 in New York, 10:00 in Honolulu; then 12:00 and 07:00.
  const { paper } = await at(t, '2026-01-07T17:00:00Z')
  const ask = () => paper.dialer.reserveManual({ to: '+12125550123', flow: 'f', vars: {}, trunk: null })
  await t.rejects(ask(), { code: 'window', facts: { until: Date.parse('2026-01-07T18:00:00Z') } })
  const later = await at(t, '2026-01-07T20:00:00Z')
  t.match(await later.paper.dialer.reserveManual({ to: '+12125550123', flow: 'f', vars: {}, trunk: null }), {
    record: { kind: 'manual', attempt: 1, campaign: null },
  })
})

t.test('on a holiday of the campaign nobody is called, on the next day they are', async (t) => {
  const { paper, move } = await at(t, '2026-12-01T08:00:00Z')
  await paper.dialer.campaigns.put('c', { flow: 'f', contacts: { number: 'n' }, holidays: ['2026-12-01'] })
  await paper.dialer.import('c', csv(`n\n${numbers(1)[0]}\n`))
  await paper.dialer.campaigns.act('c', 'start')
  await waitFor(async () => (await paper.dialer.campaigns.get('c')).counts.held === 1)
  t.match(await paper.dialer.contacts.get('c', numbers(1)[0]!), {
    held_by: 'holiday',
    next_at: Date.parse('2026-12-02T06:00:00Z'),
  })
  move('2026-12-02T06:00:00Z')
  await waitFor(async () => (await paper.dialer.campaigns.get('c')).state === 'finished')
  t.equal(paper.placed.length, 1)
})

t.test('rules that time does not lift leave one record, and the gate tells each by its name', async (t) => {
  const { paper } = await at(t, '2026-01-07T08:00:00Z', {
    policy: { allow: ['+40'], windows: windows({ 'mon-fri': '08:00-21:00' }) },
  })
  await paper.dialer.campaigns.put('c', { flow: 'f', contacts: { number: 'n', consent: 'ok' } })
  const rows = [
    '+40710000000,yes',
    '+40710000001,no',
    '+40710000002,',
    '+4915112345678,da',
    '+40906123456,Y',
    '+40710000003,DA',
  ]
  await paper.dialer.import('c', csv(`n,ok\n${rows.join('\n')}\n`))
  await paper.dialer.campaigns.act('c', 'start')
  await waitFor(async () => (await paper.dialer.campaigns.get('c')).state === 'finished')
  t.same(
    paper.placed.map(({ record }) => record.number),
    ['+40710000000', '+40710000003'],
  )
  t.match((await paper.dialer.campaigns.get('c')).dispositions, { blocked: 4, completed: 2 })
  const manual = (to: string) =>
    paper.dialer.reserveManual({ to, flow: 'f', vars: {}, trunk: null }).then(
      () => 'reserved',
      ({ code }) => code as string,
    )
  t.equal(await manual('+4915112345678'), 'destination')
  t.equal(await manual('+40906123456'), 'number')
  t.equal(await manual('1&PJSIP/2'), 'number')
  t.equal(await manual('+40710000009'), 'reserved')
  await paper.store.dnc.add({ number: '+4071*', campaign: null, reason: null, at: 0 })
  t.equal(await manual('+40710000009'), 'dnc')
  t.equal(
    await paper.dialer
      .reserveManual({ to: '+40720000009', flow: 'f', vars: {}, trunk: 'none' })
      .then(String, ({ code }) => code as string),
    'trunk_state',
  )
  const { rules: told } = await paper.dialer.explain('+4915112345679')
  t.same(
    told.map(({ rule }) => rule),
    [
      'number',
      'destination',
      'dnc',
      'consent',
      'zone',
      'window',
      'holiday',
      'cap',
      'budget',
      'campaign_state',
      'trunk_state',
      'trunk_busy',
      'paused',
      'gate_closed',
    ],
  )
  t.same(
    told.filter(({ verdict }) => verdict !== 'pass').map(({ rule }) => rule),
    ['destination'],
  )
})

t.test('what the gate says now, it does: a verdict older than its minute reserves nothing', async (t) => {
  const { paper, clock } = await at(t, '2026-01-07T18:59:59.000Z')
  const reserve = paper.store.attempts.reserve.bind(paper.store.attempts)
  paper.store.attempts.reserve = async (input) => {
    // Redis takes its time: the window has closed when the script runs.
    await waitFor(() => clock.now() >= Date.parse('2026-01-07T19:00:00.050Z'))
    return await reserve(input)
  }
  await t.rejects(paper.dialer.reserveManual({ to: numbers(1)[0]!, flow: 'f', vars: {}, trunk: null }), {
    code: 'window',
  })
  t.same(await paper.store.attempts.live(), [])
})
