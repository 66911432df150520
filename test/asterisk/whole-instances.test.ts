/**
 * Two instances on one Redis and one Asterisk, both of them a user's own: one goes on with the calls of the other when that
 * one is killed, or stopped for so long that it must take itself for dead. The first speaks REST over the websocket, the second by
 * `ari-client`.
 */
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { type EmbeddedAsterisk, startAsterisk } from '../../src/embedded/asterisk.ts'
import { ensureTools } from '../../src/embedded/tools.ts'
import { answers, impatient } from '../../src/phones/behaviours.ts'
import type { Behaviour, PhoneCall } from '../../src/phones/phone.ts'
import { freePort, freeRange } from '../../src/phones/ports.ts'
import { type OwnRedis, startOwnRedis } from '../support/own-redis.ts'
import { startSecond } from '../support/second-instance.ts'
import { startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

t.setTimeout(170_000)

const flow = (name: string, steps: string) => `
flow: ${name}
language: en
voice: { name: en-gb, rate: 170 }
vars: { answer: {} }
defaults: { timeout: 8s }
start: one
steps:
${steps}
`
const end = `options: { "1": { say: "Goodbye.", outcome: ended, goto: hangup } }`
const flows = {
  wait: flow('wait', `  one: { menu: "Please think, and then press 1.", timeout: 60s, ${end} }`),
  hold: flow(
    'hold',
    `  one: { hold: "One minute, please.", task: { external: desk }, save: answer, on: { done: two, failed: two } }
  two: { menu: "It is {answer.text}. To end, press 1.", ${end} }`,
  ),
}
const tools = await ensureTools(['asterisk', 'redis', 'sipp', 'speech'], () => {})
const ports = { sip: await freePort('udp'), http: await freePort('tcp'), rtp: await freeRange('udp', 100) }
const password = randomBytes(12).toString('hex')
let asterisk: EmbeddedAsterisk
let redis: OwnRedis
const system = await startSystem({
  flows,
  config: async ({ folder, exchange }) => {
    exchange.asterisk = ports.sip
    asterisk = await startAsterisk({
      ...{ dataDir: join(folder, 'own'), name: 'own', sipPort: ports.sip, httpPort: ports.http, rtp: ports.rtp },
      ...{ peers: { carrier: exchange.uri }, ariUser: 'apel', ariPassword: password, tools, say: () => {} },
    })
    redis = await startOwnRedis(join(folder, 'redis'))
    const trunk = { name: 'carrier', endpoint: 'PJSIP/{number}@carrier', caller_ids: ['+40311234567'] }
    const { url, soundsDir } = asterisk
    const node = { name: 'own', url, username: 'apel', password, sounds: { shared: soundsDir }, trunks: [trunk] }
    return { redis: { url: redis.url }, asterisk: [node] }
  },
})
const second = await startSecond(system, 'second', { transport: 'ari-client' })
t.teardown(async () => {
  await second.service.end()
  await system.service.end()
  await asterisk.stop()
  await redis.kill('SIGTERM')
  await system.stop()
  await rm(system.folder, { recursive: true, force: true })
})
const { exchange } = system
let count = 0

/** From that moment on, presses 1 after each phrase. */
const presses =
  (moment: () => boolean): Behaviour =>
  async (call) => {
    await call.until('the moment', moment, 60_000)
    for (let heard = call.ear.ended(); ; ) {
      await call.until('a question', () => call.ear.ended() > heard && !call.ear.hearing(), 100_000)
      heard = call.ear.ended()
      await call.press('1')
    }
  }

/** A call of the first instance whose phone does this. */
async function dial(flow: string, behaviour: Behaviour): Promise<{ id: string; call: () => Promise<PhoneCall> }> {
  count += 1
  const number = `+4072800${String(count).padStart(4, '0')}`
  const phone = exchange.phone(number, behaviour)
  const { id } = await system.api('POST', '/v1/calls', { to: number, flow })
  return { id, call: () => phone.call() }
}

/** One that waits for a key, one on hold, one that rings until that moment. */
async function callsOfTheFirst(moment: () => boolean) {
  const waits = await dial('wait', impatient(answers(presses(moment))))
  const held = await dial('hold', impatient(answers(presses(moment))))
  const rings = await dial(
    'wait',
    impatient(async (call) => {
      await call.ring()
      await call.until('the moment', moment, 60_000)
      await call.answer()
      await presses(moment)(call)
    }),
  )
  for (const [one, state] of [
    [waits, 'up'],
    [held, 'up'],
    [rings, 'ringing'],
  ] as const)
    await waitFor(async () => (await second.api('GET', `/v1/calls/${one.id}`)).state === state)
  const music = await held.call()
  await Promise.all([(await waits.call()).heard(1), music.until('the music', () => music.ear.packets > 200)])
  return { waits, held, rings }
}
const taken = async (): Promise<number> =>
  Number(/^apel_takeovers_total (\d+)/m.exec(await second.api('GET', '/metrics'))?.[1])
const ended = async (id: string) =>
  await waitFor(
    async () => {
      const call = await second.api('GET', `/v1/calls/${id}`)
      return call.state === 'ended' && call
    },
    { timeout: 60_000, every: 100, what: `the end of ${id}` },
  )
const seen = { disposition: 'completed', outcome: 'ended', hangup_by: 'flow' }

/** What comes over this stream. */
function listen(url: string): { text: () => string; stop: () => void } {
  const over = new AbortController()
  let text = ''
  const read = async () => {
    const answer = await fetch(url, { signal: over.signal })
    for await (const piece of answer.body!.pipeThrough(new TextDecoderStream())) text += piece
  }
  read().catch(() => {})
  return { text: () => text, stop: () => over.abort() }
}

t.test('what is asked of a call reaches it over any instance', async (t) => {
  const events = listen(`${second.url}/v1/events`)
  t.teardown(() => events.stop())
  const held = await dial('hold', impatient(answers(presses(() => true))))
  const waits = await dial('wait', answers())
  for (const { id } of [held, waits])
    await waitFor(async () => (await second.api('GET', `/v1/calls/${id}`)).state === 'up')
  await second.api('POST', `/v1/calls/${held.id}/tasks/desk`, { status: 'done', result: { text: 'Monday' } })
  t.match(await ended(held.id), seen)
  await waitFor(() => events.text().includes('call.ended') && events.text().includes(held.id), { what: 'the event' })
  await second.api('DELETE', `/v1/calls/${waits.id}`)
  t.match(await ended(waits.id), { disposition: 'cancelled', hangup_by: 'operator' })
  await t.rejects(second.api('DELETE', `/v1/calls/${waits.id}`), { message: /409/ })
})

t.test('an instance is killed and not started again: the other has its calls within ten seconds', async (t) => {
  let killed = false
  const subjects = await callsOfTheFirst(() => killed)
  await system.service.end('SIGKILL')
  const died = Date.now()
  killed = true
  // Nobody holds the call now: the result is kept for whoever will.
  await second.api('POST', `/v1/calls/${subjects.held.id}/tasks/desk`, { status: 'done', result: { text: 'Thursday' } })
  await waitFor(async () => (await taken()) === 3, { what: 'the takeover' })
  t.ok(Date.now() - died < 10_000, `taken over ${Date.now() - died} ms after the death`)
  // The dead one comes back in the middle of it, and has nothing to do with these.
  await system.service.start()
  for (const [name, { id, call }] of Object.entries(subjects)) {
    t.match(await ended(id), seen, name)
    t.equal((await call()).endedBy, 'far')
  }
})

t.test(
  'an instance sleeps for longer than its lease: the other has its calls, and it starts over when it wakes',
  async (t) => {
    const before = await taken()
    let awake = false
    const subjects = await callsOfTheFirst(() => awake)
    const { pid } = system.service
    process.kill(pid!, 'SIGSTOP')
    await waitFor(async () => (await taken()) === before + 3, { what: 'the takeover' })
    process.kill(pid!, 'SIGCONT')
    awake = true
    await second.api('POST', `/v1/calls/${subjects.held.id}/tasks/desk`, { status: 'done', result: { text: 'Friday' } })
    for (const [name, { id, call }] of Object.entries(subjects)) {
      t.match(await ended(id), seen, name)
      t.equal((await call()).endedBy, 'far')
    }
    await waitFor(() => /start over/.test(system.service.log()), { what: 'the woken one to notice' })
    await system.service.ready()
    t.equal(system.service.pid, pid, 'in the same process')
    const next = await dial(
      'wait',
      impatient(
        answers(async (call) => {
          await call.heard(1)
          await call.press('1')
        }),
      ),
    )
    t.match(await ended(next.id), seen, 'and dials again')
    const dialogs = await exchange.dialogs()
    t.equal(new Set(dialogs.map(({ to }) => to)).size, dialogs.length, 'nobody was dialled twice')
  },
)

t.test('an instance that is told to hurry hands its calls to the other one, and ends with 0', async (t) => {
  const before = await taken()
  let gone = false
  const subjects = await callsOfTheFirst(() => gone)
  process.kill(system.service.pid!, 'SIGTERM')
  await waitFor(() => /no new call/.test(system.service.log()), { what: 'the first signal' })
  t.equal(await system.service.end('SIGTERM'), 0)
  gone = true
  await waitFor(async () => (await taken()) === before + 3, { what: 'the takeover', timeout: 3_000 })
  await second.api('POST', `/v1/calls/${subjects.held.id}/tasks/desk`, { status: 'done', result: { text: 'Sunday' } })
  for (const [name, { id, call }] of Object.entries(subjects)) {
    t.match(await ended(id), seen, name)
    t.equal((await call()).endedBy, 'far')
  }
})
