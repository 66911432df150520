/** A Redis as a user's own beside the service: on a TCP port, with its file, to be killed and brought back by a test. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import { promisify } from 'node:util'
import { freePort } from '../../src/phones/ports.ts'
import { tool } from '../../src/phones/sipp.ts'
import { waitFor } from './wait.ts'

const runFile = promisify(execFile)

export interface OwnRedis {
  url: string
  port: number
  folder: string
  start(): Promise<void>
  /** Without a farewell, unless another signal is named. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Stops it where it stands, or lets it go on. */
  freeze(on: boolean): void
  /** Its disk is full: no file may grow beyond so many bytes. Null: it has room again. */
  room(bytes: number | null): Promise<void>
}

/** Starts it; `start` after `kill` brings it back on the same port and files. */
export async function startOwnRedis(folder: string): Promise<OwnRedis> {
  mkdirSync(folder, { recursive: true })
  const port = await freePort('tcp')
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'yes']
  let child: ReturnType<typeof spawn> | null = null
  process.once('exit', () => child?.kill('SIGKILL'))
  const own: OwnRedis = {
    url: `redis://127.0.0.1:${port}/0`,
    ...{ port, folder },
    async start() {
      // A write beyond the room that it has is an error then, as on a full disk, and no signal that ends it.
      const sh = ['-c', 'trap "" XFSZ; exec "$0" "$@"', tool('redis-server')]
      child = spawn('sh', [...sh, ...args, '--maxmemory-policy', 'noeviction'], { stdio: 'ignore' })
      await waitFor(() => answers(port), { what: 'Redis' })
    },
    async kill(signal = 'SIGKILL') {
      if (!child || child.exitCode !== null || child.signalCode !== null) return
      child.kill(signal)
      await once(child, 'exit')
    },
    freeze: (on) => void child?.kill(on ? 'SIGSTOP' : 'SIGCONT'),
    async room(bytes) {
      const size = bytes === null ? 'unlimited' : String(bytes)
      await runFile('prlimit', ['--pid', String(child?.pid), `--fsize=${size}:unlimited`])
    },
  }
  await own.start()
  return own
}

/** It says PONG, and LOADING while it still reads its file. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const link = connect(port, '127.0.0.1', () => link.write('PING\r\n'))
    link.once('data', (bytes) => {
      link.destroy()
      resolve(bytes.toString().startsWith('+PONG'))
    })
    link.once('error', () => resolve(false))
  })
}
