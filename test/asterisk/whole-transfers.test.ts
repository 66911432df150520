/** Transfers on a whole system: what the API shows of them, and what the policy refuses. */
import t from 'tap'
import { answers, calls } from '../../src/phones/behaviours.ts'
import { startSystem } from '../support/system.ts'

t.setTimeout(120_000)

const flow = (name: string, head: string, steps: string) => `
flow: ${name}
language: en
voice: { name: en-gb, rate: 190 }
${head}
steps:
${steps}
`
const reception = flow(
  'reception',
  'start: reach',
  `
  reach: { dial: { extension: "100" }, on: { completed: bye, busy: no, no_answer: no, failed: no } }
  bye: { say: "Goodbye.", outcome: spoke, next: hangup }
  no: { say: "Nobody can speak to you now.", outcome: alone, next: hangup }`,
)
const outside = reception.replace('flow: reception', 'flow: outside').replace('extension: "100"', 'number: "{to}"')
const system = await startSystem({
  flows: { reception, outside: outside.replace('start:', 'vars: { to: "" }\nstart:') },
  config: {
    inbound: { '+40311234567': 'reception' },
    policy: {
      default_country: 'RO',
      timezone: 'Europe/Bucharest',
      allow: ['+40', '100'],
      windows: { 'mon-sun': '00:00-24:00' },
    },
  },
})
t.teardown(() => system.stop())
const { exchange } = system

t.test('a number on a trunk is called once, with a record of its own under the call', async (t) => {
  exchange.phone('+40711111111', answers())
  const colleague = exchange.phone(
    '+40711111112',
    answers(async (call) => {
      await call.after(500)
      await call.hangUp()
    }),
  )
  const { id } = await system.api('POST', '/v1/calls', {
    to: '+40711111111',
    flow: 'outside',
    vars: { to: '0711111112' },
  })
  const call = await system.ended(id)
  t.match(call, { disposition: 'completed', outcome: 'spoke', kind: 'manual' })
  t.match(call.legs, [
    {
      id: `${id}.1`,
      kind: 'leg',
      number: '+40711111112',
      trunk: 'carrier',
      caller_id: '+40311234567',
      disposition: 'completed',
      hangup_by: 'callee',
      answered_at: String,
    },
  ])
  t.equal(colleague.calls.length, 1)
  const listed = await system.api('GET', '/v1/calls')
  t.notOk(listed.items.some((item: { kind: string }) => item.kind === 'leg'))
  t.equal((await system.api('GET', '/v1/calls?kind=leg')).items[0].id, `${id}.1`)
})

t.test('whom the policy does not allow is not called, and the caller hears so', async (t) => {
  await system.api('POST', '/v1/dnc', { number: '+40711111113' })
  for (const to of ['+40711111113', '+447911123456', '112']) {
    exchange.phone('+40711111111', answers())
    const { id } = await system.api('POST', '/v1/calls', { to: '+40711111111', flow: 'outside', vars: { to } })
    t.match(await system.ended(id), { outcome: 'alone', legs: [] }, to)
  }
  const called = (await exchange.dialogs()).map(({ to }) => to)
  for (const to of ['+40711111113', '+447911123456', '112']) t.notOk(called.includes(to))
})

t.test('an extension that this node cannot reach has failed', async (t) => {
  const there = await exchange.call('+40311234567', '+40722222222', calls())
  await there.ended
  const listed = await system.api('GET', '/v1/calls?kind=inbound')
  t.match(await system.ended(listed.items[0].id), { outcome: 'alone', legs: [] })
})
