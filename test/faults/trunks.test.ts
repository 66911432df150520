/** Broken trunks (F17): what they do to a campaign, and what they must not do to its numbers. */
import t from 'tap'
import { answers, neverAnswers, refuses, saysNothing } from '../../src/phones/behaviours.ts'
import type { Behaviour } from '../../src/phones/phone.ts'
import { waitFor } from '../support/wait.ts'
import { startScene } from './scene.ts'

t.setTimeout(280_000)

const brief = `
flow: brief
language: en
voice: { name: en-gb, rate: 190 }
start: word
steps:
  word: { say: "Good morning.", outcome: said, next: hangup }
`
const TRUNKS = ['t403', 't404', 't503', 'dumb', 'slow', 'heard', 'mute', 'first', 'second']
const scene = await startScene({ flows: { brief }, trunk: { cps: 20, channels: 30 }, trunks: TRUNKS })
t.teardown(() => scene.stop())
const { exchange } = scene

let group = 10
async function campaign(
  trunks: string[],
  count: number,
  ...phones: Behaviour[]
): Promise<{ name: string; list: string[] }> {
  const name = `on-${trunks.join('-')}`
  const prefix = `+4072${group++}`
  const list = Array.from({ length: count }, (_, index) => `${prefix}${String(index).padStart(5, '0')}`)
  for (const number of list) exchange.phone(number, ...phones)
  await scene.api('PUT', `/v1/campaigns/${name}`, {
    ...{ flow: 'brief', contacts: { number: 'phone' }, dial: { trunks, ring: '5s' }, attempts: { max: 1 } },
  })
  await scene.contacts(name, `phone\n${list.join('\n')}\n`)
  await scene.api('POST', `/v1/campaigns/${name}/start`)
  return { name, list }
}
const read = (name: string) => scene.api('GET', `/v1/campaigns/${name}`)
const results = async (name: string) => {
  const lines: string = await scene.api('GET', `/v1/campaigns/${name}/results?format=ndjson`)
  return lines.split('\n').flatMap((line) => (line ? [JSON.parse(line)] : []))
}
const finished = (name: string) =>
  waitFor(async () => (await read(name)).state === 'finished', {
    timeout: 90_000,
    every: 200,
    what: `the end of ${name}`,
  })
/** Its trunk is paused, and its calls are over. */
const paused = (name: string, number: string | undefined) =>
  waitFor(
    async () => {
      const told = await scene.api('GET', `/v1/explain/${number}`)
      return told.held_by === 'trunk_state' && (await read(name)).counts.dialing === 0 && told
    },
    { timeout: 60_000, every: 200, what: `a paused trunk of ${name}` },
  )

t.test(
  'trunks that answer 403, 404 or 503 to all, or nothing at all, are paused; no number is taken for invalid',
  async (t) => {
    let works = false
    const until =
      (failure: Behaviour): Behaviour =>
      (call) =>
        (works ? answers() : failure)(call)
    const broken = {
      t403: await campaign(['t403'], 14, until(refuses(403))),
      t404: await campaign(['t404'], 14, until(refuses(404))),
      t503: await campaign(['t503'], 14, until(refuses(503))),
      dumb: await campaign(['dumb'], 14, until(saysNothing)),
    }
    for (const [trunk, { name, list }] of Object.entries(broken)) {
      const told = await paused(name, list.at(-1))
      t.ok(told.next_at !== null, `${trunk}: asked again at ${told.next_at}`)
      const { counts } = await read(name)
      t.equal(counts.pending + counts.held, 14, 'nobody is done')
      const dialogs = (await exchange.dialogs()).filter(({ to }) => list.includes(to))
      t.ok(dialogs.length >= 10, `${dialogs.length} calls were needed to see it`)
      t.equal((await results(name)).length, dialogs.length, 'each has its record')
    }
    works = true
    for (const { name } of Object.values(broken)) {
      await finished(name)
      t.match((await read(name)).dispositions, { completed: 14 }, 'budgets of one were not spent')
    }
  },
)

t.test('one that rings for ever, is only heard to ring, or answers without a sound is no broken trunk', async (t) => {
  const slow = await campaign(['slow'], 12, neverAnswers)
  const heard = await campaign(['heard'], 12, async (call) => {
    await call.progress()
    await call.ended
  })
  const mute = await campaign(['mute'], 12, answers(undefined, { silence: false }))
  for (const { name } of [slow, heard, mute]) await finished(name)
  t.match((await read(slow.name)).dispositions, { no_answer: 12 })
  t.match((await read(heard.name)).dispositions, { no_answer: 12 })
  for (const record of await results(heard.name)) t.not(record.ringing_at, null)
  t.match((await read(mute.name)).dispositions, { completed: 12 })
})

t.test('a call that one trunk refuses goes over the next one, as a record of its own', async (t) => {
  const { name, list } = await campaign(['first', 'second'], 1, refuses(503), answers())
  await finished(name)
  const [first, second] = await results(name)
  t.match(first, { trunk: 'first', disposition: 'congestion', sip_code: 503, failover_of: null, attempt: 1 })
  t.match(second, { trunk: 'second', disposition: 'completed', failover_of: first.id, kind: 'retry', attempt: 2 })
  const dialogs = (await exchange.dialogs()).filter(({ to }) => list.includes(to))
  t.equal(new Set(dialogs.map(({ callId }) => callId)).size, 2, 'two dialogs')
  t.ok(dialogs[1]!.invitedAt - dialogs[0]!.invitedAt < 3000, 'at once')
})

t.test('once a telephone may have rung, no other trunk is asked', async (t) => {
  const { name, list } = await campaign(['second', 'first'], 1, async (call) => {
    await call.progress(300)
    await call.refuse(503)
  })
  await finished(name)
  t.equal((await exchange.dialogs()).filter(({ to }) => list.includes(to)).length, 1)
})

t.test('the promises hold', async (t) => {
  await scene.holds(t)
})
