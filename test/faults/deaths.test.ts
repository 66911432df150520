/**
 * The process is taken away under its calls: killed and started again (F1), killed beside another one (F2), asked to end (F3),
 * stopped for longer than its lease (F4) or for two seconds (F25); and a second one comes under its name (F11).
 */
import { join } from 'node:path'
import t from 'tap'
import { PING_EVERY, SILENT_FOR } from '../../src/ari/supervisor.ts'
import { hangsUp } from '../../src/phones/behaviours.ts'
import { runCommand } from '../support/command.ts'
import { TALKS } from '../support/talks.ts'
import { waitFor } from '../support/wait.ts'
import { begin, beginAll, KINDS, type Person, reach } from './people.ts'
import { type Instance, startScene } from './scene.ts'

t.setTimeout(220_000)

const scene = await startScene({ flows: TALKS, instances: 2, config: { inbound: { '+40311234567': 'story' } } })
t.teardown(() => scene.stop())
const [first, second] = scene.instances as [Instance, Instance]
const outward = KINDS.filter((kind) => kind !== 'calls in')

t.test('F1, both are killed with calls of every kind on, one comes back after 3 s: nobody is cut off', async (t) => {
  let killed = false
  const all = await beginAll(scene, [...KINDS, 'plays', 'rings'], { moment: () => killed })
  await Promise.all([first, second].map(({ service }) => service.end('SIGKILL')))
  killed = true
  const died = Date.now()
  await waitFor(() => Date.now() - died > 3000, { what: 'three seconds' })
  await first.service.start()
  await reach(t, scene, all, 'F1')
  await second.service.start()
})

t.test(
  'F2, one is killed and not started again until the other has its calls in hand: nobody is cut off',
  async (t) => {
    await scene.ready()
    let killed = false
    const before = await takeovers(second)
    const all = await beginAll(scene, outward, { moment: () => killed })
    await first.service.end('SIGKILL')
    killed = true
    const died = Date.now()
    const taken = async () => (await takeovers(second)) > before
    await waitFor(taken, { what: 'the takeover' })
    t.ok(Date.now() - died < 4000, `seen to be gone on its own host, and taken over after ${Date.now() - died} ms`)
    await first.service.start()
    await reach(t, scene, all, 'F2')
  },
)

t.test('F4, one sleeps for longer than its lease: it dials nothing on it, and nobody is cut off', async (t) => {
  await scene.ready()
  const all = await beginAll(scene, ['plays', 'waits', 'holds', 'rings', 'bridged'])
  process.kill(first.service.pid!, 'SIGSTOP')
  const stopped = Date.now()
  const said = first.service.log().length
  const before = await takeovers(second)
  await waitFor(async () => (await takeovers(second)) > before, { what: 'the takeover' })
  // Longer than a link may be silent, and then it cannot ask at once whose its calls are.
  await waitFor(() => Date.now() - stopped > SILENT_FOR + PING_EVERY, { what: 'the silence of its links' })
  scene.redis.freeze(true)
  const asked = first.api('POST', '/v1/calls', { to: '+40730999999', flow: 'brief' })
  process.kill(first.service.pid!, 'SIGCONT')
  t.match(
    await asked.catch((fault: Error) => fault),
    /gate_closed|unavailable|fetch failed/,
    'the first thing it is asked',
  )
  await waitFor(() => /nothing heard/.test(first.service.log().slice(said)), { what: 'the end of its link' })
  const ended = Date.now()
  await waitFor(() => Date.now() - ended > 1000, { what: 'longer than the pause before the next link' })
  scene.redis.freeze(false)
  await reach(t, scene, all, 'F4')
  t.notMatch(second.service.log(), /are held by another process now/, 'what was taken over stays where it is')
  t.notMatch(first.service.log().slice(said), /belongs to nobody/)
  t.equal((await scene.exchange.dialogs()).filter(({ to }) => to === '+40730999999').length, 0)
})

t.test('a caller who comes while the ledger stands still is answered when it goes on', async (t) => {
  await scene.ready()
  const caller = await comesInVain()
  scene.redis.freeze(false)
  await reach(t, scene, [caller.person], 'the caller')
  const { invitedAt, answeredAt } = caller.person.call()!
  t.ok(answeredAt! - invitedAt < 12_000, `answered after ${answeredAt! - invitedAt} ms`)
})

t.test('a caller whose process died before it could write the call down is taken in by another', async (t) => {
  await scene.ready()
  const { person, service } = await comesInVain()
  await service.end('SIGKILL')
  scene.redis.freeze(false)
  await reach(t, scene, [person], 'the caller')
  await service.start()
})

t.test(
  'F25, F11, a process that stands still for two seconds goes on, and one under its name is refused',
  async (t) => {
    await scene.ready()
    const all = await beginAll(scene, ['plays', 'waits', 'holds', 'rings', 'records'])
    process.kill(first.service.pid!, 'SIGSTOP')
    const stopped = Date.now()
    await waitFor(() => Date.now() - stopped > 2000, { what: 'two seconds' })
    process.kill(first.service.pid!, 'SIGCONT')
    const { code, stderr } = await runCommand(['serve', '-c', join(scene.folder, 'apel.yaml')])
    t.equal(code, 2)
    t.match(stderr, /Another process runs under the name/)
    await reach(t, scene, all, 'F25')
  },
)

t.test('F3, asked to end under load: no new call after a second, those that are on go on, exit 0', async (t) => {
  await scene.ready()
  t.equal(await second.service.end('SIGTERM'), 0)
  const list = Array.from({ length: 60 }, (_, n) => `+4075${String(n).padStart(7, '0')}`)
  for (const number of list) scene.exchange.phone(number, hangsUp(1500))
  await first.api('PUT', '/v1/campaigns/load', { flow: 'wait', contacts: { number: 'phone' }, dial: { cps: 5 } })
  await scene.contacts('load', `phone\n${list.join('\n')}\n`)
  await first.api('POST', '/v1/campaigns/load/start')
  const all = await beginAll(scene, ['plays', 'waits', 'rings', 'records'])
  await waitFor(() => scene.exchange.calls.filter(({ to }) => list.includes(to)).length > 8, { what: 'load' })
  const asked = Date.now()
  t.equal(await first.service.end('SIGTERM', 60_000), 0)
  for (const person of all) t.equal(person.call()?.endedBy, 'far', `${person.kind} was led to its end`)
  const late = (await scene.exchange.dialogs()).filter(({ invitedAt }) => invitedAt > asked + 1000)
  t.same(late, [], 'nobody was dialled later than a second after it')
  await Promise.all([first.service.start(), second.service.start()])
  await first.api('POST', '/v1/campaigns/load/stop', { now: true })
  await reach(t, scene, all, 'F3')
})

t.test('the promises hold', async (t) => {
  await scene.holds(t)
})

/** Somebody calls in while the ledger stands still; who has the call. */
async function comesInVain(): Promise<{ person: Person; service: Instance['service'] }> {
  const told = ({ service }: Instance) => service.log().split('an inbound call waits for the ledger').length
  const before = new Map(scene.instances.map((instance) => [instance, told(instance)]))
  scene.redis.freeze(true)
  const person = await begin(scene, 'calls in', { instance: first, node: scene.nodes[0]! })
  const holder = () => scene.instances.find((instance) => told(instance) > before.get(instance)!) ?? null
  const { service } = await waitFor(holder, { what: 'somebody who has the call' })
  return { person, service }
}

async function takeovers({ api }: Instance): Promise<number> {
  return Number(/^apel_takeovers_total (\d+)/m.exec(await api('GET', '/metrics'))?.[1])
}
