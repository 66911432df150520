/** The ledger behind Sentinel: a real master, a real replica and a real sentinel; the master is killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { freePort } from '../../src/phones/ports.ts'
import { tool } from '../../src/phones/sipp.ts'
import { connect, type RedisPlace } from '../../src/store/connect.ts'
import { openStore } from '../../src/store/store.ts'
import { waitFor } from '../support/wait.ts'

t.setTimeout(60_000)

const folder = mkdtempSync(join(tmpdir(), 'apel-sentinel-'))
const running: ChildProcess[] = []
t.teardown(() => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

const HERE = '127.0.0.1'
const server = async (name: string, ...more: string[]) => {
  const port = await freePort('tcp')
  const dir = join(folder, name)
  mkdirSync(dir)
  const args = ['--port', `${port}`, '--bind', HERE, '--dir', dir, '--save', '', '--appendonly', 'yes', ...more]
  const child = spawn(tool('redis-server'), [...args, '--maxmemory-policy', 'noeviction'], { stdio: 'ignore' })
  running.push(child)
  const place: RedisPlace = { kind: 'url', url: `redis://${HERE}:${port}/0` }
  const redis = await waitFor(() => connect(place, 'ledger'), { what: name })
  t.teardown(() => redis.disconnect())
  return { port, child, redis }
}

t.test(
  'the master is killed: the ledger is written again at the one that takes its place, with all it had',
  async (t) => {
    const master = await server('master')
    const replica = await server('replica', '--replicaof', HERE, String(master.port))
    await waitFor(async () => /master_link_status:up/.test(await replica.redis.info('replication')), {
      what: 'the replica',
    })
    const port = await freePort('tcp')
    const config = join(folder, 'sentinel.conf')
    const watch = [
      `monitor apel ${HERE} ${master.port} 1`,
      'down-after-milliseconds apel 500',
      'failover-timeout apel 3000',
    ]
    writeFileSync(config, [`port ${port}`, `bind ${HERE}`, ...watch.map((line) => `sentinel ${line}`)].join('\n'))
    running.push(spawn(tool('redis-server'), [config, '--sentinel'], { stdio: 'ignore' }))
    const place: RedisPlace = { kind: 'sentinels', sentinels: [{ host: HERE, port }], name: 'apel' }
    const ledger = await waitFor(() => connect(place, 'ledger'), { what: 'the way by the sentinel' })
    t.teardown(() => ledger.disconnect())
    const store = openStore(ledger, () => Date.now())
    t.equal(await store.writable(), null)
    await store.dnc.add({ number: '+40711111111', campaign: null, reason: null, at: 1 })
    await waitFor(async () => (await replica.redis.exists('apel:dnc')) === 1, { what: 'the replica to have it' })
    // The sentinel finds the replicas of its master by itself, every ten seconds.
    const sentinel = await connect({ kind: 'url', url: `redis://${HERE}:${port}` }, 'bell')
    t.teardown(() => sentinel.disconnect())
    await waitFor(async () => ((await sentinel.call('SENTINEL', 'replicas', 'apel')) as unknown[]).length === 1, {
      what: 'the sentinel to know the replica',
      timeout: 20_000,
    })
    master.child.kill('SIGKILL')
    const died = Date.now()
    await waitFor(async () => (await store.writable()) !== null, { what: 'the loss to be seen' })
    await waitFor(async () => (await store.writable()) === null, { what: 'the fail-over', timeout: 30_000, every: 100 })
    t.comment(`written again ${Date.now() - died} ms after the death`)
    t.match(await store.dnc.get('+40711111111', null), { number: '+40711111111' })
  },
)
