/** Messages and opt-outs on a whole system: what the API shows of them afterwards. */
import { join } from 'node:path'
import t from 'tap'
import { answers } from '../../src/phones/behaviours.ts'
import { isIn } from '../../src/phones/ear.ts'
import { speech } from '../../src/phones/speech.ts'
import { recording } from '../support/recording.ts'
import { startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

t.setTimeout(120_000)

const flow = (name: string, head: string, steps: string) => `
flow: ${name}
language: en
voice: { name: en-gb, rate: 190 }
${head}
steps:
${steps}
`
const message = flow(
  'message',
  'start: leave\nvars: { word: "" }',
  `
  leave: { record: "Please speak.", save: word, final_silence: 1s }
  thanks: { say: "Thank you.", outcome: left, next: hangup }`,
)
const never = flow('never', 'start: stop', '\n  stop: { opt_out: "We will not call you again." }')

const system = await startSystem({ flows: { message, never } })
t.teardown(() => system.stop())
const { exchange } = system

t.test('a message is a file whose name stands in the record', async (t) => {
  const voice = await speech('I would like another date')
  exchange.phone(
    '+40711111111',
    answers(async (call) => {
      await call.heard(1)
      await call.say(voice)
    }),
  )
  const { id } = await system.api('POST', '/v1/calls', { to: '+40711111111', flow: 'message' })
  const call = await system.ended(id)
  t.match(call, { outcome: 'left', recordings: [call.vars.word] })
  const kept = await waitFor(() => recording(join(system.folder, 'data'), call.recordings[0]), { what: 'the file' })
  t.ok(isIn(kept, voice))

  const exported = JSON.parse((await system.apel(['number', 'export', '+40711111111'])).stdout)
  t.match(exported.attempts, [{ id, recordings: call.recordings, state: 'ended' }])
  t.ok(exported.attempts[0].journal.length > 2, 'with its journal')
  t.match(await system.apel(['number', 'erase', '+40711111111']), { code: 0 })
  t.notOk(await recording(join(system.folder, 'data'), call.recordings[0]), 'the file is gone as well')
  await t.rejects(system.api('GET', `/v1/calls/${id}`), { message: /404/ })
})

t.test('who opts out is on the list, and is not called again', async (t) => {
  exchange.phone('+40711111119', answers())
  const { id } = await system.api('POST', '/v1/calls', { to: '+40711111119', flow: 'never' })
  t.match(await system.ended(id), { disposition: 'opted_out' })
  const { items } = await system.api('GET', '/v1/dnc')
  t.ok(items.some(({ number }: { number: string }) => number === '+40711111119'))
  await t.rejects(system.api('POST', '/v1/calls', { to: '+40711111119', flow: 'never' }), { message: /422/ })
})
