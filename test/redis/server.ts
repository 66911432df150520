/** A Redis of the test's own: on a socket in a folder that goes away with it, with an append-only file. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { connect, type Purpose, type RedisPlace } from '../../src/store/connect.ts'
import { openStore, type Store } from '../../src/store/store.ts'

export interface TestRedis {
  place: RedisPlace
  /** A connection that is closed with the server. */
  another(purpose: Purpose): Promise<Redis>
  store(now?: () => number): Promise<Store>
  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
  /** After `kill`: the same files, the same socket. */
  restart(): Promise<void>
  close(): Promise<void>
}

const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')

export async function startTestRedis(): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'apel-r-'))
  const place: RedisPlace = { kind: 'socket', path: join(folder, 's') }
  const open: Redis[] = []
  let child = run(folder)
  await answering(place, child)
  const another = async (purpose: Purpose): Promise<Redis> => {
    const redis = await connect(place, purpose)
    open.push(redis)
    return redis
  }
  return {
    place,
    another,
    store: async (now = () => Date.now()) => openStore(await another('ledger'), now),
    kill: (signal) => void child.kill(signal),
    async restart() {
      await ended(child)
      child = run(folder)
      await answering(place, child)
    },
    async close() {
      for (const redis of open) redis.disconnect()
      child.kill('SIGCONT')
      child.kill('SIGTERM')
      await ended(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function run(folder: string): ChildProcess {
  const settings = {
    port: '0',
    unixsocket: join(folder, 's'),
    dir: folder,
    appendonly: 'yes',
    appendfsync: 'always',
    save: '',
    'maxmemory-policy': 'noeviction',
  }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  return spawn(join(cache, 'apel/bin/redis-server'), args, { stdio: 'ignore' })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  await new Promise((resolve) => child.once('exit', resolve))
}

async function answering(place: RedisPlace, child: ChildProcess): Promise<void> {
  for (;;) {
    try {
      const redis = await connect(place, 'ledger')
      await redis.ping()
      redis.disconnect()
      return
    } catch (error) {
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}: run \`make setup\``)
      if (!/cannot be reached|LOADING/.test((error as Error).message)) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
