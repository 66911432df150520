/**
 * What is between the service and the people misbehaves, with live calls on: Asterisk dies and is away (F5, F6),
 * its web server is back before its SIP (F7), its connections break (F8), its answers do not come (F9), its events are odd (F10); phones hang up in the first half second
 * (F18), press fifty keys a second or nothing at all (F19); strangers scan (F22).
 */
import t from 'tap'
import { answers, hangsUp, neverAnswers } from '../../src/phones/behaviours.ts'
import type { Behaviour } from '../../src/phones/phone.ts'
import { TALKS } from '../support/talks.ts'
import { waitFor } from '../support/wait.ts'
import { oddEvents, scanners } from './chaos/faults.ts'
import { beginAll, reach } from './people.ts'
import { startScene } from './scene.ts'

t.setTimeout(230_000)

const flows = {
  ...TALKS,
  note: TALKS.message.replace('flow: message', 'flow: note').replace('Please speak.', 'Now.'),
}
const config = { inbound: { '+40311234567': 'story' } }
const scene = await startScene({ flows, trunk: { channels: 40, cps: 30 }, config })
t.teardown(() => scene.stop())
const { exchange } = scene
const [instance] = scene.instances as [(typeof scene.instances)[0]]
const [node] = scene.nodes as [(typeof scene.nodes)[0]]
const { proxy } = node
let count = 0

async function dial(flow: string, behaviour: Behaviour, vars: Record<string, string> = {}): Promise<string> {
  count += 1
  const number = `+4076${String(count).padStart(7, '0')}`
  exchange.phone(number, behaviour)
  return (await scene.api('POST', '/v1/calls', { to: number, flow, vars })).id
}
const read = (id: string) => scene.api('GET', `/v1/calls/${id}`)
const ended = (id: string) =>
  waitFor(
    async () => {
      const call = await read(id)
      return call.state === 'ended' && call
    },
    { timeout: 60_000, every: 100, what: `the end of ${id}` },
  )
const health = async (): Promise<number> => (await fetch(`${instance.service.url}/health/ready`)).status
const notReady = (timeout: number) =>
  waitFor(async () => (await health()) === 503, { timeout, what: 'a service that is not ready' })

/** Resets all connections, lets everything pass again, and waits for the new link. */
async function reset(): Promise<void> {
  const before = proxy.opened()
  proxy.reset()
  proxy.release()
  await waitFor(() => proxy.opened() > before, { what: 'a new connection' })
  await scene.ready()
}

t.test('F10, F19, F22: odd events, fifty keys a second, silence and scanners harm nobody', async (t) => {
  const keys = '1234567890*#'.repeat(30)
  const keen = await dial(
    'wait',
    answers(async (call) => {
      await call.at(300)
      await call.press(keys.replaceAll('1', '2'), { hold: 20, gap: 0 })
    }),
  )
  const silent = await dial('message', answers(undefined, { silence: false }))
  const all = await beginAll(scene, ['plays', 'waits', 'records', 'holds', 'bridged', 'calls in'])
  const scan = scanners(node, 8000)
  oddEvents(node)
  t.ok((await scan) > 500, 'INVITEs were sent')
  await reach(t, scene, all, 'scanned')
  t.match(await ended(keen), { disposition: 'nomatch' })
  t.match(await ended(silent), { disposition: 'silent' })
  const records = await scene.records()
  t.equal(records.filter(({ kind }) => kind === 'inbound').length, 1, 'no flow began for a stranger')
  const wanted = (await exchange.dialogs()).filter(({ by, to }) => by === 'far' && !/^\+407/.test(to))
  t.same(wanted, [], 'and nobody was called')
})

t.test(
  'F18, callees hang up at any moment of the first half second, in a prompt, a recording and a transfer',
  async (t) => {
    const delays = [0, 60, 120, 200, 300, 400, 500]
    const calls = await Promise.all(
      delays.flatMap((at) => {
        const other = `+4077${String(at).padStart(7, '0')}`
        exchange.phone(other, answers(undefined, { ring: at }))
        return [dial('story', hangsUp(at)), dial('note', hangsUp(1500 + at)), dial('talk', hangsUp(at), { to: other })]
      }),
    )
    for (const id of calls) t.match(await ended(id), { disposition: 'hangup', hangup_by: 'callee' })
  },
)

t.test('F8, the connections are reset, then carry nothing: no new call meanwhile, and live calls go on', async (t) => {
  const first = await beginAll(scene, ['plays', 'waits', 'holds', 'rings', 'bridged'])
  await reset()
  await reach(t, scene, first, 'reset')
  const calls = await beginAll(scene, ['holds', 'rings', 'bridged'])
  const begun = Date.now()
  proxy.freeze()
  await notReady(11_000)
  t.ok(Date.now() - begun < 10_500, `found after ${Date.now() - begun} ms`)
  t.match(await dial('brief', answers()).catch(String), /gate_closed/)
  await reset()
  await reach(t, scene, calls, 'half-open')
})

t.test('F9, Asterisk hears and its answers do not come: one dialog at the most, and an end', async (t) => {
  proxy.mute()
  const id = await dial('brief', answers())
  await waitFor(async () => (await read(id)).state !== 'reserved', { timeout: 20_000, what: 'the dial' })
  const begun = Date.now()
  await waitFor(() => Date.now() - begun > 6000, { what: 'the deadline of 5 s' })
  await reset()
  const { disposition } = await ended(id)
  t.match(disposition, /unknown|completed|trunk_error/)
  const number = (await read(id)).number
  t.ok((await exchange.dialogs()).filter(({ to }) => to === number).length <= 1)
})

t.test(
  'F5, F6: Asterisk is killed under load and away: answered calls are technical, others unknown, then all goes on',
  async (t) => {
    const list = Array.from({ length: 40 }, (_, n) => `+4078${String(n).padStart(7, '0')}`)
    for (const number of list) exchange.phone(number, hangsUp(700))
    await scene.api('PUT', '/v1/campaigns/load', { flow: 'brief', contacts: { number: 'phone' }, dial: { cps: 4 } })
    await scene.contacts('load', `phone\n${list.join('\n')}\n`)
    const up = await Promise.all([dial('wait', answers()), dial('hold', answers())])
    const ringing = await Promise.all([dial('wait', neverAnswers), dial('hold', neverAnswers)])
    for (const id of up) await waitFor(async () => (await read(id)).state === 'up', { what: 'answered calls' })
    for (const id of ringing) await waitFor(async () => (await read(id)).state === 'ringing', { what: 'ringing calls' })
    await scene.api('POST', '/v1/campaigns/load/start')
    await waitFor(() => exchange.calls.some(({ to }) => list.includes(to)), { what: 'load' })
    await node.kill()
    const died = Date.now()
    await notReady(11_000)
    t.equal((await fetch(`${instance.service.url}/health/live`)).status, 200, 'the process is up')
    await waitFor(() => Date.now() - died > 10_000, { what: 'ten seconds' })
    await node.revive()
    const back = Date.now()
    await scene.ready(15_000)
    t.ok(Date.now() - back < 15_000, `the link was back after ${Date.now() - back} ms`)
    for (const id of up) t.match(await ended(id), { disposition: 'technical', hangup_by: 'network' })
    for (const id of ringing) t.match(await ended(id), { disposition: 'unknown' })
    const finished = async () => (await scene.api('GET', '/v1/campaigns/load')).counts.pending === 0
    await waitFor(finished, { timeout: 40_000, every: 200, what: 'the rest of the campaign' })
  },
)

t.test(
  'F7, the web server of Asterisk is there before its SIP: nothing is dialled until it has endpoints',
  async (t) => {
    const list = Array.from({ length: 6 }, (_, n) => `+4078800000${n}`)
    for (const number of list) exchange.phone(number, hangsUp(500))
    await scene.api('PUT', '/v1/campaigns/early', { flow: 'brief', contacts: { number: 'phone' } })
    await scene.contacts('early', `phone\n${list.join('\n')}\n`)
    await waitFor(async () => (await node.left()).channels === 0, { every: 200, what: 'the end of the calls before' })
    await node.kill()
    await node.revive()
    t.match(await node.cli('module unload chan_pjsip.so'), /Unloaded/)
    const before = proxy.opened()
    proxy.reset()
    await waitFor(() => proxy.opened() > before, { what: 'a new connection' })
    const told = async () => await (await fetch(`${instance.service.url}/health/ready`)).text()
    await waitFor(async () => /PJSIP is not loaded in Asterisk yet/.test(await told()), { what: 'the reason' })
    await scene.api('POST', '/v1/campaigns/early/start')
    t.match(await dial('brief', answers()).catch(String), /gate_closed/)
    await node.cli('module load chan_pjsip.so')
    const loaded = Date.now()
    await scene.ready(15_000)
    const done = async () => (await scene.api('GET', '/v1/campaigns/early')).counts.done === list.length
    await waitFor(done, { timeout: 30_000, every: 200, what: 'the campaign' })
    const dialogs = (await exchange.dialogs()).filter(({ to }) => list.includes(to))
    t.equal(dialogs.length, list.length, 'each was dialled once')
    t.ok(
      dialogs.every(({ invitedAt }) => invitedAt > loaded),
      'and none before',
    )
  },
)

t.test('the promises hold', async (t) => {
  await scene.holds(t)
})
