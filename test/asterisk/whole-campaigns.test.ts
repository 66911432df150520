/** Campaigns on a whole system, judged by SIPp's log: what may be dialled, when, in which order, and how fast. */
import t from 'tap'
import { answers, hangsUp, neverAnswers, refuses } from '../../src/phones/behaviours.ts'
import type { Dialog } from '../../src/phones/sip-log.ts'
import { startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

t.setTimeout(200_000)

const brief = `
flow: brief
language: en
voice: { name: en-gb, rate: 190 }
start: word
steps:
  word: { say: "Good morning, {contact.name}.", outcome: said, next: hangup }
`
const CPS = 4
const CHANNELS = 6
const system = await startSystem({ flows: { brief }, trunk: { cps: CPS, channels: CHANNELS } })
t.teardown(() => system.stop())
const { exchange } = system

const numbers = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `+407${prefix}${String(index).padStart(8 - prefix.length, '0')}`)
const csv = (list: string[]) => `phone,name\n${list.map((number) => `${number},Ana`).join('\n')}\n`

async function campaign(name: string, list: string, more: Record<string, unknown> = {}): Promise<void> {
  await system.api('PUT', `/v1/campaigns/${name}`, {
    ...{ campaign: name, flow: 'brief', contacts: { key: 'phone', number: 'phone' }, dial: { ring: '15s' } },
    ...{ retry: { silent: false }, ...more },
  })
  await system.contacts(name, list)
}

const act = (name: string, verb: string, body: unknown = {}) =>
  system.api('POST', `/v1/campaigns/${name}/${verb}`, body)
const state = async (name: string) => (await system.api('GET', `/v1/campaigns/${name}`)).state
const finished = (name: string) =>
  waitFor(async () => (await state(name)) === 'finished', { timeout: 90_000, every: 200, what: `the end of ${name}` })
const wire = async (list: string[]): Promise<Dialog[]> =>
  (await exchange.dialogs()).filter(({ to }) => list.includes(to))

t.test('every attempt is one dialog, and the trunk is never asked for more than it gives', async (t) => {
  const list = numbers('41', 30)
  for (const [index, number] of list.entries()) {
    exchange.phone(number, [answers(), hangsUp(300), refuses(486), refuses(404)][index % 4]!)
  }
  await campaign('limits', csv(list))
  await act('limits', 'start')
  await finished('limits')
  const [dialogs, records] = [await wire(list), await system.results('limits')]
  t.same(dialogs.map(({ to }) => to).sort(), list, 'each number was on the wire once')
  t.same(records.map(({ number }) => number).sort(), list, 'and is in the ledger once')
  const counts = (await system.api('GET', '/v1/campaigns/limits')).dispositions
  t.match(counts, { completed: 8, hangup: 8, busy: 7, invalid_number: 7 })
  // On a busy machine one INVITE may reach the wire later than it was let go, and so stand beside the next.
  const starts = dialogs.map(({ invitedAt }) => invitedAt)
  const most = (ms: number) =>
    Math.max(...starts.map((from) => starts.filter((at) => at >= from && at < from + ms).length))
  t.ok(most(1000) <= CPS + 1, `${most(1000)} INVITEs in one second, ${CPS} allowed`)
  t.ok(most(4000) <= 4 * CPS + 1, `${most(4000)} INVITEs in four seconds`)
  const calls = exchange.calls.filter(({ to }) => list.includes(to))
  const together = Math.max(
    ...calls.map(({ invitedAt: at }) => calls.filter((one) => one.invitedAt <= at && (one.endedAt ?? at) >= at).length),
  )
  t.ok(together <= CHANNELS, `${together} calls at one time, ${CHANNELS} allowed`)
})

t.test('after a pause nothing is dialled; a resume goes on with the rest', async (t) => {
  const list = numbers('42', 24)
  for (const number of list) exchange.phone(number, hangsUp(200))
  await campaign('pausing', csv(list))
  await act('pausing', 'start')
  await waitFor(async () => (await wire(list)).length >= 4, { what: 'the first calls' })
  await act('pausing', 'pause')
  const paused = Date.now()
  await waitFor(() => Date.now() > paused + 5000, { what: 'some seconds of a pause' })
  const late = (await wire(list)).filter(({ invitedAt }) => invitedAt > paused + 2000)
  t.same(late, [], 'no INVITE later than 2 s after the pause')
  t.ok((await wire(list)).length < list.length)
  await act('pausing', 'resume')
  await finished('pausing')
  t.same((await wire(list)).map(({ to }) => to).sort(), list)
})

t.test('stop ends those that ring, lets those that talk go on, and a start takes up the rest', async (t) => {
  const [ringing, talking] = [numbers('43', 3), numbers('44', 2)]
  for (const number of ringing) exchange.phone(number, neverAnswers, hangsUp(0))
  for (const number of talking) exchange.phone(number, answers())
  await campaign('stopping', csv([...talking, ...ringing]))
  await act('stopping', 'start')
  await waitFor(async () => (await wire([...talking, ...ringing])).length === 5, { what: 'five calls' })
  await act('stopping', 'stop')
  await waitFor(async () => (await state('stopping')) === 'stopped', { timeout: 30_000, what: 'the stop' })
  const records = await system.results('stopping')
  const of = (number: string) =>
    records.filter((record) => record.number === number).map(({ disposition }) => disposition)
  for (const number of talking) t.same(of(number), ['completed'])
  for (const number of ringing) t.same(of(number), ['cancelled'])
})

t.test('who is on the do-not-call list, or not allowed, never reaches the wire', async (t) => {
  const list = numbers('45', 3)
  for (const number of list) exchange.phone(number, hangsUp(0))
  await system.api('POST', '/v1/dnc', { number: list[1], reason: 'asked for it' })
  const foreign = '+493012345678'
  await campaign('forbidden', csv([...list, foreign]))
  await act('forbidden', 'start')
  await finished('forbidden')
  t.same((await wire([...list, foreign])).map(({ to }) => to).sort(), [list[0], list[2]])
  const records = await system.results('forbidden')
  t.match(
    records.find(({ number }) => number === list[1]),
    { disposition: 'dnc', attempt: 0, dialed_at: null },
  )
  t.match(
    records.find(({ number }) => number === foreign),
    { disposition: 'blocked', attempt: 0, dialed_at: null },
  )
})

t.test('a retry follows its rule, and priority goes before the order of the file', async (t) => {
  const list = numbers('46', 4)
  exchange.phone(list[0]!, refuses(486), hangsUp(0))
  for (const number of list.slice(1)) exchange.phone(number, hangsUp(0))
  const rows = list.map((number, index) => `${number},Ana,${index}`).join('\n')
  await campaign('order', `phone,name,prio\n${rows}\n`, {
    contacts: { key: 'phone', number: 'phone', priority: 'prio' },
    retry: { silent: false, busy: { delay: '3s', max: 1 } },
  })
  await act('order', 'start')
  await finished('order')
  const dialogs = await wire(list)
  t.same(
    dialogs.map(({ to }) => to),
    [list[3], list[2], list[1], list[0], list[0]],
  )
  const [first, second] = dialogs.slice(-2)
  const delay = second!.invitedAt - first!.invitedAt
  t.ok(delay >= 3000 && delay < 6000, `tried again after ${delay} ms`)
  t.match(
    (await system.results('order')).filter(({ number }) => number === list[0]),
    [
      { kind: 'first', disposition: 'busy' },
      { kind: 'retry', disposition: 'hangup', attempt: 2 },
    ],
  )
})
