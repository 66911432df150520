/**
 * One of each thing that the ledger keeps, written as a service writes it; and all of Redis as text, so that what one
 * release has written can be put before another one.
 */
import { Readable } from 'node:stream'
import type { Redis } from 'ioredis'
import type { CallRecord } from '../../src/call/record.ts'
import type { FlowEvent } from '../../src/flow/io.ts'
import { beginOf, type Entry, Writer } from '../../src/flow/journal.ts'
import { loadFlows } from '../../src/flow/load.ts'
import { begin } from '../../src/flow/step.ts'
import { openLedger } from '../../src/store/generation.ts'
import { nextEpoch } from '../../src/store/instance.ts'
import { nameOf } from '../../src/store/journals.ts'
import { Runs } from '../../src/store/runs.ts'
import type { TestRedis } from '../redis/server.ts'
import { campaignOf, ownerNamed, paperDialer } from './dialer.ts'
import { waitFor } from './wait.ts'

/** The people of the story, by what becomes of them. */
export const PEOPLE = {
  spoken: '+40721000001',
  unanswered: '+40721000002',
  agreed: '+40721000003',
  talking: '+40721000004',
  listed: '+40721000005',
  disagreeing: '+40721000006',
  fresh: '+40721000007',
  manual: '+40721000008',
  caller: '+40721000009',
  optedOut: '+40721000010',
  refused: '+40721000011',
  atHome: '+40721000012',
  operator: '100',
} as const

const DAY = 86_400_000
export const HOOK = 'hook-1'
const ANSWER = { status: 202, body: '{"id":"1"}', type: 'application/json' }
const FLOW = `flow: survey
language: en
vars: { code: "", happy: false }
start: ask
steps:
  ask: { menu: "Are you content?", options: { "1": { set: { happy: "true" }, goto: pin }, "2": bye } }
  pin: { gather: "Your code?", save: code, num_digits: 2, sensitive: true, next: bye }
  bye: { say: "Thank you, {contact.name}.", outcome: thanked, next: hangup }
`
export const TEXTS = [{ path: 'flows/survey.yaml', text: FLOW }]

const header = 'id,phone,name,tz,lang,ok,prio'
const row = (id: string, number: string, name: string, more = 'Europe/Bucharest,ro,yes,') =>
  `${id},${number},${name},${more}`

/** Writes it all; nobody dials any more afterwards. */
export async function writeStory(redis: TestRedis): Promise<void> {
  const paper = await paperDialer(redis, { extensions: [{ node: 'pbx', endpoint: 'PJSIP/{number}@pbx' }] })
  const { dialer, store } = paper
  const now = Date.now()
  await openLedger(store.db, null)
  await nextEpoch(store.db, 'one')
  await store.outbox.register([{ id: HOOK, events: ['call.started', 'call.ended', 'callback.scheduled'] }], now)
  await dialer.campaigns.put('c', {
    flow: 'survey',
    contacts: { key: 'id', number: 'phone', timezone: 'tz', language: 'lang', consent: 'ok', priority: 'prio' },
    window: { 'mon-sun': '00:00-24:00' },
    holidays: ['2020-12-25'],
    attempts: { max: 5, per_day: 4 },
    retry: { no_answer: { delay: '2h', max: 3 } },
    schedule: { cron: '0 9 1 1 *', timezone: 'Europe/Bucharest' },
  })
  const load = async (rows: string[]) =>
    await dialer.import('c', {
      stream: Readable.from([`${[header, ...rows].join('\n')}\n`]),
      format: 'csv',
      dry_run: false,
    })
  await store.dnc.addMany([
    { number: PEOPLE.listed, campaign: null, reason: 'asked us', at: now },
    { number: '+4079*', campaign: 'c', reason: null, at: now },
  ])
  await load([
    row('k1', PEOPLE.spoken, 'Ana', 'Europe/Bucharest,ro,yes,5'),
    row('k2', PEOPLE.unanswered, '"Bob, ""the"" Țurcanu"'),
    row('k3', PEOPLE.agreed, 'Cris'),
    row('k4', PEOPLE.talking, 'Dan'),
    row('k5', PEOPLE.listed, 'Eva'),
    row('k6', PEOPLE.disagreeing, 'Fane', 'Europe/Bucharest,ro,no,'),
    'k9,not a number,Gigi,,,,',
  ])
  await dialer.campaigns.act('c', 'start')
  const days = [-1, 0, 1].map((days) => new Date(now + days * DAY).toISOString().slice(0, 10))
  await campaignOf(paper, 'holiday', [PEOPLE.atHome], { holidays: days })
  await dialer.campaigns.act('holiday', 'start')
  await waitFor(async () => (await dialer.campaigns.get('holiday')).counts.held === 1, { what: 'a holiday' })
  const call = async (number: string) =>
    await waitFor(() => paper.placed.find(({ record }) => record.number === number), { what: `a call to ${number}` })
  const [spoken, unanswered, agreed, talking] = [
    await call(PEOPLE.spoken),
    await call(PEOPLE.unanswered),
    await call(PEOPLE.agreed),
    await call(PEOPLE.talking),
  ]
  await waitFor(async () => (await dialer.campaigns.get('c')).counts.done === 2, {
    what: 'those who may not be called',
  })
  await dialer.ledger.update(talking.record.id, { node: 'pbx', dialed_at: now, state: 'dialing' })
  await dialer.ledger.update(talking.record.id, { answered_at: now, state: 'up' })
  await dialer.campaigns.act('c', 'pause')
  await load([row('k7', PEOPLE.fresh, 'Horia')])

  await store.journals.keepTexts(TEXTS, DAY)
  for (const entry of journal(now)) await store.journals.add(talking.record.id, 'apel-one-1', entry, DAY)
  await store.journals.add(talking.record.id, 'apel-one-1', { type: 'taken', at: now, by: 'apel-one-1' }, null, [
    { at: now, step: 'ask', event: 'start' },
    { at: now, step: 'pin', event: 'option 1' },
  ])

  const said: Partial<CallRecord> = {
    ...{ flow_version: 'abc', cause: 16, sip_code: 200, amd: 'human', hangup_by: 'callee', outcome: 'thanked' },
    ...{ last_step: 'bye', vars: { happy: true, code: '??' }, recordings: [`${spoken.record.id}.r1`] },
  }
  const tasks = { order: { status: 'done' as const, result: { number: 7 } } }
  await paper.end(spoken, 'completed', said, { tasks, strategy: 'kindly', agent: PEOPLE.operator })
  await paper.end(unanswered, 'no_answer', { cause: 19, sip_code: 480 })
  const due_at = now + DAY
  const request = { to: null, expires: DAY, note: 'about the bill', agent: null, flow: null, at: 'pin' }
  await dialer.callbacks.schedule(agreed.record, { ...request, due_at })
  await paper.end(agreed, 'callback', { callback_at: due_at })
  await store.attempts.keepTask(agreed.record.id, 'look', { status: 'failed', result: null })

  const manual = await dialer.reserveManual({ to: PEOPLE.manual, flow: 'survey', vars: {}, trunk: null })
  const leg = await dialer.reserveLeg(manual.record, `${manual.record.id}.1`, { extension: PEOPLE.operator }, 20_000)
  await paper.end(leg!, 'completed')
  await paper.end(manual, 'hangup')
  const opted = await dialer.reserveManual({ to: PEOPLE.optedOut, flow: 'survey', vars: {}, trunk: null })
  await paper.end(opted, 'opted_out')
  const asked = { id: 'channel-1', node: 'pbx', called: '+40311234567', caller: PEOPLE.caller }
  const inbound = await dialer.reserveInbound({ ...asked, flow: 'survey', campaign: 'c' })
  await dialer.ledger.finish({ ...inbound!.record, answered_at: now, ended_at: now, disposition: 'hangup' })

  const refused = await dialer.reserveManual({ to: PEOPLE.refused, flow: 'survey', vars: {}, trunk: null })
  await paper.end(refused, 'trunk_error', { cause: 38, sip_code: 503 })
  const { letters } = (await store.outbox.take(HOOK, 'one', { now: Date.now(), room: 1, patience: 1000 }))!
  const { line, letter } = letters[0]!
  const died = { hook: HOOK, line, url: 'https://crm.example/calls', reason: 'answered 500', died_at: now }
  await store.outbox.bury(HOOK, letters[0]!, { ...letter, ...died, tries: 9, first: now }, now)
  await store.outbox.release(HOOK, 'one')

  const runs = new Runs(store.db)
  await runs.begin('c', 'nightly', now)
  await runs.change('c', 'nightly', { started: true }, now)
  await store.idempotency.claim('key-1', 'print', 'id-1', 1000)
  await store.idempotency.keep('key-1', { fingerprint: 'print', answer: ANSWER })
  await store.campaigns.setPaused(true)
  await paper.stop()
}

/** A conversation that has come to the second of two digits which may be kept nowhere. */
function journal(at: number): Entry[] {
  const program = loadFlows(TEXTS).programs.get('survey')!
  const context = {
    ...{ id: 'x', direction: 'outbound' as const, number: PEOPLE.talking, attempt: 1, kind: 'first' as const },
    ...{ amd: 'human' as const, contact: { name: 'Dan' }, campaign: { name: 'c' }, previous: {}, vars: {} },
    ...{ start_at: null, zones: ['Europe/Bucharest'], windows: [], holidays: [] },
  }
  const line = { node: 'pbx', app: ownerNamed('one').app, startup: '1', amd: false, ring: 25_000, absolute: 400_000 }
  const writer = new Writer(program, begin(program, context))
  const given: FlowEvent[] = [
    { type: 'start', at, verdict: 'human' },
    { type: 'key', at, key: '1' },
    { type: 'key', at, key: '7' },
  ]
  return [beginOf(program, context, at, nameOf(TEXTS), line), ...given.map((event) => writer.take(event).entry)]
}

/** What a key holds, by its type: fields in pairs, members with their scores, entries as `ID field value …`. */
export interface Kept {
  type: string
  expires: boolean
  value: string[] | string
}

/** What comes and goes within moments; see decision 0140. */
const PASSING = /^apel:(queue:|probe$|waits$|lock:)/

/** Everything by its key. */
export async function dump(redis: Redis): Promise<Record<string, Kept>> {
  const found = (await redis.keys('*')).filter((key) => !PASSING.test(key)).sort()
  const kept: Record<string, Kept> = {}
  for (const key of found) {
    const type = await redis.type(key)
    kept[key] = { type, expires: (await redis.pttl(key)) > 0, value: await contentOf(redis, key, type) }
  }
  return kept
}

async function contentOf(redis: Redis, key: string, type: string): Promise<string[] | string> {
  switch (type) {
    case 'string':
      return (await redis.get(key)) ?? ''
    case 'list':
      return await redis.lrange(key, 0, -1)
    case 'set':
      return (await redis.smembers(key)).sort()
    case 'hash':
      return Object.entries(await redis.hgetall(key))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flat()
    case 'zset':
      return await redis.zrange(key, '0', '-1', 'WITHSCORES')
    case 'stream':
      return (await redis.xrange(key, '-', '+')).map(([id, fields]) => JSON.stringify([id, ...fields]))
    default:
      throw new Error(`${key} is a ${type}`)
  }
}

/** Puts it into a Redis that is empty. */
export async function restore(redis: Redis, kept: Record<string, Kept>): Promise<void> {
  for (const [key, { type, expires, value }] of Object.entries(kept)) {
    const all = value as string[]
    if (type === 'string') await redis.set(key, value as string)
    else if (type === 'list') await redis.rpush(key, ...all)
    else if (type === 'set') await redis.sadd(key, ...all)
    else if (type === 'hash') await redis.hset(key, ...all)
    else if (type === 'zset') for (let i = 0; i < all.length; i += 2) await redis.zadd(key, all[i + 1]!, all[i]!)
    else for (const entry of all) await redis.xadd(key, ...(JSON.parse(entry) as [string, ...string[]]))
    if (expires) await redis.pexpire(key, DAY)
  }
}

/** As `dump`, with what differs from one time to the next (ids, times, the digests of chance) by its kind alone. */
export function shapeOf(kept: Record<string, Kept>): string[] {
  return Object.entries(kept)
    .map(([key, { type, expires, value }]) => {
      const values = typeof value === 'string' ? [value] : value
      const shown = type === 'hash' ? pairs(values.map(plain)) : values.map(plain)
      return `${plain(key)} ${type}${expires ? ' that expires' : ''} ${JSON.stringify(shown)}`
    })
    .sort()
}

function pairs(flat: string[]): string[] {
  return flat.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${flat[i + 1]}`] : [])).sort()
}

const plain = (text: string): string =>
  inOrder(text)
    .replace(/\b[0-9a-z]{8}-[0-9a-z]{10}\b/g, '<id>')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uuid>')
    .replace(/\b[12]\d{12}(-\d+)?(\.\d+)?\b/g, '<ms>')
    .replace(/\b20\d\d-\d\d-\d\d\b/g, '<day>')

/** JSON with its names in order: a script of Redis promises none. */
function inOrder(text: string): string {
  if (!text.startsWith('{')) return text
  const ordered = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(ordered)
    if (value === null || typeof value !== 'object') return value
    const names = Object.keys(value).sort() as (keyof typeof value)[]
    return Object.fromEntries(names.map((name) => [name, ordered(value[name])]))
  }
  return JSON.stringify(ordered(JSON.parse(text)))
}
