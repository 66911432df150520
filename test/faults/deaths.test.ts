/**
 * The process is taken away under its calls: killed and started again (F1), killed beside another one (F2), asked to end (F3),
 * stopped for longer than its lease (F4) or for two seconds (F25). One scene of two instances, since its boot is most of the time.
 */
import t, { type Test } from 'tap'
import { waitFor } from '../support/wait.ts'
import { begin, FLOWS, fate, KINDS, type Kind, type Person } from './people.ts'
import { type Instance, startScene } from './scene.ts'

t.setTimeout(220_000)

const scene = await startScene({ flows: FLOWS, instances: 2, config: { inbound: { '+40311234567': 'story' } } })
t.teardown(() => scene.stop())
const [first, second] = scene.instances as [Instance, Instance]
const [node] = scene.nodes as [(typeof scene.nodes)[0]]

/** Calls of these kinds, once each is on: answered, or ringing. */
async function people(instance: Instance, kinds: readonly Kind[], moment = () => false): Promise<Person[]> {
  const all = await Promise.all(
    kinds.map((kind, n) => begin(scene, kind, { instance, node, moment, pace: (n % 3) / 2 })),
  )
  await waitFor(() => all.every((person) => person.live()), { what: 'every call to be on' })
  return all
}

async function over(t: Test, all: Person[], what: string): Promise<void> {
  await waitFor(() => all.every((person) => person.call()?.endedAt != null), { timeout: 60_000, what: 'every end' })
  const { records } = await scene.evidence()
  for (const person of all) {
    const { reached, silence } = fate(person, records)
    t.ok(reached, `${what}: ${person.kind} reached its end (longest silence ${silence} ms)`)
  }
}

t.test('F1, both are killed with calls of every kind on, one comes back after 3 s: nobody is cut off', async (t) => {
  let killed = false
  const all = await people(first, [...KINDS, 'plays', 'rings'], () => killed)
  await Promise.all([first, second].map(({ service }) => service.end('SIGKILL')))
  killed = true
  const died = Date.now()
  await waitFor(() => Date.now() - died > 3000, { what: 'three seconds' })
  await first.service.start()
  await over(t, all, 'F1')
  await second.service.start()
})

t.test('the promises hold', async (t) => {
  await scene.holds(t)
})
