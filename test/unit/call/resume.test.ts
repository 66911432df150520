/** A call that another process has left behind, on a line played by hand. */
import t from 'tap'
import { resumeCall } from '../../../src/call/resume.ts'
import { takenFrom } from '../../../src/call/taken.ts'
import { ApelError } from '../../../src/errors.ts'
import type { HttpRequest } from '../../../src/flow/io.ts'
import type { Program } from '../../../src/flow/program.ts'
import { readJournal } from '../../../src/flow/replay.ts'
import { type ACall, aCall, memoryPorts, programOf, recordOf } from './a-call.ts'
import { type HandLine, handClock, settled } from './by-hand.ts'

const talk = programOf(`
  hello: { say: "Good morning." }
  ask: { menu: "Press 1.", timeout: 5s, options: { "1": bye } }
  bye: { say: "Goodbye.", outcome: heard, next: hangup }`)

/** Somebody else goes on with it `gap` ms later; `playing`: the node still plays the last sound. */
async function takeOver(program: Program, first: ACall, gap: number, playing = false) {
  const clock = handClock(first.clock.now() + gap)
  const { ports, ledger, node } = memoryPorts(clock)
  const journal = readJournal(JSON.parse(JSON.stringify(first.ledger.journal)))
  if (typeof journal === 'string') throw new Error(journal)
  const taken = takenFrom(journal, program, 'apel-other-1', Promise.resolve())
  if (taken === null) throw new Error('the journal is not understood')
  const { id } = first.line
  const sound = first.line.asked.findLast((one) => one.startsWith('play '))?.split(' ')[1] ?? ''
  if (playing) node.there.add(sound)
  const record = { ...recordOf(id), dialed_at: first.clock.now(), answered_at: first.clock.now() }
  const asked: HttpRequest[] = []
  ports.web.request = async (request) => {
    asked.push(request)
    return { result: 'ok', status: 200, body: {} }
  }
  const call = resumeCall({ record, program, telephony: node, taken }, ports)
  const line = node.lines.get(id) as HandLine
  await clock.pass(0)
  const tell = async (event: object) => {
    node.tell(id, { at: clock.now(), ...event } as never)
    await settled()
  }
  const plays = () => line.asked.filter((one) => one.startsWith('play ')).map((one) => one.split(' ')[2])
  return { call, clock, ledger, line, sound, tell, plays, asked, ports }
}

async function answered(program: Program): Promise<ACall> {
  const call = aCall(program)
  await call.tell({ type: 'answered' })
  return call
}

t.test('a sound that still plays goes on, and its end leads on', async (t) => {
  const { plays, tell, sound } = await takeOver(talk, await answered(talk), 500, true)
  t.same(plays(), [])
  await tell({ type: 'played', id: sound, ok: true })
  t.same(plays(), ['/Press'])
})

t.test('a sound that cannot have ended was never begun, and is', async (t) => {
  const { plays } = await takeOver(talk, await answered(talk), 100)
  t.same(plays(), ['/Good'])
})

t.test('a sound that is gone has ended', async (t) => {
  const { plays } = await takeOver(talk, await answered(talk), 3_000)
  t.same(plays(), ['/Press'])
})

t.test(
  'a question is asked once more when nothing was heard for long, else its time goes on from where it began',
  async (t) => {
    const waits = async () => {
      const call = await answered(talk)
      await call.heard()
      await call.heard()
      await call.clock.pass(4_500)
      return call
    }
    t.same(
      (await takeOver(talk, await waits(), 700)).plays(),
      ['/Press'],
      'five seconds without a key, of which nobody heard',
    )
    const soon = await answered(talk)
    await soon.heard()
    await soon.heard()
    const { plays, clock } = await takeOver(talk, soon, 1_500)
    t.same(plays(), [], 'nobody has noticed')
    await clock.pass(3_500)
    t.same(plays(), ['/Please'], 'and the silence counts from where it began')
  },
)

t.test('a request that may be made twice is, any other counts as timed out', async (t) => {
  for (const [method, asks] of [
    ['GET', 1],
    ['POST', 0],
  ] as const) {
    const program = programOf(`
  look: { http: { method: ${method}, url: "http://127.0.0.1/x" }, on: { ok: good, error: bad, timeout: bad } }
  good: { say: "Good.", next: hangup }
  bad: { say: "Bad.", next: hangup }`)
    const first = aCall(program)
    first.ports.web.request = () => new Promise(() => {})
    await first.tell({ type: 'answered' })
    const { asked, plays } = await takeOver(program, first, 1_000)
    t.equal(asked.length, asks, method)
    t.same(plays(), [asks === 1 ? '/Good.' : '/Bad.'])
  }
})

t.test('a call that turns out to be held by another process is let go without a word', async (t) => {
  const { call, line, ledger, ports, tell } = await takeOver(talk, await answered(talk), 500, true)
  ports.ledger.journal = async () => {
    throw new ApelError('not_ours', 'held elsewhere')
  }
  await tell({ type: 'key', key: '1' })
  await call.over
  t.ok(line.released)
  t.notOk(line.asked.includes('hangup'))
  t.same(ledger.finished, [], 'its record is not ours to close')
})
