/** The breaker of a trunk and the way over to the next one, on a real ledger with a line of paper. */
import t from 'tap'
import type { Placement } from '../../src/dialer/plan.ts'
import {
  campaignOf,
  numbers,
  type PaperDialer,
  type PaperOptions,
  paperDialer,
  ShiftedClock,
  trunk,
} from '../support/dialer.ts'
import { waitFor } from '../support/wait.ts'
import { startTestRedis } from './server.ts'

t.setTimeout(120_000)

type Tap = { teardown(run: () => Promise<void>): unknown }

async function stage(t: Tap, options: PaperOptions) {
  const redis = await startTestRedis()
  const clock = new ShiftedClock()
  const paper = await paperDialer(redis, { clock, ...options })
  t.teardown(async () => {
    await paper.stop()
    await redis.close()
  })
  const later = async (ms: number): Promise<void> => {
    clock.ms += ms
    await paper.store.writable()
    paper.dialer.wake()
  }
  const states = () => paper.events.flatMap((event) => (event.type === 'trunk.state' ? [event.data] : []))
  return { paper, clock, later, states }
}

const answers = (code: number) => (call: Placement, paper: PaperDialer) =>
  paper.end(call, code === 404 ? 'invalid_number' : code === 503 ? 'congestion' : 'trunk_error', { sip_code: code })

for (const code of [403, 404, 503])
  t.test(
    `a trunk that answers ${code} to all is paused, asked by one call, and its numbers are as they were`,
    async (t) => {
      let works = false
      const { paper, clock, later, states } = await stage(t, {
        onPlace: (call, paper) => (works ? paper.end(call, 'completed') : answers(code)(call, paper)),
      })
      const list = numbers(25)
      await campaignOf(paper, 'c', list, { attempts: { max: 1 }, retry: { congestion: { delay: '1m', max: 1 } } })
      await paper.dialer.campaigns.act('c', 'start')
      await waitFor(() => states().length === 1)
      const tripped = clock.now()
      t.match(states()[0], {
        name: 'carrier',
        node: 'pbx',
        state: 'paused',
        reason: code === 503 ? '5xx' : String(code),
      })
      const until = Number(states()[0]?.until)
      t.ok(Math.abs(until - tripped - 30_000) < 2000, 'for half a minute')
      const counts = async () => (await paper.dialer.campaigns.get('c')).counts
      await waitFor(async () => (await counts()).dialing === 0)
      const { pending, held } = await counts()
      t.equal(pending + held, 25, 'nobody is done, nobody is invalid')
      const tried = paper.placed.length
      t.ok(tried >= 10 && tried < 25, `${tried} calls`)
      t.equal((await paper.dialer.campaigns.get('c')).attempts, tried, 'the records of the run stay')
      t.match(await paper.dialer.explain(list[0]!), { now: false, held_by: 'trunk_state', next_at: until })
      t.equal((await paper.dialer.explain(list[0]!)).attempts.length, 1)

      let wait = 30_000
      let probes = 0
      for (const longer of [60_000, 120_000, 240_000, 480_000, 600_000, 600_000]) {
        const before = paper.placed.length
        await later(wait + 100)
        await waitFor(() => paper.placed.length === before + 1)
        await waitFor(async () => (await counts()).dialing === 0)
        // The bell may ring later than the end is written: for each probe it tells that one asks, and that it asked in vain.
        probes += 2
        await waitFor(() => states().length === 1 + probes)
        t.equal(paper.placed.length, before + 1, 'one probe')
        wait = longer
        const last = states().at(-1)
        t.equal(last?.state, 'paused')
        t.ok(Math.abs(Number(last?.until) - clock.now() - longer) < 2000, `then ${longer / 1000} s`)
      }
      works = true
      await later(wait + 100)
      await waitFor(
        async () => {
          if ((await paper.dialer.campaigns.get('c')).state === 'finished') return true
          // Those that were in hand look again by themselves, some seconds later.
          await later(1000)
          return false
        },
        { every: 100 },
      )
      t.match(states().slice(-2), [{ state: 'probing' }, { state: 'up', until: null, reason: null }])
      t.match((await paper.dialer.campaigns.get('c')).dispositions, { completed: 25 })
      t.same(
        [...new Set(paper.placed.map(({ record }) => record.number))].sort(),
        [...list].sort(),
        'each was called, whatever its budget of one had seen',
      )
    },
  )

t.test('it is a run only in a row, of one kind, over ten numbers', async (t) => {
  let next = 0
  // Nine of a kind and a busy one; nine of each of two kinds; twelve with one number.
  const codes = [...Array(9).fill(503), 486, ...Array(9).fill(503), ...Array(9).fill(403), 480]
  const { paper, states } = await stage(t, {
    onPlace: (call, paper) => {
      const code = codes[next++] ?? 0
      return code === 486
        ? paper.end(call, 'busy', { sip_code: 486 })
        : code === 480
          ? paper.end(call, 'no_answer', { sip_code: 480 })
          : code === 0
            ? paper.end(call, 'completed')
            : answers(code)(call, paper)
    },
  })
  await campaignOf(paper, 'c', numbers(codes.length), { dial: { concurrency: 1 } })
  await paper.dialer.campaigns.act('c', 'start')
  await waitFor(async () => (await paper.dialer.campaigns.get('c')).state === 'finished')
  t.equal(paper.placed.length, codes.length)
  codes.push(...Array(12).fill(503))
  const [number] = numbers(1, 5000)
  for (let call = 0; call < 12; call++) {
    const placement = await paper.dialer.reserveManual({ to: number!, flow: 'f', vars: {}, trunk: null })
    await answers(503)(placement, paper)
  }
  t.same(states(), [])
})

t.test('ringing closes the run when it rings, not when the call ends', async (t) => {
  const { paper, states } = await stage(t, {})
  const reserve = (n: number) => paper.dialer.reserveManual({ to: numbers(1, n)[0]!, flow: 'f', vars: {}, trunk: null })
  const ringing = await reserve(100)
  await paper.dialer.ledger.update(ringing.record.id, { ringing_at: 1, state: 'ringing' })
  for (let n = 0; n < 9; n++) await answers(503)(await reserve(n), paper)
  await paper.end(ringing, 'no_answer', { ringing_at: 1, sip_code: 480 })
  t.same(states(), [])
  await answers(503)(await reserve(9), paper)
  await waitFor(() => states().length === 1)
  await t.rejects(reserve(10), { code: 'trunk_state' })
})

const two = [trunk({ name: 'first' }), trunk({ name: 'second', caller_ids: ['+40311111111'] })]

t.test(
  'a call that its trunk refuses goes over the next one at once, as a new record that counts for nothing',
  async (t) => {
    const { paper } = await stage(t, {
      trunks: two,
      policy: { per_number: { per_day: 1, per_week: 1 } },
      onPlace: (call, paper) =>
        call.record.trunk === 'first' ? answers(503)(call, paper) : paper.end(call, 'busy', { sip_code: 486 }),
    })
    const [number] = numbers(1)
    await campaignOf(paper, 'c', [number!], { attempts: { max: 1 } })
    await paper.dialer.campaigns.act('c', 'start')
    await waitFor(async () => (await paper.dialer.campaigns.get('c')).state === 'finished')
    const [first, second] = paper.placed.map(({ record }) => record)
    t.match(first, { trunk: 'first', kind: 'first', attempt: 1, failover_of: null })
    t.match(second, {
      ...{ trunk: 'second', kind: 'retry', attempt: 2, failover_of: first?.id, caller_id: '+40311111111' },
    })
    t.equal(paper.placed.length, 2)
    const { attempts, held_by } = await paper.dialer.explain(number!)
    t.equal(attempts.length, 2)
    t.equal(attempts[0]?.failover_of, first?.id)
    t.equal(held_by, 'budget', 'done')
  },
)

for (const [how, end] of Object.entries({
  'rang before': { sip_code: 503, ringing_at: 5 },
  'was busy': { sip_code: 486 },
  'had no answer at all': { sip_code: 480, hangup_by: 'limit' as const },
  'timed out': { sip_code: 408 },
}))
  t.test(`a call that ${how} does not go over another trunk`, async (t) => {
    const { paper } = await stage(t, {
      trunks: two,
      onPlace: (call, paper) => paper.end(call, 'no_answer', end),
    })
    await campaignOf(paper, 'c', numbers(1))
    await paper.dialer.campaigns.act('c', 'start')
    await waitFor(async () => (await paper.dialer.campaigns.get('c')).state === 'finished')
    t.equal(paper.placed.length, 1)
  })

t.test('with every trunk refusing, both are paused, and the contacts have spent nothing', async (t) => {
  const { paper, states } = await stage(t, { trunks: two, onPlace: answers(403) })
  await campaignOf(paper, 'c', numbers(30), { attempts: { max: 1 } })
  await paper.dialer.campaigns.act('c', 'start')
  await waitFor(() => states().length === 2)
  await waitFor(async () => (await paper.dialer.campaigns.get('c')).counts.dialing === 0)
  const { counts } = await paper.dialer.campaigns.get('c')
  t.equal(counts.pending + counts.held, 30)
  for (const number of numbers(30)) {
    const { rules } = await paper.dialer.explain(number)
    t.equal(rules.find(({ rule }) => rule === 'budget')?.verdict, 'pass')
  }
})

t.test('a callback that a broken trunk carried is open again', async (t) => {
  const { paper, states } = await stage(t, { onPlace: answers(503) })
  const list = numbers(12)
  const made = await Promise.all(
    list.map((number) =>
      paper.dialer.callbacks.create({
        ...{ number, campaign: null, contact: null, due_at: 0, expires: 3_600_000, flow: 'f', at: null, note: null },
      }),
    ),
  )
  await waitFor(() => states().length === 1)
  await waitFor(async () => {
    const now = await Promise.all(made.map(({ id }) => paper.dialer.callbacks.get(id)))
    return now.every(({ state }) => state === 'open')
  })
})
