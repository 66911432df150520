/**
 * Servers that outlive us. An embedded server is started detached, with its output in a file, so that it survives the
 * death of the service; the next start finds it by a small file that names its pid and the moment it was born. The
 * birth matters: after a reboot the same pid is somebody else, who must never be stopped.
 */
import { spawn } from 'node:child_process'
import {
  closeSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApelError } from '../errors.ts'

/** A process, told apart from a later one with the same number. */
export interface ProcessRef {
  pid: number
  /** Ticks since boot, field 22 of `/proc/PID/stat`, with the boot's id before it. */
  born: string
}

/** The reference of a living process, null when there is none (a zombie is none). */
export function processRef(pid: number): ProcessRef | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in brackets and may hold spaces and brackets itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return null
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return { pid, born: `${boot}:${fields[19]}` }
  } catch {
    return null
  }
}

export function isAlive(ref: ProcessRef): boolean {
  return processRef(ref.pid)?.born === ref.born
}

/** Starts a program in a session of its own, output appended to `output`; resolves once it runs, rejects when it cannot be started. */
export async function startDetached(program: string, args: string[], output: string): Promise<ProcessRef> {
  const out = openSync(output, 'a', 0o600)
  try {
    const child = spawn(program, args, { detached: true, stdio: ['ignore', out, out], cwd: '/' })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    child.unref()
    const ref = child.pid === undefined ? null : processRef(child.pid)
    if (!ref) {
      throw new ApelError('embedded_start', `${program} ended at once; what it said is in ${output}.`, {
        program,
        output,
      })
    }
    return ref
  } finally {
    closeSync(out)
  }
}

/** Waits until the process is gone: asked by SIGTERM first, by SIGKILL when `patience` ms have passed. */
export async function stopProcess(ref: ProcessRef, patience: number, asked = false): Promise<void> {
  const signal = (name: NodeJS.Signals) => {
    try {
      if (isAlive(ref)) process.kill(ref.pid, name)
    } catch {
      // gone between the look and the signal
    }
  }
  if (!asked) signal('SIGTERM')
  if (await goneWithin(ref, patience)) return
  signal(asked ? 'SIGTERM' : 'SIGKILL')
  if (await goneWithin(ref, 3000)) return
  signal('SIGKILL')
  await goneWithin(ref, 3000)
}

async function goneWithin(ref: ProcessRef, ms: number): Promise<boolean> {
  const end = performance.now() + ms
  while (isAlive(ref)) {
    if (performance.now() > end) return false
    await sleep(50)
  }
  return true
}

/** Writes a file whole or not at all, readable by its owner alone. */
export function writeWhole(path: string, text: string): void {
  const draft = `${path}.${process.pid}.new`
  writeFileSync(draft, text, { mode: 0o600 })
  renameSync(draft, path)
}

/**
 * Runs `work` while no other process does so for the same folder: two services that start at once on one data folder
 * would otherwise each start a server on the same files. The lock is a symbolic link, which is made together with what
 * it says; one left behind by a dead process is taken over.
 */
export async function alone<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const path = `${folder}/starting.lock`
  const me = processRef(process.pid)
  const end = performance.now() + 60_000
  while (!takeLock(path, `${me?.pid}@${me?.born}`)) {
    if (performance.now() > end) {
      throw new ApelError(
        'embedded_start',
        `Another service has been starting in ${folder} for a minute. Give each service its own data_dir.`,
        { folder },
      )
    }
    await sleep(100)
  }
  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}

function takeLock(path: string, mine: string): boolean {
  try {
    symlinkSync(mine, path)
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
  }
  try {
    const [pid = '', born = ''] = readlinkSync(path).split('@')
    if (!isAlive({ pid: Number(pid), born })) rmSync(path, { force: true })
  } catch {
    // released meanwhile
  }
  return false
}

/** Reads a reference back from a file that holds one as JSON; null when there is none or it is damaged. */
export function readRef(path: string): ProcessRef | null {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof value !== 'object' || value === null) return null
    const { pid, born } = value as Record<string, unknown>
    return typeof pid === 'number' && typeof born === 'string' ? { pid, born } : null
  } catch {
    return null
  }
}
