import { Readable } from 'node:stream'
import t from 'tap'
import type { CallbackRequest } from '../../src/flow/io.ts'
import { campaignOf, numbers, type PaperDialer, paperDialer, ShiftedClock, trunk } from '../support/dialer.ts'
import { waitFor } from '../support/wait.ts'
import { startTestRedis } from './server.ts'

t.setTimeout(120_000)
const HOUR = 3_600_000

async function bench(t: Tap, options: Parameters<typeof paperDialer>[1] = {}) {
  const redis = await startTestRedis()
  const clock = new ShiftedClock()
  const paper = await paperDialer(redis, { clock, ...options })
  t.teardown(async () => {
    await paper.stop()
    await redis.close()
  })
  return { redis, paper, clock }
}
type Tap = { teardown(run: () => Promise<void>): unknown }

const request = (due_at: number, more: Partial<CallbackRequest> = {}): CallbackRequest => ({
  to: null,
  due_at,
  expires: 24 * HOUR,
  note: null,
  agent: null,
  flow: null,
  at: 'later',
  ...more,
})

/** The first call of a campaign of one agrees on a callback and ends. */
async function agreed(
  paper: PaperDialer,
  due_at: number,
  definition: Record<string, unknown> = {},
  more: Partial<CallbackRequest> = {},
) {
  await campaignOf(paper, 'c', numbers(1), definition)
  await paper.dialer.campaigns.act('c', 'start')
  const call = await waitFor(() => paper.placed[0])
  const ok = await paper.dialer.callbacks.schedule(call.record, request(due_at, more))
  await paper.end(call, 'callback', { outcome: 'later', last_step: 'ask', callback_at: due_at })
  return { call, ok, callback: (await paper.store.callbacks.ofNumber(call.record.number))! }
}

t.test(
  'an agreed callback is dialled at its time and step, knows the last conversation, and ends the campaign',
  async (t) => {
    const { paper, clock } = await bench(t)
    const due = clock.now() + 2 * HOUR
    const { call, ok, callback } = await agreed(paper, due, {}, { note: 'ask for Ana', agent: 'same' })
    t.ok(ok)
    t.match(callback, {
      state: 'open',
      due_at: due,
      expires_at: due + 24 * HOUR,
      campaign: 'c',
      contact: call.record.contact,
      call: call.record.id,
      at: 'later',
      agent: 'same',
    })
    t.match((await paper.dialer.campaigns.get('c')).counts, { callback: 1, done: 0 })
    t.match(await paper.dialer.contacts.get('c', call.record.number), { state: 'callback', next_at: due })
    t.equal((await paper.dialer.campaigns.get('c')).state, 'running', 'an open callback keeps it running')
    t.match(
      paper.events.filter(({ type }) => type === 'callback.scheduled'),
      [{ data: { id: callback.id, due_at: due } }],
    )
    clock.ms += 2 * HOUR
    paper.dialer.wake()
    const second = await waitFor(() => paper.placed[1])
    t.match(second, {
      record: { kind: 'callback', attempt: 2, number: call.record.number, campaign: 'c' },
      context: {
        kind: 'callback',
        start_at: 'later',
        previous: { outcome: 'later', step: 'ask', notes: 'ask for Ana' },
      },
    })
    await paper.end(second, 'completed')
    await waitFor(async () => (await paper.dialer.campaigns.get('c')).state === 'finished')
    t.equal((await paper.store.callbacks.get(callback.id))?.state, 'done')
    t.equal(await paper.store.callbacks.ofNumber(call.record.number), null)
  },
)

t.test('a callback goes before fresh contacts, also when only one may be on the line', async (t) => {
  const { paper } = await bench(t, { trunks: [trunk({ channels: 1 })] })
  await campaignOf(paper, 'c', numbers(6))
  await paper.dialer.campaigns.act('c', 'start')
  const first = await waitFor(() => paper.placed[0])
  await paper.dialer.callbacks.schedule(first.record, request(Date.now()))
  await paper.end(first, 'callback')
  const second = await waitFor(() => paper.placed[1])
  await waitFor(async () => (await paper.store.callbacks.due('c', Date.now())) === 0, { what: 'handed out' })
  if (second.record.kind !== 'callback') {
    await paper.end(second, 'completed')
    t.match((await waitFor(() => paper.placed[2])).record, { kind: 'callback' })
  }
  t.equal(paper.placed.filter(({ record }) => record.kind === 'callback').length, 1)
})

t.test('not answered, it is tried again by the retry rules and then put off to the next day, once', async (t) => {
  const { paper, clock } = await bench(t)
  const due = clock.now() + HOUR
  const { callback } = await agreed(paper, due, { retry: { busy: { delay: '10m', max: 1 } } })
  const day = 24 * HOUR
  const next = async (n: number) => {
    paper.dialer.wake()
    return await waitFor(() => paper.placed[n], { what: `call ${n}` })
  }
  clock.ms += HOUR
  await paper.end(await next(1), 'busy')
  t.match(
    await paper.store.callbacks.get(callback.id),
    { state: 'open', due_at: due, tries: 1 },
    'still that agreement',
  )
  clock.ms += 10 * 60_000
  await paper.end(await next(2), 'busy')
  const put = (await paper.store.callbacks.get(callback.id))!
  t.match(put, { state: 'open', moved: true, expires_at: put.due_at + day })
  t.ok(Math.abs(put.due_at - due - day) <= HOUR, 'the same hour of the next day')
  clock.ms += day
  await paper.end(await next(3), 'no_answer')
  t.equal((await paper.store.callbacks.get(callback.id))?.state, 'missed')
  await waitFor(async () => (await paper.dialer.campaigns.get('c')).state === 'finished')
  t.same(
    paper.placed.map(({ record }) => record.kind),
    ['first', 'callback', 'callback', 'callback'],
  )
})

t.test('on_missed decides over one that nobody could dial in time', async (t) => {
  const cases: [string, string, string, number][] = [
    ['close', 'expired', 'done', 0],
    ['retry', 'expired', 'pending', 1],
  ]
  for (const [on_missed, state, contact, more] of cases) {
    const { paper, clock, redis } = await bench(t)
    const { callback, call } = await agreed(
      paper,
      clock.now() + HOUR,
      { callbacks: { expires: '2h', on_missed } },
      { expires: 2 * HOUR },
    )
    await paper.stop()
    clock.ms += 4 * HOUR
    const later = await paperDialer(redis, { clock, onPlace: () => undefined })
    t.teardown(() => later.stop())
    await waitFor(async () => (await later.store.callbacks.get(callback.id))?.state === state, {
      what: `${on_missed}: ${state}`,
    })
    if (more > 0) t.match((await waitFor(() => later.placed[0])).record, { kind: 'retry', attempt: 2 })
    else {
      t.match(await later.dialer.contacts.get('c', call.record.number), { state: contact, last_disposition: 'expired' })
      const [record] = await later.store.attempts.ofNumber(call.record.number, 1)
      t.match(record?.record, { attempt: 0, disposition: 'expired', kind: 'callback' })
      await waitFor(async () => (await later.dialer.campaigns.get('c')).state === 'finished')
    }
  }
})

t.test('a service that was away at the time dials it after its start', async (t) => {
  const { paper, clock, redis } = await bench(t)
  await agreed(paper, clock.now() + HOUR)
  await paper.stop()
  clock.ms += 5 * HOUR
  const later = await paperDialer(redis, { clock, instance: 'later' })
  t.teardown(() => later.stop())
  t.match((await waitFor(() => later.placed[0])).record, { kind: 'callback' })
})

t.test('one open callback a number: a new one replaces it', async (t) => {
  const { paper, clock } = await bench(t)
  const { call, callback } = await agreed(paper, clock.now() + HOUR)
  const made = await paper.dialer.callbacks.create({
    number: call.record.number,
    campaign: 'c',
    contact: null,
    due_at: clock.now() + 3 * HOUR,
    expires: null,
    flow: null,
    at: null,
    note: 'from the desk',
  })
  t.match(made, { state: 'open', contact: call.record.contact, note: 'from the desk' })
  t.equal((await paper.store.callbacks.get(callback.id))?.state, 'replaced')
  t.equal((await paper.store.callbacks.ofNumber(call.record.number))?.id, made.id)
  const moved = await paper.dialer.callbacks.move(made.id, clock.now() + 5 * HOUR)
  t.equal(moved.expires_at - moved.due_at, 24 * HOUR)
  await paper.dialer.callbacks.cancel(made.id)
  await t.rejects(paper.dialer.callbacks.cancel(made.id), { code: 'invalid_state' })
  await t.rejects(paper.dialer.callbacks.move('none', 0), { code: 'not_found' })
  await waitFor(async () => (await paper.dialer.campaigns.get('c')).state === 'finished')
})

t.test('an opt-out takes the open callback with it', async (t) => {
  const { paper, clock } = await bench(t)
  const { callback } = await agreed(paper, clock.now() + HOUR)
  clock.ms += HOUR
  paper.dialer.wake()
  const call = await waitFor(() => paper.placed[1])
  await paper.dialer.callbacks.schedule(call.record, request(clock.now() + HOUR))
  await paper.end(call, 'opted_out')
  t.equal((await paper.store.callbacks.get(callback.id))?.state, 'done')
  await waitFor(async () => (await paper.dialer.campaigns.get('c')).state === 'finished')
  t.equal(await paper.store.callbacks.ofNumber(call.record.number), null)
})

t.test('a callback of an inbound call belongs to the campaign beside the flow, or to the built-in one', async (t) => {
  const { paper, clock } = await bench(t)
  await campaignOf(paper, 'back', numbers(1), { flow: 'answer' })
  for (const [id, campaign, number] of [
    ['in-1', 'back', '0710000000'],
    ['in-2', null, '0710000777'],
  ] as const) {
    const call = (await paper.dialer.reserveInbound({
      id,
      node: 'pbx',
      called: '0311234567',
      caller: number,
      flow: 'desk',
      campaign,
    }))!
    t.match(call.record, {
      kind: 'inbound',
      called: '+40311234567',
      contact: campaign ? '+40710000000' : null,
      campaign: null,
    })
    t.equal(
      await paper.dialer.reserveInbound({ id, node: 'pbx', called: '', caller: '', flow: null, campaign: null }),
      null,
    )
    // A ledger that stood still has written it down after all.
    const again = { id, node: 'pbx', called: '', caller: number, flow: 'desk', campaign }
    t.equal((await paper.dialer.reserveInbound(again, true))?.record.id, id, 'whoever asks again has the call')
    t.ok(await paper.dialer.callbacks.allowed(call.context, null))
    t.ok(await paper.dialer.callbacks.schedule(call.record, request(clock.now() + HOUR)))
    await paper.dialer.ledger.finish({
      ...call.record,
      answered_at: clock.now(),
      ended_at: clock.now(),
      disposition: 'callback',
      outcome: 'asked',
    })
    t.match(await paper.store.callbacks.ofNumber(call.record.number), {
      campaign: campaign ?? 'callbacks',
      contact: call.record.contact,
      flow: 'desk',
    })
  }
  await paper.dialer.campaigns.act('back', 'start')
  clock.ms += HOUR
  paper.dialer.wake()
  await waitFor(() => paper.placed.length === 2)
  for (const { record, context } of paper.placed) {
    t.match(record, { kind: 'callback', flow: 'desk' })
    t.match(context, { previous: { outcome: 'asked' }, start_at: 'later' })
  }
  t.same(paper.placed.map(({ record }) => record.campaign).sort(), ['back', 'callbacks'])
})

t.test('nobody may be promised a call that may not be made', async (t) => {
  const { paper, clock } = await bench(t)
  await paper.store.dnc.add({ number: '+40710000009', campaign: null, reason: null, at: 0 })
  const asked = { campaign: null, contact: null, due_at: clock.now(), expires: null, flow: 'f', at: null, note: null }
  const { callbacks } = paper.dialer
  await t.rejects(callbacks.create({ ...asked, number: '+40710000009' }), { code: 'dnc' })
  await t.rejects(callbacks.create({ ...asked, number: '+4915112345678' }), { code: 'destination' })
  await t.rejects(callbacks.create({ ...asked, number: '1&PJSIP/2' }), { code: 'number' })
  await t.rejects(callbacks.create({ ...asked, number: '+40710000001', flow: null }), { code: 'bad_request' })
  await t.rejects(callbacks.create({ ...asked, number: '+40710000001', campaign: 'none' }), {
    code: 'unknown_campaign',
  })
  await paper.dialer.campaigns.put('agreed', { flow: 'f', contacts: { number: 'phone', consent: 'ok' } })
  const stream = Readable.from(['phone,ok\n+40710000010,no\n+40710000011,DA\n'])
  await paper.dialer.import('agreed', { stream, format: 'csv', charset: null, dry_run: false })
  const there = { ...asked, campaign: 'agreed' }
  await t.rejects(callbacks.create({ ...there, number: '+40710000010' }), { code: 'consent' })
  await t.rejects(
    callbacks.create({ ...there, number: '+40710000012' }),
    { code: 'consent' },
    'an operator cannot agree',
  )
  t.match(await callbacks.create({ ...there, number: '+40710000011' }), { state: 'open' })
  const calling = (ok: string) => ({ number: '+40710000010', campaign: { name: 'agreed' }, contact: { ok } }) as never
  t.notOk(await callbacks.allowed(calling('no'), null))
  t.ok(await callbacks.allowed(calling('yes'), null))
  for (const number of ['', '+40710000009', '+4915112345678', '112'])
    t.notOk(await callbacks.allowed({ number, campaign: {} } as never, null), number)
})

t.test(
  'a callback may go to another number than the one that was called, and keeps the contact waiting for it',
  async (t) => {
    const { paper, clock } = await bench(t)
    const other = '+40710000555'
    await agreed(paper, clock.now() + HOUR, {}, { to: other })
    t.match((await paper.dialer.campaigns.get('c')).counts, { callback: 1, done: 0 })
    const kept = (await paper.store.callbacks.ofNumber(other))!
    t.match(kept, { number: other, contact: numbers(1)[0], state: 'open' })
    t.ok(
      await paper.store.attempts.keepTask(kept.call!, 'price', { status: 'done', result: { eur: 5 } }),
      'its task may still be finished',
    )
    t.notOk(await paper.store.attempts.keepTask('none', 'price', { status: 'done', result: 1 }))
    clock.ms += HOUR
    paper.dialer.wake()
    const call = await waitFor(() => paper.placed[1])
    t.match(call, {
      record: { number: other, contact: numbers(1)[0], kind: 'callback' },
      order: { endpoint: `PJSIP/${other}@carrier` },
      context: { previous: { outcome: 'later', tasks: { price: { status: 'done', result: { eur: 5 } } } } },
    })
    await paper.end(call, 'completed')
    await waitFor(async () => (await paper.dialer.campaigns.get('c')).state === 'finished')
  },
)

t.test('a contact whose callback is open can be put in front again or removed; the callback goes', async (t) => {
  const { paper, clock } = await bench(t)
  const { call, callback } = await agreed(paper, clock.now() + HOUR)
  await paper.dialer.contacts.change('c', call.record.number, { state: 'pending' })
  t.equal((await paper.store.callbacks.get(callback.id))?.state, 'cancelled')
  const second = await waitFor(() => paper.placed[1])
  t.match(second.record, { kind: 'retry', attempt: 2 })
  await paper.dialer.callbacks.schedule(second.record, request(clock.now() + HOUR))
  await t.rejects(
    paper.dialer.contacts.remove('c', call.record.number),
    { code: 'invalid_state' },
    'not while it is called',
  )
  await paper.end(second, 'callback')
  await paper.dialer.contacts.remove('c', call.record.number)
  await t.rejects(paper.dialer.contacts.get('c', call.record.number), { code: 'not_found' })
  await waitFor(async () => (await paper.dialer.campaigns.get('c')).state === 'finished')
  t.match((await paper.dialer.campaigns.get('c')).counts, { contacts: 0, callback: 0, done: 0 })
})

t.test('the next conversation with somebody knows the last one, and what worked with them before it', async (t) => {
  const { paper, clock } = await bench(t)
  const again = { delay: '1h', max: 5 }
  await campaignOf(paper, 'c', numbers(1), { attempts: { max: 9 }, retry: { silent: again, no_answer: again } })
  await paper.dialer.campaigns.act('c', 'start')
  const next = async (n: number) => {
    clock.ms += HOUR
    paper.dialer.wake()
    return await waitFor(() => paper.placed[n])
  }
  const first = await waitFor(() => paper.placed[0])
  t.strictSame(first.context.previous, {})
  const vars = { spoke_with: 'Oleg Petrovici', notes: 'Ivan decides', n: 1 }
  const left = { tasks: {}, strategy: 'advice', agent: '100' }
  await paper.end(first, 'silent', { outcome: 'refused', last_step: 'director', vars }, left)

  const second = await next(1)
  t.match(second.context.previous, {
    outcome: 'refused',
    step: 'director',
    strategy: 'advice',
    agent: '100',
    spoke_with: 'Oleg Petrovici',
    notes: 'Ivan decides',
  })
  await paper.end(second, 'no_answer')

  const agreed = {
    number: first.record.number,
    campaign: 'c',
    contact: null,
    due_at: clock.now() + HOUR,
    expires: null,
  }
  await paper.dialer.callbacks.create({ ...agreed, flow: null, at: null, note: 'ask for Ana' })
  const third = await next(2)
  t.match(third.context.previous, { outcome: 'refused', notes: 'ask for Ana', spoke_with: 'Oleg Petrovici' })
  await paper.end(third, 'silent', { outcome: null })

  const manual = await paper.dialer.reserveManual({ to: first.record.number, flow: 'desk', vars: {}, trunk: null })
  t.match(
    manual.context.previous,
    { outcome: '', strategy: 'advice', agent: '' },
    'by number where there is no contact',
  )
  t.notOk('spoke_with' in manual.context.previous, 'only the strategy is kept from a call before the last')
})
