import t, { type Test } from 'tap'
import { ApelError } from '../../../src/errors.ts'
import { type ACall, aCall, programOf } from './a-call.ts'
import { settled } from './by-hand.ts'

const survey = programOf(`
  greet: { say: "Hello." }
  ask:
    menu: "Press 1."
    options:
      "1": { say: "Thanks.", outcome: confirmed, goto: hangup }`)

/** A test that ends with a closed record and leaves no timer, no line and no call behind. */
function test(name: string, body: (t: Test, call: ACall) => Promise<void>, options: Parameters<typeof aCall>[1] = {}) {
  t.test(name, async (t) => {
    const a = aCall(survey, options)
    await body(t, a)
    await settled()
    t.equal(a.ledger.finished.length, 1, 'finished exactly once')
    t.equal(a.events.filter(({ type }) => type === 'call.ended').length, 1)
    t.equal(a.clock.set(), 0, 'no timer is left')
    t.ok(a.line.released, 'the line is given back')
  })
}

const final = (a: ACall) => a.ledger.finished[0]?.record

t.test('a task that was finished before the answer is not lost: the hold takes it at once', async (t) => {
  const waiting = programOf(`
  wait: { hold: "One minute.", task: { external: desk }, on: { done: tell, failed: hangup } }
  tell: { say: "It is done.", outcome: told, next: hangup }`)
  const a = aCall(waiting)
  a.call.finishTask('desk', 'done', {})
  await a.tell({ type: 'answered' })
  for (let said = 0; said < 4 && a.line.asked.at(-1) !== 'hangup'; said += 1) await a.heard()
  t.match(a.line.asked.join(), /It is done/)
  await a.tell({ type: 'ended', cause: 16, sip: null, by: 'us' })
  await settled()
  t.match(final(a), { disposition: 'completed', outcome: 'told' })
})

test('a conversation from ring to record', async (t, a) => {
  await a.tell({ type: 'ringing' })
  await a.clock.pass(3000)
  await a.tell({ type: 'answered' })
  t.same(a.line.asked, ['play call-1.p2 /Hello.'])
  await a.clock.pass(1000)
  await a.heard()
  await a.clock.pass(400)
  await a.tell({ type: 'key', key: '1' })
  t.match(a.line.asked.slice(1), [/^play .* \/Press 1\.$/, /^stop /, /^play .* \/Thanks\.$/])
  await a.heard()
  t.equal(a.line.asked.at(-1), 'hangup')
  t.equal(a.ledger.finished.length, 0, 'the end of the channel is waited for')
  await a.tell({ type: 'ended', cause: 16, sip: null, by: 'us' })
  t.match(final(a), {
    disposition: 'completed',
    hangup_by: 'flow',
    outcome: 'confirmed',
    last_step: 'ask',
    cause: 16,
    answered_at: Number,
    ringing_at: Number,
    ended_at: Number,
  })
  t.same(
    a.ledger.journal.map(({ type }) => type),
    ['begin', 'start', 'played', 'key', 'played'],
  )
  t.same(
    a.ledger.steps.map(({ step, event }) => [step, event]),
    [
      ['greet', 'start'],
      ['ask', 'next'],
    ],
  )
  t.match(a.ledger.updates, [{ state: 'ringing' }, { state: 'up' }])
})

test('the end of a sound that was stopped meanwhile reaches nobody', async (t, a) => {
  await a.tell({ type: 'answered' })
  await a.tell({ type: 'key', key: '1' })
  const asked = a.line.asked.length
  await a.tell({ type: 'played', id: 'call-1.p2', ok: true })
  await a.tell({ type: 'played', id: 'call-1.p2', ok: true })
  t.equal(a.line.asked.length, asked)
  t.same(
    a.ledger.journal.map(({ type }) => type),
    ['begin', 'start', 'key'],
  )
  await a.tell({ type: 'ended', cause: null, sip: null, by: 'callee' })
})

test('answers of the node may come after the events that they caused', async (t, a) => {
  const answer = a.line.stall('play')
  await a.tell({ type: 'answered' })
  await a.tell({ type: 'played', id: 'call-1.p2', ok: true })
  answer()
  await settled()
  t.match(a.line.asked, [/Hello/, /Press 1/])
  await a.tell({ type: 'ended', cause: null, sip: null, by: 'callee' })
})

for (const [moment, before] of [
  ['as it is answered', async () => {}],
  ['in a prompt', async (a: ACall) => a.clock.pass(500)],
  ['between two prompts', async (a: ACall) => a.heard()],
  [
    'while a sound is being made',
    async (a: ACall) => {
      a.voice.late.set('Press 1.', new Promise(() => {}))
      await a.heard()
      await a.clock.pass(1000)
    },
  ],
  [
    'while they talk',
    async (a: ACall) => {
      a.line.packets = 100
      await a.tell({ type: 'talk', on: true })
      await a.clock.pass(2000)
    },
  ],
  [
    'while it waits for a key',
    async (a: ACall) => {
      await a.heard()
      await a.heard()
      await a.clock.pass(1000)
    },
  ],
] as [string, (a: ACall) => Promise<void>][])
  test(`they hang up ${moment}`, async (t, a) => {
    await a.tell({ type: 'answered' })
    await before(a)
    await a.tell({ type: 'ended', cause: null, sip: null, by: 'callee' })
    t.match(final(a), { disposition: 'hangup', hangup_by: 'callee' })
    const asked = a.line.asked.length
    await a.tell({ type: 'key', key: '1' })
    await a.clock.pass(60_000)
    t.equal(a.line.asked.length, asked, 'nothing is asked of a line that is gone')
  })

test('a call that is not answered', async (t, a) => {
  await a.tell({ type: 'ringing' })
  await a.tell({ type: 'ended', cause: 17, sip: 486, by: 'callee' })
  t.match(final(a), { disposition: 'busy', cause: 17, sip_code: 486, hangup_by: 'callee', answered_at: null })
  t.same(a.ledger.journal, [])
})

test('a call that the node does not take', async (t, a) => {
  a.call.refuse('trunk_error')
  await settled()
  t.match(final(a), { disposition: 'trunk_error', answered_at: null })
})

test('two silences, then our hang-up', async (t, a) => {
  await a.tell({ type: 'answered' })
  await a.heard()
  await a.heard()
  await a.clock.pass(5000)
  t.match(a.line.asked.at(-1), /Please speak/)
  await a.heard()
  await a.clock.pass(4999)
  t.match(a.line.asked.at(-1), /Please speak/)
  await a.clock.pass(1)
  t.match(a.line.asked.at(-1), /I cannot hear you/)
  await a.heard()
  t.equal(a.line.asked.at(-1), 'hangup', 'at once')
  await a.tell({ type: 'ended', cause: 16, sip: null, by: 'us' })
  t.match(final(a), { disposition: 'silent', hangup_by: 'flow' })
})

test('a voice without a key is not understood, and the timeout starts when it stops', async (t, a) => {
  a.line.packets = 1000
  await a.tell({ type: 'answered' })
  await a.heard()
  await a.heard()
  await a.clock.pass(4900)
  await a.tell({ type: 'talk', on: true })
  for (let n = 0; n < 4; n += 1) {
    a.line.packets += 25
    await a.clock.pass(500)
  }
  await a.clock.pass(240)
  await a.tell({ type: 'talk', on: false })
  await a.clock.pass(5000 - 240 - 1)
  t.match(a.line.asked.at(-1), /Press 1/, 'the timeout that ran out while they began was held back')
  await a.clock.pass(1)
  t.match(a.line.asked.at(-1), /I did not understand/)
  await a.tell({ type: 'ended', cause: null, sip: null, by: 'callee' })
})

test(
  'one who is talking already when the flow begins is heard',
  async (t, a) => {
    a.line.packets = 1000
    await a.tell({ type: 'answered' })
    await a.tell({ type: 'talk', on: true })
    await a.clock.pass(1500)
    await a.tell({ type: 'amd', status: 'HUMAN', cause: '' })
    await a.clock.pass(0)
    t.ok(a.ledger.journal.some(({ type }) => type === 'talk'))
    await a.tell({ type: 'ended', cause: null, sip: null, by: 'callee' })
  },
  { amd: true },
)

test('a cough at the end of a timeout does not stop it', async (t, a) => {
  a.line.packets = 1000
  await a.tell({ type: 'answered' })
  await a.heard()
  await a.heard()
  await a.clock.pass(4900)
  await a.tell({ type: 'talk', on: true })
  await a.clock.pass(150 + 240)
  t.match(a.line.asked.at(-1), /Press 1/)
  await a.tell({ type: 'talk', on: false })
  await a.clock.pass(0)
  t.match(a.line.asked.at(-1), /Please speak/)
  await a.tell({ type: 'ended', cause: null, sip: null, by: 'callee' })
})

test(
  'the flow begins with the verdict',
  async (t, a) => {
    await a.tell({ type: 'answered' })
    t.same(a.line.asked, [])
    await a.clock.pass(1500)
    await a.tell({ type: 'amd', status: 'HUMAN', cause: '' })
    t.match(a.line.asked, [/Hello/])
    await a.tell({ type: 'ended', cause: null, sip: null, by: 'callee' })
    t.match(final(a), { amd: 'human', disposition: 'hangup' })
  },
  { amd: true },
)

test(
  'a verdict that does not come is unsure, and one that comes later changes nothing',
  async (t, a) => {
    await a.tell({ type: 'answered' })
    await a.clock.pass(6000)
    t.match(a.line.asked, [/Hello/])
    await a.tell({ type: 'amd', status: 'MACHINE', cause: '' })
    await a.tell({ type: 'ended', cause: null, sip: null, by: 'callee' })
    t.match(final(a), { amd: 'unsure', disposition: 'hangup' })
  },
  { amd: true },
)

test(
  'a machine is hung up',
  async (t, a) => {
    await a.tell({ type: 'answered' })
    await a.tell({ type: 'amd', status: 'MACHINE', cause: 'LONGGREETING' })
    t.same(a.line.asked, ['hangup'])
    await a.tell({ type: 'ended', cause: 16, sip: null, by: 'us' })
    t.match(final(a), { amd: 'machine', disposition: 'machine' })
  },
  { amd: true },
)

test(
  'they hang up while a machine is being told from a person',
  async (t, a) => {
    await a.tell({ type: 'answered' })
    await a.tell({ type: 'ended', cause: null, sip: null, by: 'callee' })
    t.match(final(a), { amd: null, disposition: 'hangup', hangup_by: 'callee' })
  },
  { amd: true },
)

test('an operator ends a call that talks', async (t, a) => {
  await a.tell({ type: 'answered' })
  a.call.hangup({ by: 'operator', disposition: 'cancelled' })
  a.call.hangup({ by: 'operator', disposition: 'cancelled' })
  await settled()
  t.equal(a.line.asked.filter((asked) => asked === 'hangup').length, 1)
  await a.tell({ type: 'ended', cause: 16, sip: null, by: 'us' })
  t.match(final(a), { disposition: 'cancelled', hangup_by: 'operator' })
})

test('an operator ends a call that rings', async (t, a) => {
  await a.tell({ type: 'ringing' })
  a.call.hangup({ by: 'operator', disposition: 'cancelled' })
  await settled()
  t.same(a.line.asked, ['hangup'])
  await a.tell({ type: 'ended', cause: 127, sip: 487, by: 'us' })
  t.match(final(a), { disposition: 'cancelled', hangup_by: 'operator', answered_at: null })
})

test('one that is answered in the race with its cancelling never begins to talk', async (t, a) => {
  a.call.hangup({ by: 'operator', disposition: 'cancelled' })
  await a.tell({ type: 'answered' })
  t.same(a.line.asked, ['hangup'])
  await a.tell({ type: 'ended', cause: 16, sip: null, by: 'us' })
  t.match(final(a), { disposition: 'cancelled' })
})

test('an end that is never told is not waited for', async (t, a) => {
  await a.tell({ type: 'answered' })
  a.call.hangup({ by: 'operator', disposition: 'cancelled' })
  await a.clock.pass(14_999)
  t.equal(a.ledger.finished.length, 0)
  await a.clock.pass(1)
  t.match(final(a), { disposition: 'cancelled', ended_at: Number })
})

test(
  'a call of which nothing is ever told is closed as unknown',
  async (t, a) => {
    await a.clock.pass(90_000)
    t.match(final(a), { disposition: 'unknown', hangup_by: 'unknown' })
    t.equal(a.line.asked.at(-1), 'hangup', 'and its channel is asked to end')
  },
  { longest: 90_000 },
)

test('the node is lost with the call', async (t, a) => {
  await a.tell({ type: 'answered' })
  await a.tell({ type: 'ended', cause: null, sip: null, by: 'network' })
  t.match(final(a), { disposition: 'technical', hangup_by: 'network' })
})

test('a fault of ours ends the call and its record says so', async (t, a) => {
  await a.tell({ type: 'answered' })
  const bad = { type: 'key' } as never
  Object.defineProperty(bad, 'at', {
    get() {
      throw new Error('a bug')
    },
  })
  a.call.listen(bad)
  await settled()
  t.match(final(a), { disposition: 'technical' })
  t.equal(a.line.asked.at(-1), 'hangup')
})

test('a ledger that hangs holds up neither the talk nor, in the end, the record', async (t, a) => {
  await a.tell({ type: 'answered' })
  a.ledger.mood = 'hanging'
  await a.heard()
  await a.clock.pass(249)
  t.match(a.line.asked.at(-1), /Hello/, 'the journal goes first')
  await a.clock.pass(1)
  t.match(a.line.asked.at(-1), /Press 1/)
  a.ledger.mood = 'failing'
  await a.tell({ type: 'ended', cause: null, sip: null, by: 'callee' })
  await a.clock.pass(20_000)
  t.equal(a.ledger.finished.length, 0)
  a.ledger.mood = 'well'
  await a.clock.pass(5000)
})

test('a sound that cannot be played leads to the apology, and never to silence', async (t, a) => {
  a.voice.broken.add('Hello.')
  await a.tell({ type: 'answered' })
  await a.clock.pass(300)
  t.match(a.line.asked.at(-1), /technical/)
  await a.tell({ type: 'ended', cause: null, sip: null, by: 'callee' })
})

test('a request that is refused because they just hung up is their hang-up', async (t, a) => {
  a.line.fail('play', new ApelError('channel_gone', 'gone'))
  await a.tell({ type: 'answered' })
  await a.clock.pass(1000)
  await a.tell({ type: 'ended', cause: null, sip: null, by: 'callee' })
  t.match(final(a), { disposition: 'hangup', hangup_by: 'callee' })
})

t.test('a situation that is raised goes into the flow, and one that it has not does not', async (t) => {
  const a = aCall(
    programOf('  ask: { menu: "Press 1.", options: { "1": hangup } }', 'situations: { threats: { then: hangup } }'),
  )
  await a.tell({ type: 'answered' })
  t.equal(a.call.raise('thunder'), false)
  t.equal(a.call.raise('threats'), true)
  await settled()
  await a.tell({ type: 'ended', cause: 16, sip: null, by: 'us' })
  t.match(final(a), { disposition: 'completed', outcome: 'threats' })
})

t.test(
  'a conversation that is held at another hour agrees on times of that hour, and the ledger has the true ones',
  async (t) => {
    const later = programOf(`
  later: { callback: "When?", choices: ["tomorrow 10:00"], on: { scheduled: hangup, declined: hangup, unavailable: hangup } }`)
    const a = aCall(later)
    const monday = Date.UTC(2026, 0, 5, 8, 0, 0)
    let due = 0
    a.ports.hour = () => monday
    a.ports.book.schedule = async (_, request) => {
      due = request.due_at
      return true
    }
    const seen: number[] = []
    a.ports.watch = (_, event) => seen.push(event.at)
    await a.tell({ type: 'answered' })
    const began = a.clock.now()
    await a.heard()
    await a.clock.pass(2_000)
    await a.tell({ type: 'key', key: '1' })
    await a.heard()
    await a.tell({ type: 'ended', cause: 16, sip: null, by: 'us' })
    await settled()
    const tomorrow = Date.UTC(2026, 0, 6, 8, 0, 0)
    t.equal(seen[0], monday)
    t.equal(due - began, tomorrow - monday, 'as far away as it is from that hour')
    t.match(final(a), { disposition: 'callback', callback_at: due })
    t.match(a.line.asked.join(), /tomorrow at 10:00/)
  },
)
