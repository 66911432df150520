/** `apel serve` at a Redis that is not there yet, and at one that it may not use. */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import t from 'tap'
import { stringify } from 'yaml'
import { freePort } from '../../src/phones/ports.ts'
import { runCommand } from '../support/command.ts'
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
  const loaded = async () => {
    const { body } = await get('/health/ready')
    return (body.ledger as { loaded: boolean }).loaded && (body.redis as { writable: boolean }).writable
  }
  await waitFor(loaded, { timeout: 20_000, what: 'the ledger' })
  t.equal((await get('/v1/calls')).status, 200)
  t.equal(await service.end('SIGTERM'), 0)
})

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
