import t from 'tap'
import { loadCampaign, parseCampaign } from '../../../src/dialer/campaign.ts'
import { columnName } from '../../../src/dialer/campaign-schema.ts'

const whole = `campaign: renewals
flow: renewal
contacts: { file: contacts.csv, key: Phone, number: Phone, timezone: tz, language: lang, consent: ok, priority: prio }
timezone: Europe/Bucharest
window: { mon-fri: ["09:00-13:00", "14:00-18:00"] }
holidays: [2026-12-01, 2026-12-25]
dial: { trunks: [carrier], ring: 25s, concurrency: 20, cps: 5, amd: false }
attempts: { max: 5, per_day: 2 }
retry:
  busy:      { delay: 10m, max: 3 }
  no_answer: { delay: 2h, max: 3, backoff: multiply }
  silent:    { delay: 30m, max: 1 }
callbacks: { expires: 24h, on_missed: next_day }
agents: { group: front-desk, pacing: progressive, abandon_cap: 0.03 }
schedule: { cron: "0 9 * * mon-fri", timezone: Europe/Bucharest, missed: run_once }
`

t.test('the campaign of the interface is read as it stands there', async (t) => {
  const { campaign, problems, definition } = loadCampaign('campaigns/renewals.yaml', whole)
  t.same(problems, [])
  t.match(campaign, {
    name: 'renewals',
    flow: 'renewal',
    contacts: { file: 'contacts.csv', key: 'phone', number: 'phone', timezone: 'tz', consent: 'ok', priority: 'prio' },
    holidays: ['2026-12-01', '2026-12-25'],
    dial: { trunks: ['carrier'], ring: 25_000, concurrency: 20, cps: 5, amd: false },
    attempts: { max: 5, per_day: 2 },
    retry: {
      no_answer: { delay: 7_200_000, max: 3, backoff: 'multiply', jitter: 0 },
      busy: { backoff: 'fixed', jitter: 0 },
    },
    callbacks: { expires: 86_400_000, on_missed: 'next_day' },
  })
  t.same(campaign?.window?.mon, [
    { from: 540, to: 780 },
    { from: 840, to: 1080 },
  ])
  t.equal(definition.flow, 'renewal')
})

t.test('what is left out has its default', async (t) => {
  const { campaign } = loadCampaign('c.yaml', 'campaign: c\nflow: f\n')
  t.match(campaign, {
    contacts: { file: null, key: null, number: 'number', timezone: null, consent: null, priority: null },
    timezone: null,
    window: null,
    holidays: [],
    dial: { trunks: null, ring: 25_000, concurrency: null, cps: null, amd: false },
    attempts: { max: 5, per_day: null },
    callbacks: { expires: 86_400_000, on_missed: 'next_day' },
    agents: null,
    schedule: null,
  })
  t.same(campaign?.retry, { silent: { delay: 1_800_000, max: 1, backoff: 'fixed', jitter: 0 } })
  const off = loadCampaign('c.yaml', 'campaign: c\nflow: f\nretry: { silent: false, busy: { delay: 1m } }\n')
  t.same(off.campaign?.retry, { busy: { delay: 60_000, max: 1, backoff: 'fixed', jitter: 0 } })
})

t.test('every fault comes with its place and what to do', async (t) => {
  const text = `campaign: renewals
flow: renewal
contacts: { number: phone, keys: id }
timezone: Mars/Olympus
window: { monday: "09:00-13:00" }
holidays: [tomorrow]
dial: { ring: soon, concurrency: 0 }
retry:
  bussy: { delay: 10m }
  no_answer: { delay: 2h, backoff: double }
callbacks: { on_missed: shrug }
`
  const { campaign, problems } = loadCampaign('renewals.yaml', text)
  t.equal(campaign, null)
  const at = (line: number) => problems.filter((problem) => problem.line === line).map(({ message }) => message)
  t.match(at(3), [/Unknown key `keys`; did you mean `key`/])
  t.match(at(4), [/`timezone`.*time zone such as/])
  t.match(at(5), [/"monday" is not a day/])
  t.match(at(6), [/date such as/])
  t.equal(at(7).length, 2)
  t.match(at(9), [/Unknown key `bussy`; did you mean `busy`/])
  t.ok(at(10).length >= 1)
  t.match(at(11), [/next_day or retry or close/])
})

t.test('names must agree with the file, and flow and trunks must be there', async (t) => {
  const known = { flows: ['renewal'], trunks: ['carrier'] }
  const codes = (path: string, text: string) =>
    loadCampaign(path, text, known).problems.map(({ code, severity }) => `${severity} ${code}`)
  t.same(codes('a.yaml', 'campaign: b\nflow: renewal\n'), ['error name'])
  t.same(codes('a.yaml', 'campaign: a\nflow: other\n'), ['error unknown-flow'])
  t.same(codes('a.yaml', 'campaign: a\nflow: renewal\ndial: { trunks: [x, carrier] }\n'), ['error unknown-trunk'])
  t.same(codes('callbacks.yaml', 'campaign: callbacks\nflow: renewal\n'), ['error name'])
  t.same(codes('a.yaml', 'campaign: a\nflow: renewal\ndial: { ring: 10s }\n'), ['warning short-ring'])
  t.ok(loadCampaign('a.yaml', 'campaign: a\nflow: renewal\ndial: { ring: 10s }\n', known).campaign)
})

t.test('a definition over the API is held against the same rules', async (t) => {
  t.match(parseCampaign('a', { flow: 'f' }), { campaign: { name: 'a' }, warnings: [] })
  t.match(parseCampaign('a', { campaign: 'b', flow: 'f' }), { faults: [{ path: 'campaign' }] })
  t.match(parseCampaign('a', { flow: 'f', dial: { ring: '5s' } }), { warnings: [/15 s/] })
  t.match(parseCampaign('a', { flow: 7 }), { faults: [{ path: 'flow' }] })
  t.match(parseCampaign('a', {}), { faults: [{ path: 'flow' }] })
  for (const odd of [
    { flow: 'f', __proto__: null, x: 1 },
    { flow: 'f', contacts: [] },
    { flow: 'f', retry: 5 },
  ])
    t.ok('faults' in parseCampaign('a', odd as Record<string, unknown>))
})

t.test('texts that are no campaign are told so', async (t) => {
  for (const text of [
    '',
    '- a\n',
    'campaign: [',
    'a: &x 1\nb: *x\n',
    `${'['.repeat(5000)}`,
    '\u0000',
    'campaign: c\ncampaign: d\nflow: f\n',
  ]) {
    const { campaign, problems } = loadCampaign('c.yaml', text)
    t.equal(campaign, null)
    t.ok(
      problems.length > 0 && problems.every(({ line, column }) => line >= 1 && column >= 1),
      JSON.stringify(text.slice(0, 20)),
    )
  }
})

t.test('headers become names of contact.*', async (t) => {
  t.equal(columnName('First Name'), 'first_name')
  t.equal(columnName(' E-Mail (work)'), 'e_mail__work_')
  t.equal(columnName('Țară'), '_ar_')
})
