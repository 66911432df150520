/** `apel replay`: a call once more from its journal, by the flow that held it and by others. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { FlowEvent } from '../../../src/flow/io.ts'
import { beginOf, type Entry, Writer } from '../../../src/flow/journal.ts'
import { loadFlows } from '../../../src/flow/load.ts'
import { TEST_NOW, testCall } from '../../../src/flow/simulate.ts'
import { begin } from '../../../src/flow/step.ts'
import { aService } from './command.ts'

t.setTimeout(60_000)

const FLOW = `flow: visit
start: greet
steps:
  greet: { say: "Good morning, {contact.name}." }
  ask: { menu: "To confirm, press 1. To be called, press 2.", options: { "1": thanks, "2": later } }
  thanks: { hangup: { say: "Thank you.", outcome: confirmed } }
  later: { callback: "When may we call you?", on: { scheduled: hangup, declined: hangup, unavailable: hangup } }
`

const SWAPPED = FLOW.replace('"1": thanks, "2": later', '"1": later, "2": thanks')

/** The journal of a callee who lets us greet and then presses 1, as the API gives it. */
function confirmed(id: string) {
  const texts = [{ path: 'flows/visit.yaml', text: FLOW }]
  const program = loadFlows(texts).programs.get('visit')!
  const context = testCall({ id, contact: { name: 'Ana' } })
  const writer = new Writer(program, begin(program, context))
  const entries: Entry[] = [beginOf(program, context, TEST_NOW, 'texts')]
  let at = TEST_NOW
  const take = (event: (playing: string) => FlowEvent) => {
    entries.push(writer.take(event(writer.state.saying?.id ?? '')).entry)
    at += 1500
  }
  take(() => ({ type: 'start', at, verdict: 'human' }))
  take((id) => ({ type: 'played', at, id, ok: true }))
  take(() => ({ type: 'key', at, key: '1' }))
  take((id) => ({ type: 'played', at, id, ok: true }))
  take(() => ({ type: 'hangup', at, by: 'callee' }))
  return { id, entries: JSON.parse(JSON.stringify(entries)), texts }
}

/** A service that has the call `c1`, and a folder with this version of its flow. */
async function visits(t: Parameters<typeof aService>[0], text = FLOW) {
  const service = await aService(t)
  const journal = confirmed('c1')
  service.memory.journals.set('c1', journal)
  mkdirSync(join(service.cwd, 'scripts-yaml/flows'), { recursive: true })
  const file = join(service.cwd, 'scripts-yaml/flows/visit.yaml')
  writeFileSync(file, text)
  return { ...service, journal, file }
}

t.test('by the version that held it a call is the same, bit for bit', async (t) => {
  const { apel } = await visits(t)
  const { status, out } = await apel('replay', 'c1')
  t.equal(status, 0)
  t.match(out, /^c1: visit \w+, 5 inputs, \d+ effects: the same, bit for bit\n$/)
  t.match(JSON.parse((await apel('replay', 'c1', '--json')).out), {
    call: 'c1',
    flow: 'visit',
    inputs: 5,
    parts: null,
    words: null,
    stopped: null,
  })
})

t.test('it is replayed by its own texts, also when the file has changed meanwhile', async (t) => {
  const { apel } = await visits(t, SWAPPED)
  t.match(await apel('replay', 'c1'), { status: 0, out: /bit for bit/ })
})

t.test('by another version it shows the first step where the way parts', async (t) => {
  const { apel, cwd } = await visits(t)
  writeFileSync(join(cwd, 'visit.yaml'), SWAPPED)
  const { status, out } = await apel('replay', 'c1', '--flow', 'visit.yaml')
  t.equal(status, 1)
  t.match(out, /The way parts at ask, \+3\.0 s, input 3: key 1\n/)
  t.match(out, / {2}was\n {4}enters thanks .*\n.*says "Thank you\."/)
  t.match(out, / {2}would be\n {4}enters later /)
  t.match(JSON.parse((await apel('replay', 'c1', '--flow', 'visit.yaml', '--json')).out), {
    parts: { input: 3, at: 3000, step: 'ask', event: { type: 'key', key: '1' } },
  })
})

t.test('other words alone are told, and the way is followed to its end', async (t) => {
  const { apel, cwd } = await visits(t)
  writeFileSync(join(cwd, 'visit.yaml'), FLOW.replace('Good morning', 'Good evening'))
  const { status, out } = await apel('replay', 'c1', '--flow', 'visit.yaml')
  t.equal(status, 1)
  t.match(out, /Other words at the beginning, \+0\.0 s, input 1/)
  t.match(out, /says "Good morning, Ana\."/)
  t.match(out, /says "Good evening, Ana\."/)
  t.notMatch(out, /parts/)
})

t.test('a program that decides otherwise on the same flow is found out', async (t) => {
  const { apel, journal } = await visits(t)
  journal.entries[3].sum = 'another'
  t.match(await apel('replay', 'c1'), { status: 1, out: /It is not the same at ask.*this program decides otherwise/s })
})

t.test('a journal is read from a file, and needs no service', async (t) => {
  const { apel, cwd, journal } = await visits(t)
  writeFileSync(join(cwd, 'call.json'), JSON.stringify(journal))
  const off = ['--url', 'http://127.0.0.1:1']
  t.match(await apel('replay', '--journal', 'call.json', ...off), { status: 0, out: /bit for bit/ })
  writeFileSync(join(cwd, 'call.json'), JSON.stringify({ ...journal, texts: null }))
  t.match(
    await apel('replay', '--journal', 'call.json', ...off),
    { status: 0, out: /bit for bit/ },
    'by the file that is there',
  )
})

t.test('what is missing in a journal is told, with how far it goes', async (t) => {
  const { apel, journal } = await visits(t)
  journal.entries.splice(3, 0, { type: 'gap', at: TEST_NOW, lost: 2 })
  t.match(await apel('replay', 'c1'), { status: 1, out: /Not to the end: inputs are missing after the first 2/ })
})

t.test('a call without a journal, a file that is none, and neither of both', async (t) => {
  const { apel, cwd } = await visits(t)
  t.match(await apel('replay', 'nobody'), { status: 1, err: /nobody/ })
  writeFileSync(join(cwd, 'call.json'), '{ "entries": [] }')
  t.match(await apel('replay', '--journal', 'call.json'), { status: 1, err: /the journal is empty/ })
  writeFileSync(join(cwd, 'call.json'), 'hello')
  t.match(await apel('replay', '--journal', 'call.json'), { status: 2, err: /call\.json is no journal/ })
  t.match(await apel('replay'), { status: 2, err: /Name a call, or a file/ })
  t.match(await apel('replay', 'c1', '--url', 'http://127.0.0.1:1'), { status: 3 })
})
