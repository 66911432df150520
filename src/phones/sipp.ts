/**
 * SIPp as a child process in the foreground (its `-bg` dies under load), in UTC, with its log of messages. It is stopped
 * by its own pid, and by our exit.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { defaultCacheDir } from '../embedded/tools.ts'
import { freePort } from './ports.ts'

export interface Sipp {
  port: number
  pid: number
  /** Settles with the exit code when it has ended: 0 when its calls went as the scenario has it. */
  ended: Promise<number | null>
  stop(): Promise<void>
}

const children = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** What the set-up has put into the cache, wrappers and all. */
export function tool(name: string): string {
  return join(defaultCacheDir(), 'bin', name)
}

/**
 * Starts SIPp on 127.0.0.1, on a free port unless one is given. `log` gets every message, unless that is not wanted; errors
 * go to `log`.errors.
 */
export async function startSipp(
  scenario: string,
  log: string,
  args: string[],
  given: { port?: number; messages?: boolean } = {},
): Promise<Sipp> {
  const port = given.port ?? (await freePort('udp'))
  const messages = (given.messages ?? true) ? ['-trace_msg', '-message_file', log] : []
  const files = [...messages, '-trace_err', '-error_file', `${log}.errors`]
  // Its watchdog ends it on a machine that is busy for long.
  const patient = ['-watchdog_minor_threshold', '600000', '-watchdog_major_threshold', '600000']
  const common = ['-sf', scenario, '-i', '127.0.0.1', '-p', String(port), '-nostdin', ...files, ...patient]
  const env = { ...process.env, TZ: 'UTC', TERM: 'dumb' }
  return handle(spawn(tool('sipp'), [...common, ...args], { stdio: 'ignore', env }), port)
}

/** Waits until SIPp takes packets. */
export async function sippOpen(sipp: Sipp, log: string): Promise<void> {
  const entry = new RegExp(`0100007F:${sipp.port.toString(16).toUpperCase().padStart(4, '0')} `)
  let over = false
  void sipp.ended.then(() => {
    over = true
  })
  for (const end = Date.now() + 10_000; Date.now() < end && !over; await sleep(10)) {
    if (entry.test(readFileSync('/proc/net/udp', 'utf8'))) return
  }
  await sipp.stop()
  throw new Error(`SIPp did not start: ${complaint(`${log}.errors`)} Is it set up (make setup)?`)
}

function handle(child: ChildProcess, port: number): Sipp {
  children.add(child)
  const ended = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null))
    child.once('exit', (code) => resolve(code))
  }).finally(() => children.delete(child))
  return {
    port,
    pid: child.pid ?? 0,
    ended,
    async stop() {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      const hard = setTimeout(() => child.kill('SIGKILL'), 3000)
      await ended
      clearTimeout(hard)
    },
  }
}

function complaint(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim().slice(-300)
  } catch {
    return ''
  }
}
