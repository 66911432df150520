/** Person, machine or neither, on a whole system: the verdict comes within 2 s, and leads where the flow says. */
import t from 'tap'
import { answers } from '../../src/phones/behaviours.ts'
import { speech } from '../../src/phones/speech.ts'
import { startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

t.setTimeout(150_000)

const head = (name: string) => `flow: ${name}\nlanguage: en\nvoice: { name: en-gb, rate: 190 }\n`
const verdicts = `${head('verdicts')}
start: { human: person, machine: word, unsure: nobody }
steps:
  person: { say: "Good morning.", outcome: person, next: hangup }
  word: { voicemail: "Please call us back.", outcome: left, next: hangup }
  nobody: { say: "Hello?", outcome: nobody, next: hangup }
`
const plain = `${head('plain')}
start: greet
steps:
  greet: { say: "Good morning.", outcome: greeted, next: hangup }
`
const system = await startSystem({ flows: { verdicts, plain }, trunk: { cps: 10, channels: 10 } })
t.teardown(() => system.stop())

const hello = await speech('Alo?', 'ro')
const polite = await speech('Da, vă rog?', 'ro')
const machine = await speech(
  'You have reached the number of the Popescu family. We are not at home at the moment. Please leave us a message after the tone.',
)
const people: Record<string, Parameters<typeof answers>[0]> = {
  '1': (call) => call.say(hello),
  '2': (call) => call.say(polite),
  '3': (call) => call.say(machine),
  '4': async () => {},
}

/** Calls all of them by a flow, with the detector on; the records by the last digit, with ms from the answer to the verdict. */
// biome-ignore lint/suspicious/noExplicitAny: records are looked at field by field
async function called(flow: string, prefix: string): Promise<Record<string, any>> {
  const numbers = Object.keys(people).map((digit) => `${prefix}${digit}`)
  for (const number of numbers) system.exchange.phone(number, answers(people[number.at(-1)!]))
  system.exchange.phone(
    `${prefix}5`,
    answers(async () => {}, { silence: false }),
  )
  await system.api('PUT', `/v1/campaigns/${flow}`, {
    ...{ campaign: flow, flow, contacts: { key: 'phone', number: 'phone' }, retry: { silent: false } },
    dial: { amd: true },
  })
  await system.contacts(flow, `phone\n${[...numbers, `${prefix}5`].join('\n')}\n`)
  await system.api('POST', `/v1/campaigns/${flow}/start`, {})
  await waitFor(async () => (await system.api('GET', `/v1/campaigns/${flow}`)).state === 'finished', {
    ...{ timeout: 60_000, every: 200, what: 'the end of the campaign' },
  })
  const records = await system.results(flow)
  return Object.fromEntries(
    await Promise.all(
      records.map(async ({ id, number }) => {
        const call = await system.api('GET', `/v1/calls/${id}`)
        const begun = Date.parse(call.steps[0]?.at ?? call.ended_at)
        return [number.at(-1), { ...call, verdict: begun - Date.parse(call.answered_at) }] as const
      }),
    ),
  )
}

t.test('a word and a pause is a person, a voice that goes on is a machine, silence is neither', async (t) => {
  const calls = await called('verdicts', '+4071110000')
  t.match(calls['1'], { amd: 'human', outcome: 'person', disposition: 'completed' }, '"Alo?"')
  t.match(calls['2'], { amd: 'human', outcome: 'person', disposition: 'completed' }, '"Da, vă rog?"')
  t.match(calls['3'], { amd: 'machine', outcome: 'left', disposition: 'machine' })
  t.match(calls['4'], { amd: 'unsure', outcome: 'nobody', disposition: 'completed' })
  t.match(calls['5'], { amd: 'unsure', outcome: 'nobody', disposition: 'completed' }, 'no audio at all')
  for (const [who, { verdict }] of Object.entries(calls)) t.comment(`${who}: ${verdict} ms`)
  for (const [who, { verdict }] of Object.entries(calls)) t.ok(verdict < 2500, `${who}: ${verdict} ms`)
})

t.test('without a start of its own a machine is hung up, and silence counts as a person', async (t) => {
  const calls = await called('plain', '+4071120000')
  t.match(calls['1'], { amd: 'human', outcome: 'greeted' })
  t.match(calls['3'], { amd: 'machine', outcome: null, disposition: 'machine', hangup_by: 'flow', last_step: null })
  t.match(calls['4'], { amd: 'unsure', outcome: 'greeted' })
})
