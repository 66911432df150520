/**
 * The service is killed while calls of every kind are on, and started again: every phone hears its conversation go on and
 * reaches the end that it was told to reach. Phones press their keys on their own clocks, and hang up by themselves when they
 * hear nothing for twelve seconds.
 */

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { answers, calls, impatient } from '../../src/phones/behaviours.ts'
import { isIn } from '../../src/phones/ear.ts'
import type { Behaviour, PhoneCall } from '../../src/phones/phone.ts'
import { speech } from '../../src/phones/speech.ts'
import { recording } from '../support/recording.ts'
import { startSystem } from '../support/system.ts'
import { TALKS } from '../support/talks.ts'
import { waitFor } from '../support/wait.ts'

t.setTimeout(170_000)

const system = await startSystem({
  flows: TALKS,
  campaigns: { machines: 'campaign: machines\nflow: story\ncontacts: { number: phone }\ndial: { amd: true }\n' },
  config: { inbound: { '+40311234567': 'story' } },
  trunk: { channels: 60, cps: 50 },
})
t.teardown(() => system.stop())
const { exchange } = system
let count = 0

interface Subject {
  id: string
  call: () => Promise<PhoneCall>
}

async function dial(flow: string, behaviour: Behaviour, vars: Record<string, unknown> = {}): Promise<Subject> {
  count += 1
  const number = `+4072700${String(count).padStart(4, '0')}`
  const phone = exchange.phone(number, behaviour)
  const { id } = await system.api('POST', '/v1/calls', { to: number, flow, vars })
  return { id, call: () => phone.call() }
}

/** Presses 1 when they have been asked, again each time that they are. */
const presses: Behaviour = async (call) => {
  for (let heard = 0; ; ) {
    await call.until('a question', () => call.ear.ended() > heard, 100_000)
    heard = call.ear.ended()
    if (!call.ear.hearing()) await call.press('1')
  }
}
const listens = (then: Behaviour, ring = 200) => impatient(answers(then, { ring }))
const state = async (id: string): Promise<string> => (await system.api('GET', `/v1/calls/${id}`)).state

t.test('the service is killed and started again: nobody is cut off, and everybody comes to the end', async (t) => {
  const voice = await speech('I would like to say something that takes rather a long time, and I will go on saying it')
  let killed = false
  let back = false
  let speaking = false
  const story = await dial('story', listens(presses))
  const waits = await dial(
    'wait',
    listens(async (call) => {
      await call.until('the restart', () => back, 60_000)
      await call.after(1500)
      await presses(call)
    }),
  )
  const held = await dial('hold', listens(presses))
  const message = await dial(
    'message',
    answers(async (call) => {
      await call.heard(1)
      for (let n = 0; n < 3; n += 1) {
        speaking = n > 0
        await call.say(voice)
      }
      await impatient(presses)(call)
    }),
  )
  const colleague = exchange.phone(
    '+40727009999',
    answers(async (call) => {
      await call.until('the restart', () => back, 60_000)
      await call.after(2000)
      await call.hangUp()
    }),
  )
  const talk = await dial('talk', answers(presses), { to: '+40727009999' })
  const rings = await dial(
    'story',
    impatient(async (call) => {
      await call.ring()
      await call.until('the restart', () => back, 60_000)
      await call.answer()
      await presses(call)
      await call.ended
    }),
  )
  const gap = await dial(
    'story',
    impatient(async (call) => {
      await call.ring()
      await call.until('the kill', () => killed, 60_000)
      await call.after(500)
      await call.answer()
      await presses(call)
      await call.ended
    }),
  )
  /** Waits for the kill, and does this while nobody is there. */
  const meanwhile =
    (then: Behaviour): Behaviour =>
    async (call) => {
      await call.until('the kill', () => killed, 60_000)
      await call.after(700)
      await then(call)
    }
  const leaver = exchange.phone('+40727009998', answers(meanwhile((call) => call.hangUp())))
  const alone = await dial('talk', impatient(answers(presses), 60_000), { to: '+40727009998' })
  const left = await dial('wait', answers(meanwhile((call) => call.hangUp())))
  const refused = await dial('wait', async (call) => {
    await call.ring()
    await meanwhile((call) => call.refuse(486))(call)
  })
  const caller = await exchange.call('+40311234567', '+40727008888', impatient(calls(presses)))
  await Promise.all(
    [story, waits, held, message, talk, alone, left].map(({ id }) => waitFor(async () => (await state(id)) === 'up')),
  )
  await Promise.all([rings, gap, refused].map(({ id }) => waitFor(async () => (await state(id)) === 'ringing')))
  for (const phone of [colleague, leaver]) await waitFor(() => phone.calls[0]?.answeredAt, { what: 'a colleague' })
  await waitFor(() => speaking, { what: 'somebody in the middle of a message' })
  await waitFor(
    async () => (await system.asterisk('bridge show all')).match(/simple_bridge|softmix|native_rtp/g)?.length === 2,
    {
      what: 'two conversations of two',
    },
  )
  // In the dialplan, where it is being told whether a machine has answered.
  const judged = exchange.phone('+40727007777', impatient(answers(presses, { silence: false })))
  await system.contacts('machines', 'phone\n+40727007777\n')
  await system.api('POST', '/v1/campaigns/machines/start')
  await waitFor(() => judged.calls[0]?.answeredAt, { what: 'the answer', every: 5 })
  await waitFor(async () => /AMD/.test(await system.asterisk('core show channels concise')), {
    what: 'the detection',
    every: 5,
  })
  await system.service.end('SIGKILL')
  killed = true
  // The length of the gap: from 2 s on, a question that waits is asked once more.
  await sleep(2500)
  await system.service.start()
  back = true
  t.comment('back')
  await waitFor(async () => (await system.api('GET', `/v1/calls/${held.id}`)).state === 'up')
  const waiting = await held.call()
  const until = waiting.ear.packets + 100
  await waiting.until('music that goes on', () => waiting.ear.packets > until)
  await system.api('POST', `/v1/calls/${held.id}/tasks/desk`, { status: 'done', result: { text: 'Thursday' } })
  for (const [name, subject] of Object.entries({ story, waits, held, message, talk, alone, rings, gap })) {
    const record = await system.ended(subject.id)
    const { disposition, outcome, hangup_by, steps } = record
    t.comment(
      name,
      JSON.stringify({ disposition, outcome, hangup_by }),
      JSON.stringify(steps.map((s: Record<string, string>) => `${s.step} ${s.event}`)),
    )
    t.match(record, { disposition: 'completed', outcome: 'ended', hangup_by: 'flow' }, name)
    const call = await subject.call()
    t.equal(call.endedBy, 'far', `${name} was not left in silence`)
  }
  t.match(await system.ended(left.id), { disposition: 'hangup', hangup_by: 'unknown' }, 'who left meanwhile')
  t.match(await system.ended(refused.id), { disposition: 'unknown' }, 'who refused meanwhile')
  await waitFor(async () => (await system.results('machines')).length > 0, {
    timeout: 60_000,
    what: 'the verdict and all',
  })
  const [machine] = await system.results('machines')
  t.match(machine, { disposition: 'completed', outcome: 'ended', amd: String })
  t.comment('amd', machine.amd)
  await caller.ended
  t.equal(caller.endedBy, 'far')
  const file = recording(
    join(system.folder, 'data'),
    (await system.api('GET', `/v1/calls/${message.id}`)).recordings[0],
  )
  t.ok(file && isIn(file, voice), 'the message goes on over the kill')
  const dialogs = await exchange.dialogs()
  t.equal(new Set(dialogs.map(({ to }) => to)).size, dialogs.length, 'nobody was dialled twice')
  const metrics = await system.api('GET', '/metrics')
  t.match(metrics, /apel_takeovers_total 12/)
  t.match(metrics, /apel_calls_active\{direction="outbound"\} 0/)
})
