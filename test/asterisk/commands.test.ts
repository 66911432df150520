/** The commands, as users run them, on calls that really ring. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { answers, presses, refuses } from '../../src/phones/behaviours.ts'
import { startCommand } from '../support/command.ts'
import { startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

t.setTimeout(180_000)

const flow = `flow: ask
vars: { who: "nobody" }
start: hi
steps:
  hi: { say: "Hello {who}." }
  ask: { menu: "Press 1.", timeout: 2s, options: { "1": { outcome: pressed, goto: bye } } }
  bye: { hangup: true }
`
const campaign = `campaign: night
flow: ask
contacts: { file: night.csv, key: phone, number: phone }
retry: { busy: { delay: 1h, max: 1 }, silent: false }
`
const system = await startSystem({
  flows: { ask: flow },
  campaigns: { night: campaign },
  files: { 'scripts-yaml/campaigns/night.csv': 'phone,who\n+40711100001,Ana\n+40711100002,Dan\n+40711100003,Eve\n' },
})
t.teardown(() => system.stop())
const { exchange } = system

t.test('dial shows the steps as they are gone through and answers 0; nobody there is 1', async (t) => {
  exchange.phone('+40711100010', presses('1', 600))
  const done = await system.apel(['dial', '0711 100 010', '--flow', 'ask', '--var', 'who=Ana'])
  t.equal(done.code, 0, done.stderr)
  t.match(done.stderr, /up\n.*hi .*\n.*ask /s)
  t.match(done.stdout, /disposition +completed/)
  t.match(done.stdout, /outcome +pressed/)
  t.match(done.stdout, /"who":"Ana"/)

  exchange.phone('+40711100011', refuses(486))
  const busy = await system.apel(['dial', '+40711100011', '--flow', 'ask', '--json'])
  t.equal(busy.code, 1)
  t.match(JSON.parse(busy.stdout), { disposition: 'busy', cause: 17, sip_code: 486, answered_at: null })
})

t.test('calls, show and a hang-up reach a call that is on', async (t) => {
  exchange.phone(
    '+40711100012',
    answers(async (call) => {
      await call.ended
    }),
  )
  const watching = startCommand(['calls', '--watch', '--json'], { env: { APEL_URL: system.url } })
  let seen = ''
  watching.stdout?.on('data', (piece) => {
    seen += piece
  })
  let told = ''
  watching.stderr?.on('data', (piece) => {
    told += piece
  })
  await waitFor(() => told.includes('Watching'), { what: 'the watch' })
  const { id } = await system.api('POST', '/v1/calls', { to: '+40711100012', flow: 'ask' })
  await waitFor(async () => (await system.apel(['calls'])).stdout.includes(id), { what: 'the call in the list' })
  t.match((await system.apel(['show', id])).stdout, /state +(dialing|ringing|up)/)
  await waitFor(async () => (await system.api('GET', `/v1/calls/${id}`)).state === 'up', { what: 'the answer' })
  await system.api('DELETE', `/v1/calls/${id}`)
  t.match(await system.ended(id), { disposition: 'cancelled', hangup_by: 'operator' })
  await waitFor(() => seen.includes('call.ended'), { what: 'the end among the events' })
  watching.kill()
  const events = seen
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).event)
  t.equal(events[0], 'call.started')
  t.equal(events.at(-1), 'call.ended')
  t.equal((await system.apel(['calls'])).stdout, 'None.\n')
})

t.test('batch dials every contact once and answers; results, status and the picture tell of it', async (t) => {
  for (const number of ['+40711100001', '+40711100002']) exchange.phone(number, presses('1', 600))
  exchange.phone('+40711100003', refuses(486))
  const first = await system.apel(['batch', 'night', '--run-id', 'n1', '--timeout', '60s'])
  t.equal(first.code, 0, first.stderr)
  t.match(first.stdout, /3 contacts \(done 2, waiting 1\), 3 attempts \(completed 2, busy 1\)/)
  t.equal((await system.apel(['batch', 'night', '--run-id', 'n1'])).code, 0)
  t.equal(exchange.calls.filter((call) => call.to.startsWith('+4071110000')).length, 3)

  const { stdout } = await system.apel(['campaign', 'results', 'night'])
  const records = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.strictSame(records.map((record) => record.disposition).sort(), ['busy', 'completed', 'completed'])
  t.match((await system.apel(['campaign', 'status', 'night'])).stdout, /outcomes +pressed 2/)
  const graph = ['graph', 'ask', '--counts', 'night', '--format', 'svg', '-o', 'ask.svg']
  t.equal((await system.apel(graph)).code, 0)
  t.match(readFileSync(join(system.folder, 'ask.svg'), 'utf8'), /<svg/)
  t.match(await system.api('GET', '/v1/campaigns/night/steps'), { flow: 'ask', steps: { hi: 2, ask: 2, bye: 2 } })
  t.equal((await system.apel(['campaign', 'stop', 'night'])).code, 0)
})

t.test('doctor finds a running service well, and really plays a sound', async (t) => {
  const { code, stdout } = await system.apel(['doctor', '--json'])
  const findings = JSON.parse(stdout)
  t.equal(code, 0, stdout)
  for (const found of [/ready/, /linked as apel-test/, /endpoint carrier/, /a sentence was played/])
    t.ok(
      findings.some((finding: { found: string }) => found.test(finding.found)),
      String(found),
    )
})
