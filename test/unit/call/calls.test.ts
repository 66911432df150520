import t from 'tap'
import { makeCalls } from '../../../src/call/calls.ts'
import type { DialOrder, Line, LineEvent, Telephony } from '../../../src/call/ports.ts'
import { ApelError } from '../../../src/errors.ts'
import { contextOf, memoryPorts, programOf, recordOf } from './a-call.ts'
import { handClock, handLine, settled } from './by-hand.ts'

const program = programOf(`
  greet: { say: "Hello." }
  bye: { hangup: true }`)

/** A node whose dial a test answers. */
function setUp() {
  const clock = handClock()
  const { ports, ledger, events, voice } = memoryPorts(clock)
  const line = handLine()
  const node = {
    dials: [] as DialOrder[],
    answer: async (): Promise<Line> => line,
    tell: (_: LineEvent) => {},
  }
  const telephony = {
    node: 'local',
    ready: () => true,
    reason: () => null,
    async dial(order: DialOrder, listener: (event: LineEvent) => void) {
      node.dials.push(order)
      node.tell = listener
      return node.answer()
    },
    attach(_: string, listener: (event: LineEvent) => void) {
      node.tell = listener
      return line
    },
    onInbound() {},
    app: 'apel-test-1',
    startup: () => '',
    bridge: async () => {},
    bridged: async () => null,
    recordBridge: async () => {},
    unbridge: async () => {},
  } satisfies Telephony
  const calls = makeCalls(ports)
  const id = line.id
  const order = {
    id,
    endpoint: 'PJSIP/+40711111111@carrier',
    callerId: null,
    ring: 25_000,
    absolute: 600_000,
    amd: false,
  }
  const outbound = () => calls.outbound({ record: recordOf(id), program, context: contextOf(id), order, telephony })
  const inbound = () =>
    calls.inbound({
      record: { ...recordOf(id), kind: 'inbound' },
      program,
      context: contextOf(id, 'inbound'),
      telephony,
    })
  const tell = async (event: object) => {
    node.tell({ at: clock.now(), ...event } as LineEvent)
    await settled()
  }
  return { calls, clock, ledger, events, voice, line, node, telephony, outbound, inbound, tell, id }
}

t.test('the dial is written down before it is made, and the texts are ready before it', async (t) => {
  const { calls, ledger, node, outbound, tell, voice, clock, line, id } = setUp()
  let ready = () => {}
  voice.late.set(
    'Hello.',
    new Promise<void>((resolve) => {
      ready = resolve
    }),
  )
  const { dialed, over } = outbound()
  await settled()
  t.same([ledger.updates, node.dials], [[], []])
  ready()
  await dialed
  t.match(ledger.updates, [{ dialed_at: clock.now(), node: 'local', state: 'dialing' }])
  t.match(node.dials, [{ id }])
  t.equal(calls.registry.get(id)?.state, 'dialing')
  await tell({ type: 'answered' })
  t.match(line.asked, [/Hello/])
  await tell({ type: 'ended', cause: null, sip: null, by: 'callee' })
  t.match(await over, { disposition: 'hangup', dialed_at: Number })
  t.equal(calls.registry.size, 0)
})

t.test('a call that is stopped while its texts are made is not dialled', async (t) => {
  const { calls, node, outbound, voice, clock, id } = setUp()
  voice.late.set('Hello.', new Promise<void>((resolve) => void clock.setTimeout(resolve, 1000)))
  const { over } = outbound()
  await settled()
  t.equal(calls.registry.hangup(id), true)
  await clock.pass(1000)
  t.match(await over, { disposition: 'cancelled', hangup_by: 'operator', dialed_at: null })
  t.same(node.dials, [])
})

t.test('a call that has nothing to say is not dialled', async (t) => {
  const { node, outbound, voice } = setUp()
  voice.files = async () => {
    throw new ApelError('speech_missing', 'no espeak-ng')
  }
  t.match(await outbound().over, { disposition: 'technical', dialed_at: null })
  t.same(node.dials, [])
})

t.test('one text that cannot be spoken keeps no call from being dialled', async (t) => {
  const { node, outbound, voice } = setUp()
  voice.broken.add('Hello.')
  await outbound().dialed
  t.equal(node.dials.length, 1)
})

t.test('without the ledger nothing is dialled', async (t) => {
  const { node, ledger, outbound, clock } = setUp()
  ledger.mood = 'failing'
  const { over } = outbound()
  await clock.pass(1000)
  t.same(node.dials, [])
  ledger.mood = 'well'
  await clock.pass(10_000)
  t.match(await over, { disposition: 'technical', dialed_at: null })
})

t.test('a call that the ledger holds back before its dial is no call: nobody is told of it', async (t) => {
  const { node, ledger, events, outbound, calls } = setUp()
  ledger.mood = 'holding'
  await outbound().over
  t.same(node.dials, [])
  t.same(events, [])
  t.equal(calls.registry.size, 0)
})

t.test('a dial that the node refuses is the trunk’s fault; one of an id that lives is unknown', async (t) => {
  for (const [code, disposition] of [
    ['endpoint_refused', 'trunk_error'],
    ['node_down', 'trunk_error'],
    ['channel_exists', 'unknown'],
  ] as const) {
    const { node, outbound } = setUp()
    node.answer = async () => {
      throw new ApelError(code, 'no')
    }
    t.match(await outbound().over, { disposition, dialed_at: Number, answered_at: null })
  }
})

t.test('events that come before the answer to the dial wait for it', async (t) => {
  const { node, outbound, tell, line, clock } = setUp()
  let answer = (_: Line) => {}
  node.answer = () =>
    new Promise((resolve) => {
      answer = resolve
    })
  const { over } = outbound()
  await settled()
  await tell({ type: 'ringing' })
  await tell({ type: 'answered' })
  t.same(line.asked, [])
  answer(line)
  await clock.pass(0)
  t.match(line.asked, [/Hello/])
  await tell({ type: 'ended', cause: null, sip: null, by: 'callee' })
  await over
})

t.test('a call that is stopped while it is being dialled is hung up as soon as it can be', async (t) => {
  const { calls, node, outbound, tell, line, id } = setUp()
  let answer = (_: Line) => {}
  node.answer = () =>
    new Promise((resolve) => {
      answer = resolve
    })
  const { over } = outbound()
  await settled()
  calls.registry.hangup(id)
  await settled()
  answer(line)
  await settled()
  t.same(line.asked, ['hangup'])
  await tell({ type: 'ended', cause: 16, sip: null, by: 'us' })
  t.match(await over, { disposition: 'cancelled' })
})

t.test('an inbound call rings, is answered when its texts are ready, and talks', async (t) => {
  const { inbound, tell, line, voice, clock } = setUp()
  voice.late.set('Hello.', new Promise<void>((resolve) => void clock.setTimeout(resolve, 1000)))
  const over = inbound()
  await settled()
  t.same(line.asked, ['ring'])
  await clock.pass(1000)
  t.match(line.asked, ['ring', 'answer', /Hello/])
  await tell({ type: 'answered' })
  t.equal(line.asked.length, 3, 'it begins once')
  await tell({ type: 'ended', cause: null, sip: null, by: 'callee' })
  t.match(await over, { disposition: 'hangup', hangup_by: 'callee', answered_at: Number })
})

t.test('a caller does not listen to ringing until a slow engine is done', async (t) => {
  const { inbound, tell, line, voice, clock } = setUp()
  voice.late.set('Hello.', new Promise(() => {}))
  const over = inbound()
  await clock.pass(4000)
  t.match(line.asked.slice(0, 2), ['ring', 'answer'])
  await tell({ type: 'ended', cause: null, sip: null, by: 'callee' })
  await over
})

t.test('a caller who gives up before the answer', async (t) => {
  const { inbound, tell, voice, clock } = setUp()
  voice.late.set('Hello.', new Promise<void>((resolve) => void clock.setTimeout(resolve, 1000)))
  const over = inbound()
  await settled()
  await tell({ type: 'ended', cause: null, sip: null, by: 'callee' })
  t.match(await over, { disposition: 'no_answer', hangup_by: 'callee', answered_at: null })
  await clock.pass(5000)
  t.equal(clock.set(), 0)
})

t.test('a number without a flow says so, whatever fails on the way, and its record is blocked', async (t) => {
  for (const fail of [null, 'voice', 'answer', 'play', 'hangup', 'silence'] as const) {
    const { calls, telephony, tell, line, ledger, clock, voice, id } = setUp()
    if (fail === 'voice')
      voice.files = async () => {
        throw new Error('no voice')
      }
    else if (fail) line.fail(fail, new Error('no'))
    const over = calls.notInUse({ record: recordOf(id), language: 'en', telephony })
    await settled()
    if (fail === null) {
      t.match(line.asked, ['answer', /not in use/])
      await tell({ type: 'played', id: line.asked[1]!.split(' ')[1], ok: true })
      await tell({ type: 'ended', cause: 16, sip: null, by: 'us' })
    } else await clock.pass(30_000)
    t.match(await over, { disposition: 'blocked', hangup_by: 'flow', ended_at: Number })
    t.ok(line.released)
    t.equal(line.asked.at(-1), 'hangup')
    t.equal(ledger.finished.length, 1)
    t.equal(clock.set(), 0)
  }
})

t.test('draining waits for the last call, and no longer than it is told to', async (t) => {
  const { calls, clock, outbound, tell } = setUp()
  t.equal(await calls.registry.drained(clock, 0), true)
  const { dialed, over } = outbound()
  await dialed
  const short = calls.registry.drained(clock, 1000)
  await clock.pass(1000)
  t.equal(await short, false)
  const long = calls.registry.drained(clock, 60_000)
  calls.registry.hangupAll({ by: 'operator', disposition: 'cancelled' })
  await settled()
  await tell({ type: 'ended', cause: 16, sip: null, by: 'us' })
  await over
  t.equal(await long, true)
  t.equal(calls.registry.size, 0)
})
