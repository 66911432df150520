/** Campaigns that start by themselves, on a real ledger with a clock that is moved. */
import { Readable } from 'node:stream'
import t from 'tap'
import { campaignOf, numbers, type PaperDialer, paperDialer, ShiftedClock } from '../support/dialer.ts'
import { waitFor } from '../support/wait.ts'
import { startTestRedis } from './server.ts'

// The server's own clock is set to a zone that nobody here lives in, with changes of its own.
process.env.TZ = 'Pacific/Chatham'
t.setTimeout(120_000)
type Tap = { teardown(run: () => Promise<void>): unknown }

async function stage(t: Tap, moment: string) {
  const redis = await startTestRedis()
  const clock = new ShiftedClock()
  const papers: PaperDialer[] = []
  const set = (text: string): void => {
    clock.ms = Date.parse(text) - Date.now()
  }
  set(moment)
  const open = async (instance: string): Promise<PaperDialer> => {
    const paper = await paperDialer(redis, { clock, instance, onPlace: (call, p) => p.end(call, 'completed') })
    papers.push(paper)
    return paper
  }
  t.teardown(async () => {
    for (const paper of papers) await paper.stop()
    await redis.close()
  })
  /** The clock is put there, and everybody looks. */
  const move = async (text: string): Promise<void> => {
    set(text)
    for (const paper of papers) paper.dialer.wake()
  }
  const last = async (paper: PaperDialer, at: string, result: string): Promise<void> => {
    const expected = Date.parse(at)
    await waitFor(
      async () => {
        const { schedule } = await paper.dialer.campaigns.get('c')
        return schedule?.last_at === expected && schedule.last_result === result
      },
      { what: `${result} at ${at}` },
    )
  }
  const starts = () =>
    papers[0]?.events.filter(({ type, data }) => type === 'campaign.state' && data.state === 'running').length
  return { redis, open, move, last, starts }
}

const at9 = (more: Record<string, unknown> = {}) => ({
  schedule: { cron: '0 9 * * *', timezone: 'Europe/Bucharest', ...more },
})

t.test('of two instances one starts the campaign, once, and its state says when it is next', async (t) => {
  const { open, move, last, starts } = await stage(t, '2026-01-07T06:59:58Z')
  const one = await open('one')
  const two = await open('two')
  await campaignOf(one, 'c', numbers(3), at9())
  t.match(await one.dialer.campaigns.get('c'), {
    state: 'ready',
    schedule: { next_at: Date.parse('2026-01-07T07:00Z'), last_at: null, last_result: null },
  })
  // No word of anybody: the clock itself comes to nine.
  await last(two, '2026-01-07T07:00Z', 'started')
  await waitFor(async () => (await one.dialer.campaigns.get('c')).state === 'finished')
  t.equal(starts(), 1)
  t.equal(one.placed.length + two.placed.length, 3)
  t.equal((await two.dialer.campaigns.get('c')).schedule?.next_at, Date.parse('2026-01-08T07:00Z'))

  await campaignOf(one, 'c', [], at9())
  await move('2026-01-08T07:00:10Z')
  await last(one, '2026-01-08T07:00Z', 'started')
  t.equal(starts(), 2, 'a finished one starts again, the same definition put anew changes nothing')
})

t.test('a start finds a running, a paused and a stopped campaign', async (t) => {
  const { open, move, last } = await stage(t, '2026-01-07T06:00Z')
  const one = await open('one')
  await campaignOf(one, 'c', numbers(1), { ...at9(), window: { sun: '00:00-00:01' } })
  const { campaigns } = one.dialer
  await campaigns.act('c', 'start')
  await move('2026-01-07T07:00:01Z')
  await last(one, '2026-01-07T07:00Z', 'running')
  await campaigns.act('c', 'pause')
  await move('2026-01-08T07:00:01Z')
  await last(one, '2026-01-08T07:00Z', 'paused')
  t.equal((await campaigns.get('c')).state, 'paused', 'whoever paused it goes on with it')
  await campaigns.act('c', 'stop')
  await move('2026-01-09T07:00:01Z')
  await last(one, '2026-01-09T07:00Z', 'started')
  t.equal((await campaigns.get('c')).state, 'running')
})

t.test('one that is stopping starts when its last call has ended', async (t) => {
  const redis = await startTestRedis()
  const clock = new ShiftedClock()
  clock.ms = Date.parse('2026-01-07T06:59Z') - Date.now()
  const paper = await paperDialer(redis, { clock })
  t.teardown(async () => {
    await paper.stop()
    await redis.close()
  })
  await campaignOf(paper, 'c', numbers(1), at9())
  await paper.dialer.campaigns.act('c', 'start')
  const call = await waitFor(() => paper.placed[0])
  await paper.dialer.campaigns.act('c', 'drain')
  clock.ms += 61_000
  paper.dialer.wake()
  await paper.end(call, 'completed')
  await waitFor(async () => (await paper.dialer.campaigns.get('c')).schedule?.last_result === 'started')
})

t.test('what fell into an outage is made up for once, or passed over', async (t) => {
  for (const [missed, result] of [
    ['run_once', 'started'],
    ['skip', 'skipped'],
  ] as const) {
    const { open, move, last, starts } = await stage(t, '2026-01-07T06:00Z')
    const before = await open('one')
    await campaignOf(before, 'c', numbers(2), at9({ missed }))
    await before.stop()
    before.events.length = 0
    await move('2026-01-11T10:00Z')
    const after = await open('one')
    await last(after, '2026-01-07T07:00Z', result)
    const { state, schedule } = await after.dialer.campaigns.get('c')
    t.equal(schedule?.next_at, Date.parse('2026-01-12T07:00Z'))
    if (missed === 'skip') t.equal(state, 'ready')
    else await waitFor(async () => (await after.dialer.campaigns.get('c')).state === 'finished')
    await move('2026-01-12T07:00:05Z')
    await last(after, '2026-01-12T07:00Z', 'started')
    t.ok((starts() ?? 0) <= 2)
  }
})

t.test('a clock that jumps loses no run and makes none twice', async (t) => {
  const { open, move, last } = await stage(t, '2026-01-07T06:30Z')
  const one = await open('one')
  await campaignOf(one, 'c', numbers(1), at9())
  const started = () =>
    one.events.filter(({ type, data }) => type === 'campaign.state' && data.state === 'running').length
  await move('2026-01-07T07:30Z')
  await last(one, '2026-01-07T07:00Z', 'started')
  await waitFor(async () => (await one.dialer.campaigns.get('c')).state === 'finished')
  const runs = started()
  await move('2026-01-07T06:30Z')
  await move('2026-01-07T07:00:01Z')
  await move('2026-01-07T07:45Z')
  t.equal((await one.dialer.campaigns.get('c')).schedule?.next_at, Date.parse('2026-01-08T07:00Z'))
  t.equal(started(), runs, 'the hour came again, the run did not')

  // Years ahead for a moment: the schedule is not held until then.
  await move('2031-01-01T00:00Z')
  await last(one, '2026-01-08T07:00Z', 'started')
  await move('2026-01-08T06:00Z')
  await waitFor(async () => (await one.dialer.campaigns.get('c')).schedule?.next_at === Date.parse('2026-01-08T07:00Z'))
  await move('2026-01-08T07:00:01Z')
  await waitFor(async () => (await one.dialer.campaigns.get('c')).schedule?.next_at === Date.parse('2026-01-09T07:00Z'))
})

t.test(
  'over both nights each schedule runs once a day, and nobody is called outside the hours of their zone',
  async (t) => {
    // Where the night begins, and the local times of the runs of 01:15 to 03:45 every half hour.
    const whole = ['01:15', '01:45', '02:15', '02:45', '03:15', '03:45']
    const nights: [zone: string, start: string, expected: string[]][] = [
      ['Europe/Bucharest', '2026-03-28T21:00Z', ['01:15', '01:45', '02:15', '02:45', '04:00']],
      ['Europe/Bucharest', '2026-10-24T21:00Z', whole],
      ['America/New_York', '2026-03-08T04:00Z', ['01:15', '01:45', '03:00', '03:15', '03:45']],
      ['America/New_York', '2026-11-01T03:00Z', whole],
      ['Australia/Lord_Howe', '2026-10-03T13:00Z', ['01:15', '01:45', '02:30', '02:45', '03:15', '03:45']],
      ['Australia/Lord_Howe', '2026-04-04T12:00Z', whole],
    ]
    const local = (zone: string) =>
      new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
    const redis = await startTestRedis()
    const clock = new ShiftedClock()
    const calls: { zone: string; at: number }[] = []
    const paper = await paperDialer(redis, {
      clock,
      policy: { allow: ['+'] },
      onPlace: (call, p) => {
        calls.push({ zone: call.context.zones[0] ?? '', at: call.record.queued_at ?? 0 })
        return p.end(call, 'busy')
      },
    })
    t.teardown(async () => {
      await paper.stop()
      await redis.close()
    })
    for (const [zone, start, expected] of nights) {
      const name = `${zone.replaceAll('/', '-')}-${start.slice(5, 7)}`
      const begin = Date.parse(start)
      clock.ms = begin - Date.now()
      // The schedule's own zone, and a window that lies over the hour of the change in the callee's.
      await campaignOf(paper, name, numbers(1), {
        timezone: zone,
        contacts: { number: 'phone', timezone: 'tz' },
        window: '01:15-03:45',
        attempts: { max: 100 },
        retry: { busy: { delay: '10m', max: 100 } },
        schedule: { cron: '15,45 1-3 * * *', timezone: zone },
      })
      await paper.dialer.import(name, {
        stream: Readable.from([`phone,tz\n${numbers(1)[0]},${zone}\n`]),
        format: 'csv',
        dry_run: false,
      })
      const runs: number[] = []
      const before = calls.length
      for (let minute = 0; minute <= 8 * 60; minute += 5) {
        clock.ms = begin + minute * 60_000 - Date.now()
        await paper.store.writable()
        paper.dialer.wake()
        const { last_at } = await waitFor(async () => {
          const { schedule } = await paper.dialer.campaigns.get(name)
          return (schedule?.next_at ?? 0) > clock.now() ? schedule : null
        })
        if (last_at !== null && last_at !== runs.at(-1)) runs.push(last_at)
      }
      await paper.dialer.campaigns.act(name, 'stop')
      t.same(
        runs.map((at) => local(zone).format(at)),
        expected,
        `${name}: none lost, none twice`,
      )
      t.ok(calls.length > before, `${name} called somebody`)
    }
    for (const { zone, at } of calls) {
      const time = local(zone).format(at)
      t.ok(time >= '01:15' && time < '03:45', `${zone} ${time}`)
    }
  },
)
