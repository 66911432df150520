/**
 * CPU time by the kernel's own count (`/proc/PID/stat`, user and system, threads that have ended included), and how much of
 * the machine was used by anybody else meanwhile: a figure taken beside other work is no figure.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'

const TICK = 1000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** ms of CPU that the process has used; 0 when it is gone. */
export function cpuOf(pid: number): number {
  const fields = statOf(pid)
  return fields === null ? 0 : (Number(fields[11]) + Number(fields[12])) * TICK
}

/** Bytes of memory that the process has resident; 0 when it is gone. */
export function residentOf(pid: number): number {
  const fields = statOf(pid)
  return fields === null ? 0 : Number(fields[21]) * 4096
}

/** Fields of `/proc/PID/stat` after the name, which may hold blanks. */
function statOf(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}

/** This process and all that came from it, detached servers included when they are named in `others`. */
function family(others: readonly number[]): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const fields = statOf(Number(name))
    if (fields !== null) parents.set(Number(name), Number(fields[1]))
  }
  const ours = new Set([process.pid, ...others])
  for (let grown = true; grown; ) {
    grown = false
    for (const [pid, parent] of parents) {
      if (ours.has(pid) || !ours.has(parent)) continue
      ours.add(pid)
      grown = true
    }
  }
  return [...ours]
}

/** ms of CPU used by the whole machine since its start. */
function machine(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]!
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + system + irq + softirq) * TICK
}

export class Meter {
  readonly #servers: readonly number[]
  readonly #began = performance.now()
  readonly #machine = machine()
  readonly #ours: Map<number, number>
  /** Of children that have ended and were waited for; their CPU is in no file any more. */
  readonly #children: number

  /** `servers`: processes of ours that are not our children. */
  constructor(servers: readonly number[]) {
    this.#servers = servers
    this.#ours = new Map(family(servers).map((pid) => [pid, cpuOf(pid)]))
    this.#children = endedChildren()
  }

  /** The share of the machine, 0 to 1, that was used by others since the beginning. Interrupts served for us count as theirs. */
  others(): number {
    const passed = (performance.now() - this.#began) * cpus().length
    const ours = family(this.#servers).reduce((sum, pid) => sum + cpuOf(pid) - (this.#ours.get(pid) ?? 0), 0)
    const ended = endedChildren() - this.#children
    return Math.max(0, machine() - this.#machine - ours - ended) / passed
  }
}

function endedChildren(): number {
  const fields = statOf(process.pid)
  return fields === null ? 0 : (Number(fields[13]) + Number(fields[14])) * TICK
}
