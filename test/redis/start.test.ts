/** `apel serve` at a Redis that is not there yet, and at one that it may not use. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createGate, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import t from 'tap'
import { stringify } from 'yaml'
import { freePort } from '../../src/phones/ports.ts'
import { MAIN, runCommand } from '../support/command.ts'
import { startOwnRedis } from '../support/own-redis.ts'
import { ServiceProcess } from '../support/service-process.ts'
import { waitFor } from '../support/wait.ts'

t.setTimeout(90_000)

const folder = mkdtempSync(join(tmpdir(), 'apel-start-'))
const redis = await startOwnRedis(join(folder, 'redis'))
t.teardown(async () => {
  await redis.kill()
  rmSync(folder, { recursive: true, force: true })
})
const port = await freePort('tcp')
const nowhere = await freePort('tcp')
const config = join(folder, 'apel.yaml')
const write = (place: Record<string, unknown>) =>
  writeFileSync(
    config,
    stringify({
      ...{ instance: 'early', data_dir: join(folder, 'data'), flows: join(folder, 'flows'), redis: place },
      asterisk: [{ name: 'pbx', url: `http://127.0.0.1:${nowhere}`, username: 'a', password: 'b', trunks: [] }],
      api: { host: '127.0.0.1', port },
    }),
  )
const service = new ServiceProcess({ url: `http://127.0.0.1:${port}`, config, log: join(folder, 'service.log') })
const get = async (path: string) => {
  const answer = await fetch(service.url + path)
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

const loaded = async () => {
  const { body } = await get('/health/ready')
  return (body.ledger as { loaded: boolean }).loaded && (body.redis as { writable: boolean }).writable
}

for (const [what, place] of [
  ['a Redis', () => ({ url: redis.url })],
  ['sentinels', () => ({ sentinels: [`127.0.0.1:${nowhere}`], name: 'mymaster' })],
] as const)
  t.test(`${what} out of reach is waited for: alive, not ready, and it says why; asked to end, it ends`, async (t) => {
    await redis.kill()
    write(place())
    await service.start({ ready: false })
    const live = await waitFor(() => get('/health/live'), { what: 'a sign of life' })
    t.same(live, { status: 200, body: { live: true } })
    t.match(await get('/health/ready'), {
      status: 503,
      body: { ready: false, redis: { reason: /cannot be reached at/ } },
    })
    t.match(await get('/v1/calls'), { status: 503, body: { code: 'unavailable', message: /cannot be reached at/ } })
    t.match(service.log(), /cannot be reached at .* It is tried again until it is there/)
    t.equal(await service.end('SIGTERM', 5000), 0)
  })

t.test('when it comes the service starts', async (t) => {
  await redis.kill()
  write({ url: redis.url })
  await service.start({ ready: false })
  await waitFor(() => get('/health/live'), { what: 'a sign of life' })
  await redis.start()
  await waitFor(loaded, { timeout: 20_000, what: 'the ledger' })
  t.equal((await get('/v1/calls')).status, 200)
  t.equal(await service.end('SIGTERM'), 0)
})

/** A way to Redis that ends for all, and is closed to all, where `ends` says so of what somebody sends. */
async function fragileWay() {
  const open = new Set<Socket>()
  let ends: ((text: string, connection: number) => 'cut' | 'mute' | null) | null = null
  let connections = 0
  let closed = false
  const server = createGate((client) => {
    connections += 1
    const connection = connections
    const far = connect(redis.port, '127.0.0.1')
    let muted = false
    client.on('data', (bytes) => {
      const end = ends?.(bytes.toString(), connection) ?? null
      if (end !== null) closed = true
      muted ||= end === 'mute'
      if (end === 'cut') for (const each of open) each.destroy()
      else if (!muted) far.write(bytes)
    })
    far.on('data', (bytes) => client.write(bytes))
    for (const [one, other] of [[client, far] as const, [far, client] as const]) {
      open.add(one)
      one.on('error', () => undefined).on('close', () => other.destroy())
    }
    if (closed) client.destroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}/0`,
    end(where: NonNullable<typeof ends>) {
      connections = 0
      ends = where
    },
    ended: () => closed,
    mend() {
      ends = null
      closed = false
    },
    stop: () => server.close(),
  }
}

t.test(
  'one that goes away in the middle of the start has it begin anew: alive, not ready, until it is there',
  async (t) => {
    const way = await fragileWay()
    t.teardown(() => way.stop())
    write({ url: way.url })
    for (const [where, ends] of [
      ['at the second connection', (_, connection) => (connection > 1 ? 'cut' : null)],
      ['when it is to listen', (text) => (text.includes('subscribe') ? 'cut' : null)],
      ['and does not answer who is to listen', (text) => (text.includes('subscribe') ? 'mute' : null)],
      ['when the name is leased', (text) => (text.includes('lease') ? 'cut' : null)],
      ['when calls are taken up again', (text) => (text.includes('"from":"early"') ? 'cut' : null)],
      ['when the queue is opened', (text) => (text.includes('apel:queue') ? 'cut' : null)],
    ] as [string, Parameters<typeof way.end>[0]][]) {
      way.end(ends)
      await service.start({ ready: false })
      await waitFor(() => way.ended(), { what: where })
      t.same(await waitFor(() => get('/health/live'), { what: 'a sign of life' }), {
        status: 200,
        body: { live: true },
      })
      // What has just been heard of Redis may be told for one beat more.
      const said = async () => {
        const { status, body } = await get('/health/ready')
        return status === 503 && /Redis/.test(String((body.redis as { reason: string | null }).reason))
      }
      await waitFor(said, { what: `not ready, ${where}` })
      way.mend()
      const loaded = async () => ((await get('/health/ready')).body.ledger as { loaded: boolean }).loaded
      const answers = async () => (await loaded()) && (await get('/v1/calls')).status === 200
      await waitFor(answers, { timeout: 20_000, what: `the ledger, lost ${where}` })
      t.equal(await service.end('SIGTERM'), 0)
    }
  },
)

t.test('one that refuses the password or the database, or is no Redis, is an error at once', async (t) => {
  const direct = new Redis(redis.url)
  await direct.config('SET', 'requirepass', 'right')
  t.teardown(async () => {
    await direct.config('SET', 'requirepass', '')
    direct.disconnect()
  })
  const web = createServer((_, response) => response.end()).listen(0, '127.0.0.1')
  await once(web, 'listening')
  t.teardown(() => web.close())
  for (const [url, told] of [
    [`redis://:wrong-one@127.0.0.1:${redis.port}/0`, /WRONGPASS/],
    [`redis://127.0.0.1:${redis.port}/0`, /NOAUTH/],
    [`redis://:right@127.0.0.1:${redis.port}/99`, /DB index is out of range/],
    [`redis://127.0.0.1:${(web.address() as AddressInfo).port}/0`, /RESP type/],
  ] as const) {
    write({ url })
    const { code, stderr } = await runCommand(['serve', '-c', config], { timeout: 10_000 })
    t.ok(code, url)
    t.match(stderr, told)
    t.match(stderr, /cannot be used as configured/)
    t.notMatch(stderr, /wrong-one/)
  }
})

for (const [what, full] of [
  ['is on a full disk', true],
  ['has lost its reader', false],
] as const)
  t.test(`a service whose log ${what} goes on, and ends in order`, async (t) => {
    write({ url: redis.url })
    const log = full ? openSync('/dev/full', 'w') : 'pipe'
    const child = spawn(process.execPath, [MAIN, 'serve', '-c', config], { stdio: ['ignore', 'ignore', log] })
    const exit = once(child, 'exit')
    t.teardown(() => child.kill('SIGKILL'))
    if (typeof log === 'number') closeSync(log)
    const answered = async () => (await get('/v1/calls')).status === 200
    await waitFor(answered, { timeout: 20_000, what: 'the API' })
    child.stderr?.destroy()
    await waitFor(answered, { what: 'the API' })
    // A reload tells people and writes lines.
    child.kill('SIGHUP')
    t.equal((await fetch(`${service.url}/v1/reload`, { method: 'POST' })).status, 200)
    t.ok(await answered())
    child.kill('SIGTERM')
    t.same(await exit, [0, null])
  })
