/**
 * Asterisk, Redis and the service itself are each taken away and brought back while calls are on. Asterisk and Redis run
 * here as a user's own, beside the service, so that the test decides about their lives.
 */
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { type EmbeddedAsterisk, startAsterisk } from '../../src/embedded/asterisk.ts'
import { isAlive, processRef } from '../../src/embedded/process.ts'
import { ensureTools } from '../../src/embedded/tools.ts'
import { answers, neverAnswers, presses } from '../../src/phones/behaviours.ts'
import { freePort, freeRange } from '../../src/phones/ports.ts'
import { type OwnRedis, startOwnRedis } from '../support/own-redis.ts'
import { startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

t.setTimeout(200_000)

const talk = `
flow: talk
language: en
voice: { name: en-gb, rate: 190 }
vars: { answer: {} }
defaults: { timeout: 2s }
start: look_up
steps:
  look_up: { hold: "One minute, please.", task: { external: desk }, save: answer, on: { done: ask, failed: ask } }
  ask: { menu: "To end, press 1.", options: { "1": { say: "Goodbye.", outcome: ended, goto: hangup } } }
`
const tools = await ensureTools(['asterisk', 'redis', 'sipp', 'speech'], () => {})
const say = () => {}
const ports = { sip: await freePort('udp'), http: await freePort('tcp'), rtp: await freeRange('udp', 100) }
const password = randomBytes(12).toString('hex')
let asterisk: EmbeddedAsterisk
let redis: OwnRedis
let bringAsterisk: () => Promise<EmbeddedAsterisk>

const system = await startSystem({
  flows: { talk },
  config: async ({ folder, exchange }) => {
    bringAsterisk = () =>
      startAsterisk({
        ...{ dataDir: join(folder, 'own'), name: 'own', sipPort: ports.sip, httpPort: ports.http, rtp: ports.rtp },
        ...{ peers: { carrier: exchange.uri }, ariUser: 'apel', ariPassword: password, tools, say },
      })
    exchange.asterisk = ports.sip
    asterisk = await bringAsterisk()
    redis = await startOwnRedis(join(folder, 'redis'))
    const trunk = { name: 'carrier', endpoint: 'PJSIP/{number}@carrier', caller_ids: ['+40311234567'] }
    const { url, soundsDir } = asterisk
    const node = { name: 'own', url, username: 'apel', password, sounds: { shared: soundsDir }, trunks: [trunk] }
    return { redis: { url: redis.url }, asterisk: [node] }
  },
})
t.teardown(async () => {
  await system.service.end()
  await asterisk.stop()
  await redis.kill('SIGTERM')
  await system.stop()
  await rm(system.folder, { recursive: true, force: true })
})
const { exchange } = system
const dial = async (to: string): Promise<string> => (await system.api('POST', '/v1/calls', { to, flow: 'talk' })).id
const finish = (id: string) => system.api('POST', `/v1/calls/${id}/tasks/desk`, { status: 'done', result: {} })

async function kill(pid: number): Promise<void> {
  const ref = processRef(pid)
  process.kill(pid, 'SIGKILL')
  await waitFor(() => !ref || !isAlive(ref), { what: `the end of ${pid}` })
}

t.test('Redis is killed and comes back with its file: the call goes on and its record is whole', async (t) => {
  const phone = exchange.phone(
    '+40723000001',
    answers(async (call) => {
      // The key is pressed when the question has begun, after the music.
      await call.until('the question', () => finished)
      await call.after(2500)
      await call.press('1')
    }),
  )
  let finished = false
  const id = await dial('+40723000001')
  const call = await phone.call()
  await call.until('the music', () => call.ear.packets > 100)
  await redis.kill()
  await waitFor(async () => (await fetch(`${system.url}/health/ready`)).status === 503, { what: 'not ready' })
  await redis.start()
  await system.service.ready()
  t.equal(call.endedAt, null, 'nobody was cut off')
  await finish(id)
  finished = true
  t.match(await system.ended(id), { disposition: 'completed', outcome: 'ended', hangup_by: 'flow' })
  t.equal((await exchange.dialogs()).filter(({ to }) => to === '+40723000001').length, 1)
})

t.test(
  'Asterisk is killed and comes back: answered calls are technical, ringing ones unknown, the next one goes through',
  async (t) => {
    const phones = [exchange.phone('+40723000002', answers()), exchange.phone('+40723000003', neverAnswers)] as const
    const answered = await dial('+40723000002')
    const ringing = await dial('+40723000003')
    const [first] = await Promise.all([phones[0].call(), phones[1].call()])
    await first.until('the answer', () => first.answeredAt !== null)
    await waitFor(async () => (await system.api('GET', `/v1/calls/${answered}`)).state === 'up')
    await kill(asterisk.pid)
    const died = Date.now()
    asterisk = await bringAsterisk()
    await system.service.ready()
    t.ok(Date.now() - died < 25_000, `ready again ${Date.now() - died} ms after the death`)
    t.match(await system.ended(answered), { disposition: 'technical', hangup_by: 'network' })
    t.match(await system.ended(ringing), { disposition: 'unknown' })
    exchange.phone('+40723000004', presses('1', 8000))
    const next = await dial('+40723000004')
    await waitFor(async () => (await system.api('GET', `/v1/calls/${next}`)).state === 'up')
    await finish(next)
    t.match(await system.ended(next), { disposition: 'completed' })
    for (const to of ['+40723000002', '+40723000003', '+40723000004']) {
      t.equal((await exchange.dialogs()).filter((dialog) => dialog.to === to).length, 1, `${to} was dialled once`)
    }
  },
)

t.test(
  'the service and Asterisk are killed together: who had answered is technical, of the others nobody knows',
  async (t) => {
    const phones = [exchange.phone('+40723000006', answers()), exchange.phone('+40723000007', neverAnswers)] as const
    const answered = await dial('+40723000006')
    const ringing = await dial('+40723000007')
    await phones[0].call()
    await waitFor(async () => (await system.api('GET', `/v1/calls/${answered}`)).state === 'up')
    await waitFor(async () => (await system.api('GET', `/v1/calls/${ringing}`)).state === 'ringing')
    await system.service.end('SIGKILL')
    await kill(asterisk.pid)
    asterisk = await bringAsterisk()
    await system.service.start()
    t.match(await system.ended(answered), { disposition: 'technical', hangup_by: 'network' })
    t.match(await system.ended(ringing), { disposition: 'unknown' })
    for (const phone of phones) t.equal(phone.calls.length, 1, 'nobody is dialled again')
  },
)

t.test('a callback outlives the service, which dials it after its start', async (t) => {
  const phone = exchange.phone('+40723000005', presses('1', 8000))
  const due = new Date(Date.now() + 6000).toISOString()
  const callback = await system.api('POST', '/v1/callbacks', { number: '+40723000005', due_at: due, flow: 'talk' })
  t.equal(await system.service.end('SIGTERM'), 0)
  await waitFor(() => Date.now() > Date.parse(due) + 1000, { what: 'the due time' })
  t.equal(phone.calls.length, 0)
  await system.service.start()
  const call = await phone.call()
  const { items } = await system.api('GET', '/v1/calls?kind=callback&limit=10')
  const record = items.find((item: { number: string }) => item.number === '+40723000005')
  t.match(record, { kind: 'callback', flow: 'talk' })
  await call.until('the answer', () => call.answeredAt !== null)
  await finish(record.id)
  t.match(await system.ended(record.id), { disposition: 'completed', outcome: 'ended' })
  t.match(await system.api('GET', `/v1/callbacks/${callback.id}`), { number: '+40723000005' })
})
