/**
 * One process a name (F11). A start that finds its own name leased waits until the lease has run out, takes it at once
 * when its holder was a process of this very host and boot that is gone, and is refused when the lease is renewed
 * meanwhile: two processes under one name would end each other's calls.
 */
import { randomUUID } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Clock } from '../call/ports.ts'
import { isAlive, type ProcessRef, processRef } from '../embedded/process.ts'
import type { Say } from '../embedded/tools.ts'
import { ApelError } from '../errors.ts'
import type { Db } from '../store/db.ts'
import { dropLease, LEASE, nextEpoch, takeLease } from '../store/instance.ts'

interface Holder {
  token: string
  host: string
  /** Of the processes that it sees: two containers may have one host's name, and each its own processes. */
  space: string
  process: ProcessRef | null
}

export interface Lease {
  /** Counted from 1, one more at each start. */
  epoch: number
  /** What the lease says of us. */
  holder: string
  /** Null when it is ours for another six seconds, else why it is another's for good. */
  renew(): Promise<string | null>
  release(): Promise<void>
}

const LOOK = 200
/** ms beyond the lease that a start waits. */
const GRACE = 2_000

/** Rejects with `instance_taken` when another process runs under this name. Who holds it already as this `holder` has it at once. */
export async function takeName(
  db: Db,
  instance: string,
  clock: Clock,
  say: Say,
  holder = holderOfNames(),
): Promise<Lease> {
  let found = await takeLease(db, instance, holder, holder)
  const until = clock.now() + LEASE + GRACE
  let lowest = Number.POSITIVE_INFINITY
  if (found !== null && !gone(found.held))
    say(`The name ${instance} is still leased; waiting until the lease runs out.`)
  while (found !== null) {
    if (found.left > lowest + LOOK || clock.now() > until)
      throw new ApelError(
        'instance_taken',
        `Another process runs under the name ${instance}${whereabouts(found.held)}. Give this one another \`instance\` in apel.yaml, or stop the other.`,
        { instance },
      )
    lowest = Math.min(lowest, found.left)
    const expected = gone(found.held) ? found.held : holder
    if (expected === holder) await new Promise<void>((resolve) => clock.setTimeout(resolve, LOOK))
    found = await takeLease(db, instance, holder, expected)
  }
  const epoch = await nextEpoch(db, instance)
  return {
    epoch,
    holder,
    async renew() {
      const other = await takeLease(db, instance, holder, holder, epoch)
      if (other === null) return null
      if (other.held === '') return 'the calls of this process were taken over by another instance'
      return `another process has taken over the name ${instance}${whereabouts(other.held)}`
    },
    release: () => dropLease(db, instance, holder),
  }
}

/** What a lease says of this process; another one each time. */
export function holderOfNames(): string {
  const holder: Holder = { token: randomUUID(), ...here(), process: processRef(process.pid) }
  return JSON.stringify(holder)
}

/** Was the holder of a lease a process of this host, in this boot, that is no more? The birth of a process names the boot. */
export function gone(held: string): boolean {
  const { host, space, process: holder } = JSON.parse(held) as Partial<Holder>
  const boot = processRef(process.pid)?.born.split(':')[0]
  if (host !== here().host || space !== here().space || !holder) return false
  return holder.born.split(':')[0] === boot && !isAlive(holder) && !hidden(holder.pid)
}

function here(): Pick<Holder, 'host' | 'space'> {
  let space = ''
  try {
    space = readlinkSync('/proc/self/ns/pid')
  } catch {
    // Not told here: all are in one then.
  }
  return { host: hostname(), space }
}

/** A host may show each user no more than their own processes (`hidepid` of /proc). */
function hidden(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return false
}

function whereabouts(held: string): string {
  const { host, process } = JSON.parse(held) as Holder
  return ` (on ${host}${process === null ? '' : `, process ${process.pid}`})`
}
