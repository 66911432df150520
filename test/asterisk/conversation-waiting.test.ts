/** Waiting on a real line: music on hold, tasks, agreed calls, sounds that are not ready. Side by side, on own numbers. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { answers } from '../../src/phones/behaviours.ts'
import { waitFor } from '../support/wait.ts'
import { programOf } from '../unit/call/a-call.ts'
import { longestSilence, startStage } from './conversation-stage.ts'

t.setTimeout(120_000)
t.jobs = 8

/** A service that takes `?ms=` over its answer, or never gives one. */
const seen: string[] = []
const server = createServer((request, response) => {
  seen.push(request.url!)
  const ms = Number(new URL(request.url!, 'http://x').searchParams.get('ms'))
  if (request.url!.startsWith('/never')) return
  setTimeout(() => response.setHeader('Content-Type', 'application/json').end('{"balance":42}'), ms)
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

/** Texts that the voice takes its time over. */
const slow = new Map<string, number>()
const stage = await startStage({
  allowHosts: [base.slice('http://'.length)],
  voice: (real) => ({
    ...real,
    async files(parts) {
      for (const part of parts) if ('text' in part) await sleep(slow.get(part.text) ?? 0)
      return real.files(parts)
    },
  }),
})
t.teardown(async () => {
  server.closeAllConnections()
  server.close()
  await stage.stop()
})

const onHold = (task: string, more = '') =>
  programOf(
    `
  wait: { hold: "One minute, please.", task: ${task}, save: found, ${more} on: { done: say, failed: sorry, max_hold: sorry } }
  say: { hangup: { say: "Your balance is {string(found.balance)}.", outcome: told } }
  sorry: { hangup: { say: "I am sorry.", outcome: failed } }`,
    'vars: { found: {} }',
  )

t.test('music plays while a service is asked, then thanks and the answer', async (t) => {
  const program = onHold(`{ http: { method: GET, url: "${base}/a?ms=2500" } }`)
  const told = await stage.dial(program, answers())
  t.match(told.record, { disposition: 'completed', outcome: 'told' })
  t.ok(await stage.heard(told, program, 'Thank you for waiting.'))
  t.ok(longestSilence(told) < 1000, `the longest silence: ${longestSilence(told)} ms`)
})

t.test('a hold whose task never answers comes back at its check_back and makes the offer', async (t) => {
  const program = onHold(`{ http: { method: GET, url: "${base}/never" } }`, 'check_back: 4s,')
  const told = await stage.dial(
    program,
    answers(async (call) => {
      await call.at(12_000)
      await call.hangUp()
    }),
  )
  t.match(told.record, { disposition: 'hangup', hangup_by: 'callee' })
  t.ok(await stage.heard(told, program, 'Thank you for waiting.'))
  // One minute, please: then exactly check_back of music.
  const entries = told.journal.filter(({ type }) => type === 'timer' || type === 'played')
  const [text, back] = entries
  t.match(entries, [{ type: 'played' }, { type: 'timer' }])
  t.equal(back!.at - text!.at, 4000)
  t.ok(
    await stage.heard(told, program, 'I do not have the answer yet. To wait on, press 1. To be called back, press 2.'),
  )
  t.equal(seen.filter((url) => url === '/never').length, 1, 'one request')
})

t.test('an external task is finished over the registry', async (t) => {
  const program = onHold('{ external: lookup }')
  const over = stage.dial(program, answers())
  const id = stage.newest()
  const entered = () => stage.events.some(({ type, data }) => type === 'call.step' && data.id === id)
  await waitFor(entered, { what: 'the hold' })
  stage.calls.registry.get(id)!.finishTask('lookup', 'done', { balance: 7 })
  const told = await over
  t.match(told.record, { disposition: 'completed', outcome: 'told', vars: { found: { balance: 7 } } })
})

t.test('an agreed call is read back and kept', async (t) => {
  const program = programOf(`
  later: { callback: "When may we call you?", choices: [30m, enter_time], on: { scheduled: hangup, declined: hangup } }`)
  const told = await stage.dial(
    program,
    answers(async (call) => {
      await call.hears(1)
      await call.after(1000)
      await call.press('1')
    }),
  )
  t.match(told.record, { disposition: 'callback', hangup_by: 'flow', callback_at: Number })
  const due = told.record.callback_at! - told.journal.find(({ type }) => type === 'key')!.at
  t.equal(due, 30 * 60_000)
  t.equal(stage.callbacks.at(-1)?.due_at, told.record.callback_at)
})

t.test('typed digits are gathered, one by one or all at once', async (t) => {
  const program = programOf(
    `
  ask: { gather: "Please type your code.", save: code, num_digits: 4 }
  say: { hangup: { say: ["Your code is", { say_as: digits, value: "{code}" }], outcome: typed } }`,
    'vars: { code: "" }',
  )
  for (const press of [
    async (call: { press(keys: string, timing?: object): Promise<void> }) => call.press('4711'),
    async (call: { press(keys: string, timing?: object): Promise<void> }) => call.press('4711', { hold: 60, gap: 700 }),
  ]) {
    const told = await stage.dial(
      program,
      answers(async (call) => {
        await call.hears(1)
        await press(call)
      }),
    )
    t.match(told.record, { disposition: 'completed', outcome: 'typed', vars: { code: '4711' } })
  }
})

t.test('a sound that is not ready is not waited for in silence', async (t) => {
  const program = programOf(`
  first: { say: "This is ready." }
  second: { hangup: { say: "This one took a while, call {call.id}." } }`)
  // Its id is known only in the call, so that it cannot have been made before.
  const next = `talk-${String(Number(stage.newest().slice(5) || 0) + 1).padStart(4, '0')}`
  slow.set(`This one took a while, call ${next}.`, 3000)
  const told = await stage.dial(program, answers())
  t.equal(told.record.id, next)
  t.match(told.record, { disposition: 'completed' })
  const { answeredAt, endedAt } = told.phone
  t.ok(endedAt! - answeredAt! > 6000, 'it did take a while')
  t.ok(longestSilence(told) < 1000, `the longest silence: ${longestSilence(told)} ms`)
  t.comment(`the longest silence: ${longestSilence(told)} ms`)
})

t.test('what on_hangup asks is asked once, after they have gone', async (t) => {
  const program = programOf(
    `
  greet: { say: "Good morning. This is a rather long greeting that nobody hears to its end." }
  bye: { hangup: true }`,
    `on_hangup: [ { http: { method: POST, url: "${base}/gone", json: { id: "{call.id}" } } } ]`,
  )
  const told = await stage.dial(
    program,
    answers(async (call) => {
      await call.at(400)
      await call.hangUp()
    }),
  )
  t.match(told.record, { disposition: 'hangup', hangup_by: 'callee' })
  t.equal(seen.filter((url) => url === '/gone').length, 1)
})

t.test('nothing is left when all is over', { buffered: false }, async (t) => {
  await waitFor(() => stage.calls.registry.size === 0, { timeout: 60_000 })
  await waitFor(async () => (await stage.channels()) === 0)
  t.pass()
})
