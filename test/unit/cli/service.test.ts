/** The commands that speak to the service, on one that lives in memory. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { aRecord } from '../../api/memory-ports.ts'
import { aService } from './command.ts'

t.setTimeout(60_000)

const until = async (true_: () => boolean): Promise<void> => {
  while (!true_()) await new Promise((resolve) => setTimeout(resolve, 5))
}

t.test('contacts are imported; what was refused is kept as CSV with its row and reason', async (t) => {
  const { apel, cwd } = await aService(t)
  writeFileSync(join(cwd, 'people.csv'), 'number,name\n+40711111111,Ana\nnobody,Dan\n+40711111111,Ana\n')
  const dry = await apel('campaign', 'import', 'renewals', 'people.csv', '--dry-run')
  t.equal(dry.status, 0)
  t.match(dry.out, /2 accepted.*1 rejected.*dry run|1 accepted.*1 rejected.*dry run/)
  const real = await apel('campaign', 'import', 'renewals', 'people.csv', '--json')
  t.match(JSON.parse(real.out), { accepted: 1, duplicate: 1, rejected: 1 })
  t.match(real.err, /100 %, 3 rows, \d+ rows a second/)
  t.match(
    readFileSync(join(cwd, 'renewals.rejects.csv'), 'utf8'),
    'row,column,reason\r\n2,number,nobody is not a number\r\n',
  )
  t.match(await apel('campaign', 'import', 'renewals', 'nothing.csv'), { status: 2 })
})

t.test('the campaign is applied from its file, with its contacts beside it', async (t) => {
  const { apel, cwd } = await aService(t)
  mkdirSync(join(cwd, 'scripts-yaml/campaigns'), { recursive: true })
  const file = join(cwd, 'scripts-yaml/campaigns/spring.yaml')
  writeFileSync(file, 'campaign: spring\nflow: f\ncontacts: { file: spring.csv }\n')
  writeFileSync(join(cwd, 'scripts-yaml/campaigns/spring.csv'), 'number\n+40711111111\n')
  t.match(await apel('campaign', 'apply', 'spring'), { status: 0, out: /spring is made/ })
  t.match(await apel('campaign', 'apply', file), { status: 0, out: /as its file says/ })
  t.match(await apel('campaign', 'import', 'spring'), { status: 0, out: /1 accepted/ })
  writeFileSync(file, 'campaign: spring\nflw: f\n')
  t.match(await apel('campaign', 'apply', 'spring'), { status: 1, err: /spring\.yaml:2:1 error Unknown key `flw`/ })
})

t.test('a campaign is moved, looked at, and its results read', async (t) => {
  const { apel, cwd, memory } = await aService(t)
  t.match(await apel('campaign', 'start', 'renewals'), { out: 'renewals is running.\n' })
  t.match(await apel('campaign', 'pause', 'renewals', '--json'), { out: /"state": "paused"/ })
  t.match(await apel('campaign', 'status', 'renewals'), { out: /state\S*\s+paused/ })
  t.match(await apel('campaign', 'status'), { out: /renewals\s+paused/ })
  t.match(await apel('campaign', 'stop', 'renewals', '--now'), { out: 'renewals is stopped.\n' })
  memory.results = [aRecord({ id: 'a1' }), aRecord({ id: 'a2' })]
  t.equal((await apel('campaign', 'results', 'renewals')).out.trimEnd().split('\n').length, 2)
  t.match((await apel('campaign', 'results', 'renewals', '--format', 'csv', '--after', 'a1')).out, /^id,.*\r\na2,/)
  await apel('campaign', 'results', 'renewals', '-o', 'out.ndjson')
  t.match(readFileSync(join(cwd, 'out.ndjson'), 'utf8'), /"id":"a2"/)
})

t.test('a call is dialled and watched to its end', async (t) => {
  const { apel, memory } = await aService(t)
  const going = apel('dial', '+40711111111', '--flow', 'f', '--var', 'visit=now', '--var', 'sum:=5')
  await until(() => memory.calls.size === 1)
  const [call] = memory.calls.values()
  if (!call) throw new Error('no call')
  t.strictSame(call.vars, { visit: 'now', sum: 5 })
  call.steps.push({ at: Date.now(), step: 'greet', event: 'start' })
  Object.assign(call, { state: 'up', answered_at: Date.now() })
  await until(() => /up\n.*greet.* start/s.test(apel.newest.err))
  Object.assign(call, { state: 'ended', ended_at: Date.now(), disposition: 'completed' })
  const { status, out, err } = await going
  t.equal(status, 0)
  t.match(err, /up\n.*greet.* start/s)
  t.match(out, /disposition\S*\s+completed/)

  const unanswered = apel('dial', '+40711111112', '--flow', 'f', '--json')
  await until(() => memory.calls.size === 2)
  Object.assign([...memory.calls.values()][1] ?? {}, { state: 'ended', ended_at: Date.now(), disposition: 'busy' })
  t.match(await unanswered, { status: 1, out: /"disposition": "busy"/ })
  t.match(await apel('show', call.id), { out: /greet.*start/s })
  t.match(await apel('calls', '--all'), { out: /completed/ })
  t.equal(JSON.parse((await apel('calls', '--all', '--json')).out).length, 2)
})

t.test('callbacks and the do-not-call list are kept by hand', async (t) => {
  const { apel, cwd, memory } = await aService(t)
  const made = await memory.ports.callbacks.create({
    number: '+40711111111',
    campaign: null,
    contact: null,
    due_at: Date.now(),
    expires: null,
    flow: null,
    at: null,
    note: 'asks for Ana',
  })
  t.match(await apel('callbacks', 'list'), { out: /asks for Ana/ })
  t.match(await apel('callbacks', 'move', made.id, '2027-01-05T08:00:00Z'), { status: 0 })
  t.equal(made.due_at, Date.UTC(2027, 0, 5, 8))
  t.match(await apel('callbacks', 'cancel', made.id), { status: 0 })
  t.match(await apel('callbacks', 'list'), { out: 'None.\n' })

  t.match(await apel('dnc', 'add', '+4072*', '--reason', 'by law'), { out: /now on the list/ })
  writeFileSync(join(cwd, 'dnc.csv'), 'number\n+40733333333\n')
  t.match(await apel('dnc', 'import', 'dnc.csv'), { out: /1 added/ })
  t.match(await apel('dnc', 'list'), { out: /\+4072\*.*by law.*\+40733333333/s })
  t.match(await apel('dnc', 'remove', '+4072*'), { status: 0 })
  t.match(await apel('stop'), { status: 0 })
  t.match(await apel('dial', '+40711111111', '--flow', 'f'), { status: 1, err: /\(paused\)/ })
  t.match(await apel('resume'), { status: 0 })
})

t.test('a batch applies, imports, starts and waits; the same id starts nothing and answers the same', async (t) => {
  const { apel, cwd, memory } = await aService(t)
  mkdirSync(join(cwd, 'scripts-yaml/campaigns'), { recursive: true })
  writeFileSync(join(cwd, 'scripts-yaml/campaigns/night.yaml'), 'campaign: night\nflow: f\ncontacts: { file: n.csv }\n')
  writeFileSync(join(cwd, 'scripts-yaml/campaigns/n.csv'), 'number\n+40711111111\n')
  const { campaigns, contacts } = memory.ports
  let looks = 0
  const get = campaigns.get
  campaigns.get = (name) => {
    looks += 1
    return get(name)
  }
  const going = apel('batch', 'night', '--run-id', 'monday', '--timeout', '20s')
  let started = false
  await until(() => {
    void get('night').then(
      (campaign) => {
        started = campaign.state === 'running'
      },
      () => {},
    )
    return started
  })
  const campaign = await campaigns.get('night')
  looks = 0
  await until(() => looks >= 2)
  const [contact] = (await contacts.list('night', { limit: 1, cursor: null, state: null })).items
  Object.assign(contact ?? {}, { attempts: 1, state: 'waiting' })
  t.match(await going, { status: 0, out: /night is running: 1 contacts \(waiting 1\)/ })
  t.equal(memory.imported, 1)

  campaign.state = 'ready'
  t.match(await apel('batch', 'night', '--run-id', 'monday'), { status: 0, err: /ended before/ })
  t.equal(campaign.state, 'ready', 'nothing was started')
  t.equal(memory.imported, 1)

  Object.assign(contact ?? {}, { attempts: 0, state: 'pending' })
  t.match(await apel('batch', 'night', '--run-id', 'tuesday', '--timeout', '1s'), { status: 1, err: /not there yet/ })
  t.match(await apel('batch', 'night', '--run-id', 'tuesday', '--timeout', '1s'), { status: 1, err: /ended before/ })
})

t.test('what is kept of a number is written out, and erased', async (t) => {
  const { apel, cwd } = await aService(t)
  t.match(JSON.parse((await apel('number', 'export', '+40711111111')).out), {
    number: '+40711111111',
    attempts: [{ steps: [{ at: '1970-01-01T00:00:00.001Z', step: 'hi' }] }],
  })
  t.match(await apel('number', 'export', '+40711111111', '-o', 'ana.json'), { status: 0, out: '' })
  t.match(JSON.parse(readFileSync(join(cwd, 'ana.json'), 'utf8')), { number: '+40711111111' })
  t.match(await apel('number', 'erase', '+40711111111'), { status: 0, out: /erased/ })
})

t.test('nothing is left behind by a refused import', async (t) => {
  const { apel, cwd } = await aService(t)
  writeFileSync(join(cwd, 'people.csv'), 'number\n+40711111111\n')
  t.match(await apel('campaign', 'import', 'nobody', 'people.csv'), { status: 1, err: /not_found/ })
  t.notOk(existsSync(join(cwd, 'nobody.rejects.csv')))
})

t.test('dead letters are listed, and sent again one by one or all', async (t) => {
  const { apel, memory } = await aService(t)
  const letter = {
    event: 'call.ended',
    at: 0,
    url: 'http://crm.example/',
    number: null,
    tries: 15,
    died_at: 0,
    data: null,
  }
  memory.dead = ['7-1', '7-2', '7-3'].map((id) => ({ ...letter, id, reason: 'it answered 500' }))
  t.match(await apel('webhooks', 'list'), { status: 0, out: /7-2\s+call\.ended.*15.*it answered 500/ })
  t.match(await apel('webhooks', 'replay'), { status: 2 })
  t.match(await apel('webhooks', 'replay', '7-2'), { status: 0, out: '1 letter in line again.\n' })
  t.match(await apel('webhooks', 'replay', '7-2'), { status: 1, err: /not_found/ })
  t.match(await apel('webhooks', 'replay', '--all', '--json'), { status: 0, out: /"7-1",\s+"7-3"/ })
  t.match(await apel('webhooks', 'list'), { out: 'None.\n' })
})

t.test('a forecast is drawn as bars of calls an hour', async (t) => {
  const { apel } = await aService(t)
  const { out, status } = await apel('campaign', 'forecast', 'renewals', '--answer', '0.4', '--talk', '45s')
  t.equal(status, 0)
  t.match(out, /completed 40, no_answer 60|no_answer 60, completed 40/)
  t.match(out, /45 of talk/)
  const bars = out.split('\n').filter((line) => /█/.test(line) && /\d\d:00 /.test(line))
  t.match(bars, [/█{20}░{20} {2}120$/, /█{7}░{6} {2}40$/])
  t.match(out, /dnc\s+3\s+the number is on the do-not-call list\s+k1 k2 k3/)
  t.match(JSON.parse((await apel('campaign', 'forecast', 'renewals', '--json')).out), { attempts: 160 })
  t.match(await apel('campaign', 'forecast', 'renewals', '--answer', '2'), { status: 2, err: /between 0 and 1/ })
  t.match(await apel('campaign', 'forecast', 'nobody'), { status: 1, err: /not_found/ })
})
