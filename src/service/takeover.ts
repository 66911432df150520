/**
 * Calls outlive the process that runs them: whoever finds that an instance is gone makes its calls its own in the ledger,
 * registers the dead one's ARI application on a second link (a channel stays in the application that it is in), asks the
 * node what is still there, and goes on with each from its journal. When the last of them has ended that link closes.
 *
 * Our own name's earlier calls are taken at the start, those of others when their lease has been gone for two seconds: eight
 * after its last renewal, two more than it was good for; those of a process of this very host that is seen to be gone, at once.
 */
import type { Redis } from 'ioredis'
import type { NodeTelephony } from '../ari/telephony.ts'
import type { Calls } from '../call/calls.ts'
import type { Clock, LeftLine, Telephony } from '../call/ports.ts'
import type { Dialer } from '../dialer/dialer.ts'
import type { Program } from '../flow/program.ts'
import type { Log } from '../log.ts'
import type { Attempt } from '../store/attempt-record.ts'
import { listen } from '../store/bell.ts'
import { leaseless, type Owner, upFor } from '../store/instance.ts'
import type { Store } from '../store/store.ts'
import { gone as isGone } from './lease.ts'
import { type Left, readLeft } from './left-behind.ts'
import type { ServiceNode } from './nodes.ts'

export interface TakeoverParts {
  store: Store
  dialer: Dialer
  calls: Calls
  nodes: ServiceNode[]
  owner: Owner
  flow(name: string): Program | undefined
  /** Callers who reach a dead one's application. */
  takeInbound(telephony: Telephony): void
  /** Our own lease is fresh, so that others' may be judged. */
  awake(): boolean
  /** Somebody else has taken over what we had taken over. */
  lost(why: string): void
  /** This call goes on here. */
  taken(call: Attempt): void
  clock: Clock
  log: Log
  /** ms that only grow. */
  monotonic?: () => number
}

export interface Takeover {
  /** Goes on with what an earlier process of our own name has left. Settles when it is all in hand. */
  ours(): Promise<void>
  /** Looks after the others from now on; `bell` is a connection that listens. */
  start(bell: Redis): Promise<void>
  /** Whether a lease that is gone says that its instance is. */
  sighted(): Promise<boolean>
  stop(): void
}

const LOOK = 500
/** ms without a lease; see above. */
const PATIENCE = 2_000
/**
 * ms that the others get to renew theirs after we could not see, or Redis was not there: when it comes back, every lease has
 * run out.
 */
const SETTLING = 6_000
const AGAIN = 1_000
/** ms after which the node itself may say that nobody answers. */
const RING_GRACE = 5_000

export function makeTakeover(parts: TakeoverParts): Takeover {
  const { store, nodes, owner, clock, log } = parts
  const monotonic = parts.monotonic ?? (() => performance.now())
  const missing = new Map<string, number>()
  let timer: unknown = null
  let unlisten = (): void => {}
  let stopped = false
  let blind: number | null = null

  async function take(instance: string, on: string[] | null): Promise<void> {
    const attempts = await store.attempts.claim(instance, owner, on)
    if (attempts.length === 0) return
    log.warn({ instance, calls: attempts.length }, 'calls of an instance that is gone are taken over')
    const groups = new Map<string, Attempt[]>()
    for (const attempt of attempts) {
      const where = JSON.stringify([attempt.record.node, attempt.app])
      groups.set(where, [...(groups.get(where) ?? []), attempt])
    }
    await Promise.all([...groups.values()].map((group) => untilDone(() => goOn(group, parts))))
  }

  /** They are ours now, and nobody else's: a ledger that is away is waited for. */
  async function untilDone(work: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        log.error({ err: error }, 'what was left behind cannot be read yet; trying on')
      }
      if (stopped) return
      await new Promise<void>((resolve) => clock.setTimeout(resolve, AGAIN))
    }
  }

  async function sighted(): Promise<boolean> {
    if (!parts.awake()) {
      blind = monotonic()
      missing.clear()
      return false
    }
    blind ??= monotonic() - (await upFor(store.db))
    return monotonic() - blind >= SETTLING
  }

  async function look(): Promise<void> {
    const sees = await sighted()
    if (!parts.awake()) return
    const gone = (await leaseless(store.db, isGone)).filter(({ name }) => name !== owner.instance)
    for (const name of missing.keys()) if (!gone.some((each) => each.name === name)) missing.delete(name)
    // An embedded node is its own instance's: another one of that name is another node.
    const ours = nodes.filter(({ config, telephony }) => config.embedded === null && telephony.ready())
    for (const { name, certain } of gone) {
      const since = certain ? Number.NEGATIVE_INFINITY : (missing.get(name) ?? (sees ? monotonic() : null))
      if (since === null) continue
      missing.set(name, since)
      if (monotonic() - since < PATIENCE || ours.length === 0) continue
      const on = ours.map(({ name }) => name)
      take(name, on).catch((error: unknown) =>
        log.warn({ instance: name, err: error }, 'its calls cannot be taken yet'),
      )
    }
  }

  function again(): void {
    timer = clock.setTimeout(async () => {
      await look().catch((error: unknown) => log.debug({ err: error }, 'the other instances cannot be looked at'))
      if (!stopped) again()
    }, LOOK)
  }

  return {
    ours: () => take(owner.instance, null),
    sighted,
    async start(bell) {
      unlisten = await listen(bell, (ring) => {
        if (ring.bell !== 'left') return
        // It has said so itself: there is nothing to wait for.
        missing.set(ring.instance, Number.NEGATIVE_INFINITY)
        void look().catch(() => undefined)
      })
      again()
    },
    stop() {
      stopped = true
      unlisten()
      clock.clearTimeout(timer)
    },
  }
}

/** The calls of one application on one node. Rejects, having begun nothing, when the ledger cannot be read. */
async function goOn(attempts: Attempt[], parts: TakeoverParts): Promise<void> {
  const { nodes, clock, log } = parts
  const [first] = attempts
  const node = nodes.find(({ name }) => name === first!.record.node)
  let linked = (): void => {}
  const whenLinked = new Promise<void>((resolve) => {
    linked = resolve
  })
  const left = await Promise.all(
    attempts.map((attempt) => readLeft(attempt, whenLinked, { ...parts, app: parts.owner.app })),
  )
  if (node === undefined) {
    log.error({ node: first!.record.node }, 'the node of calls that were left behind is not in the configuration')
    for (const { attempt } of left) await end(attempt, null, parts)
    return
  }
  const started = left
    .flatMap((each) => ('taken' in each && each.taken?.begin.line ? [each.taken.begin.line] : []))
    .at(-1)
  const telephony = node.left(first!.app, started?.startup)
  void telephony.caughtUp.then(linked)
  const there = left.filter(({ attempt: { record } }) => record.kind === 'inbound' || record.dialed_at !== null)
  for (const each of there) telephony.hold(each.attempt.record.id, lineOf(each, clock.now()))
  parts.takeInbound(telephony)
  telephony.onChange(({ state, reason }) => state === 'replaced' && parts.lost(reason ?? ''))
  const over = resume(left, telephony, parts)
  void telephony.start()
  const legs = new Set(left.flatMap((each) => (each.kind === 'call' ? legOf(each) : [])))
  const ends = left.filter(({ kind, attempt }) => kind === 'end' || (kind === 'leg' && !legs.has(attempt.record.id)))
  const closed = telephony.caughtUp.then(async () => {
    for (const { attempt } of ends) await end(attempt, telephony, parts)
  })
  void Promise.allSettled([...over, closed]).then(() => closeWhenEmpty(telephony, clock))
}

function resume(left: Left[], telephony: NodeTelephony, { calls, taken }: TakeoverParts): Promise<unknown>[] {
  const linked = telephony.caughtUp
  return left.flatMap((each): Promise<unknown>[] => {
    if (each.kind === 'leg' || each.kind === 'end') return []
    const { program, attempt } = each
    const record = { ...attempt.record, flow_version: program.version }
    const over =
      each.kind === 'call'
        ? calls.resume({ record, program, telephony, taken: each.taken })
        : calls.inbound({ record, program, context: each.context, telephony, left: { linked, taken: each.taken } })
    taken(attempt)
    return [over]
  })
}

/** The second channel that the call itself goes on with. */
function legOf({ attempt, taken: { open } }: Left & { kind: 'call' }): string[] {
  return open.of('dial').length > 0 ? [`${attempt.record.id}.${open.dials}`] : []
}

function lineOf(left: Left, now: number): LeftLine {
  const { record } = left.attempt
  const line = 'taken' in left ? (left.taken?.begin.line ?? null) : null
  const born = record.dialed_at ?? record.queued_at ?? now
  const begun = left.kind === 'call' && left.taken.open.begun
  const ring = line?.ring ?? null
  return {
    direction: record.kind === 'inbound' ? 'inbound' : 'outbound',
    born,
    absolute: line?.absolute ?? null,
    ring: ring === null ? null : Math.max(0, born + ring + RING_GRACE - now),
    amd: (line?.amd ?? false) && !begun,
    ringing: record.ringing_at !== null,
    answered: begun || (record.kind === 'leg' && record.answered_at !== null),
  }
}

/** Nothing is to be had of it but its end. */
async function end(
  { record }: Attempt,
  telephony: NodeTelephony | null,
  { dialer, clock, log }: TakeoverParts,
): Promise<void> {
  if (telephony !== null) {
    const line = telephony.attach(record.id, () => {})
    await Promise.all([
      // Asterisk keeps an empty bridge for ever. A leg's has the leg's name.
      record.kind === 'leg' ? telephony.unbridge(record.id) : undefined,
      line.hangup(),
    ]).catch((error: unknown) =>
      log.warn({ call: record.id, err: error }, 'a channel that was left behind was not ended'),
    )
    line.release()
  }
  const answered = record.answered_at !== null
  const disposition = record.flow === null ? 'blocked' : answered ? 'hangup' : 'unknown'
  await dialer.ledger.finish({ ...record, ended_at: clock.now(), disposition, hangup_by: 'unknown' })
}

/** Callers who came over the dead one's application are on it, too. */
function closeWhenEmpty(telephony: NodeTelephony, clock: Clock): void {
  if (telephony.size() === 0) void telephony.close()
  else clock.setTimeout(() => closeWhenEmpty(telephony, clock), AGAIN)
}
