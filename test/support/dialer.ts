/** A dialer over a real Redis whose line is made of paper: each placed call is kept, and ends when the test says so. */
import { Readable } from 'node:stream'
import type { Clock, ServiceEvent } from '../../src/call/ports.ts'
import type { CallRecord, Disposition } from '../../src/call/record.ts'
import { type Dialer, type DialerPorts, makeDialer } from '../../src/dialer/dialer.ts'
import type { DialPolicy, Placement, Trunk } from '../../src/dialer/plan.ts'
import { parseWindows } from '../../src/flow/calendar.ts'
import type { Left, Windows } from '../../src/flow/io.ts'
import { makeLog } from '../../src/log.ts'
import type { Owner } from '../../src/store/instance.ts'
import type { Store } from '../../src/store/store.ts'
import type { TestRedis } from '../redis/server.ts'

/** Windows that are known to be right. */
export function windows(spec: unknown): Windows {
  const read = parseWindows(spec)
  if (typeof read === 'string') throw new Error(read)
  return read
}

export const realClock: Clock = {
  now: () => Date.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
}

/** Real time, moved by `ms` whenever the test wishes. */
export class ShiftedClock implements Clock {
  ms = 0
  now = (): number => Date.now() + this.ms
  setTimeout = realClock.setTimeout
  clearTimeout = realClock.clearTimeout
}

export const openPolicy: DialPolicy = {
  default_country: 'RO',
  timezone: 'Europe/Bucharest',
  allow: ['+40', '100'],
  windows: windows('00:00-24:00'),
  per_number: { per_day: null, per_week: null },
}

export function trunk(settings: Partial<Trunk> = {}): Trunk {
  return {
    name: 'carrier',
    node: 'pbx',
    endpoint: 'PJSIP/{number}@carrier',
    number_format: 'e164',
    channels: 1000,
    cps: 1000,
    caller_ids: ['+40311234567'],
    ...settings,
  }
}

/** A process of this name, held to no lease. */
export const ownerNamed = (instance: string): Owner => ({ instance, app: `apel-${instance}-1`, holder: null })

export interface PaperDialer {
  dialer: Dialer
  store: Store
  /** In the order of dialling. */
  placed: Placement[]
  /** When each was placed, ms. */
  times: number[]
  events: ServiceEvent[]
  cuts: { campaign: string; talking: boolean }[]
  /** Recordings, as `NODE NAME`. */
  deleted: string[]
  /** Ends a call. */
  end(placement: Placement, disposition: Disposition, more?: Partial<CallRecord>, left?: Left): Promise<void>
  stop(): Promise<void>
}

export interface PaperOptions {
  policy?: Partial<DialPolicy>
  trunks?: Trunk[]
  extensions?: { node: string; endpoint: string }[]
  clock?: Clock
  instance?: string
  /** What its lease says; absent: it is held to none. */
  holder?: string
  closed?: DialerPorts['closed']
  prepare?: DialerPorts['prepare']
  /** Called for each placed call; e.g. ends it at once. */
  onPlace?: (placement: Placement, paper: PaperDialer) => void | Promise<void>
}

export async function paperDialer(redis: TestRedis, options: PaperOptions = {}): Promise<PaperDialer> {
  const clock = options.clock ?? realClock
  const store = await redis.store(() => clock.now())
  const paper: PaperDialer = {
    store,
    placed: [],
    times: [],
    events: [],
    cuts: [],
    deleted: [],
    async end({ record }, disposition, more = {}, left = { tasks: {} }) {
      const answered = ['completed', 'hangup', 'silent', 'nomatch', 'callback', 'opted_out', 'machine']
      Object.assign(record, {
        dialed_at: clock.now(),
        answered_at: answered.includes(disposition) ? clock.now() : null,
        ended_at: clock.now(),
        disposition,
        ...more,
      })
      await paper.dialer.ledger.finish(record, left)
    },
    stop: () => paper.dialer.stop(),
    dialer: makeDialer({
      store,
      another: (purpose) => redis.another(purpose),
      settings: {
        policy: { ...openPolicy, ...options.policy },
        trunks: options.trunks ?? [trunk()],
        extensions: options.extensions ?? [],
      },
      owner: { ...ownerNamed(options.instance ?? 'one'), holder: options.holder ?? null },
      clock,
      log: makeLog(process.env.APEL_TEST_LOG ?? 'silent'),
      known: () => ({ flows: null, trunks: null }),
      closed: options.closed ?? (() => null),
      prepare: options.prepare ?? (async () => undefined),
      place: async (placement) => {
        paper.placed.push(placement)
        paper.times.push(performance.now())
        await options.onPlace?.(placement, paper)
      },
      deleteRecording: async (node, name) => void paper.deleted.push(`${node} ${name}`),
      cut: (campaign, talking) => void paper.cuts.push({ campaign, talking }),
      emit: (event) => void paper.events.push(event),
    }),
  }
  await paper.dialer.start()
  return paper
}

/** A campaign with these numbers, in place and not started. */
export async function campaignOf(
  { dialer }: PaperDialer,
  name: string,
  numbers: string[],
  definition: Record<string, unknown> = {},
): Promise<void> {
  await dialer.campaigns.put(name, { flow: 'survey', contacts: { number: 'phone' }, ...definition })
  if (numbers.length > 0)
    await dialer.import(name, {
      stream: Readable.from([`phone\n${numbers.join('\n')}\n`]),
      format: 'csv',
      dry_run: false,
    })
}

/** So many different numbers. */
export function numbers(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `+407${String(10_000_000 + from + i)}`)
}
