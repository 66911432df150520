/** A dial that another process had begun: the leg rings, is answered, talks, or has left the caller alone meanwhile. */
import t from 'tap'
import type { LineEvent } from '../../../src/call/ports.ts'
import type { CallRecord } from '../../../src/call/record.ts'
import { type LeftDial, Transfer } from '../../../src/call/transfer.ts'
import { memoryPorts, recordOf } from './a-call.ts'
import { handClock, handLine, settled } from './by-hand.ts'

const LEG = 'call-1.1'
const gone = { type: 'ended', cause: null, sip: null, by: 'unknown' } as const

/** `record`: what the ledger has of the leg; null: nothing. `inside`: who is in its bridge. */
async function left(record: Partial<CallRecord> | null, inside: string[] | null, dial: Partial<LeftDial> = {}) {
  const clock = handClock()
  const now = clock.now()
  const { ports, ledger, node } = memoryPorts(clock)
  node.inside = inside
  const known = record && { ...recordOf(LEG), kind: 'leg' as const, dialed_at: now - 9_000, ...record }
  ports.transfers.left = async () => known
  const line = handLine('call-1')
  const said: string[] = []
  const transfer = new Transfer({
    effect: { type: 'dial', id: 'd1', to: { extension: '100' }, timeout: 20_000, timeLimit: 60_000, record: null },
    left: { at: now - 10_000, connected: false, ...dial },
    ...{ id: LEG, call: recordOf(line.id), line, telephony: node, longest: 600_000, ports },
    quiet: async () => void node.asked.push('quiet'),
    connected: () => said.push('connected'),
    dialed: (result) => said.push(result),
    recording: () => {},
  })
  await settled()
  await settled()
  const tell = async (event: object) => {
    node.tell(LEG, { ...event, at: clock.now() } as LineEvent)
    await settled()
  }
  const finished = () => ledger.finished.find((one) => one.record.id === LEG)?.record
  return { transfer, clock, node, said, tell, finished, now }
}

t.test('one that rings is connected when it is answered, and not dialled again', async (t) => {
  const { node, said, tell } = await left({ ringing_at: 1 }, null)
  t.notOk(node.asked.some((one) => one.startsWith('dial')))
  await tell({ type: 'answered' })
  t.same(said, ['connected'])
  t.ok(node.asked.includes('bridge call-1.1 call-1 call-1.1'))
})

t.test('one that was answered while nobody was there is connected now', async (t) => {
  const { node, said } = await left({ answered_at: 1 }, null)
  t.same(said, ['connected'])
  t.ok(node.asked.includes('bridge call-1.1 call-1 call-1.1'))
})

t.test('two who talk go on, for as long as they had left', async (t) => {
  const talk = await left({ answered_at: handClock().now() - 40_000 }, ['call-1', LEG], { connected: true })
  t.notOk(talk.node.asked.some((one) => /^(bridge|unbridge|quiet) /.test(one)))
  await talk.clock.pass(19_000)
  t.notOk(talk.node.lines.get(LEG)?.asked.includes('hangup'))
  await talk.clock.pass(2_000)
  t.ok(talk.node.lines.get(LEG)?.asked.includes('hangup'))
  await talk.tell({ ...gone, by: 'us' })
  t.same(talk.said, ['completed'])
})

t.test('who was left alone in the bridge is taken out of it, and the flow goes on', async (t) => {
  const { node, said, tell, finished } = await left({ answered_at: 1 }, ['call-1'], { connected: true })
  await tell(gone)
  t.same(said.at(-1), 'completed')
  t.ok(node.asked.includes('unbridge call-1.1'))
  t.match(finished(), { disposition: 'completed', hangup_by: 'unknown' })
})

t.test('one that has gone before it was answered failed, and nobody knows how', async (t) => {
  const { said, tell, finished } = await left({ ringing_at: 1 }, null)
  await tell(gone)
  t.same(said, ['failed'])
  t.match(finished(), { disposition: 'unknown' })
})

t.test('one that was written down and not dialled yet is not dialled any more', async (t) => {
  const { node, said, finished } = await left({ dialed_at: null }, null)
  t.same(said, ['failed'])
  t.match(finished(), { disposition: 'unknown' })
  t.notOk(node.asked.some((one) => one.startsWith('dial')))
})

t.test('one that has its end in the ledger is told as that', async (t) => {
  t.same((await left({ disposition: 'busy' }, null)).said, ['busy'])
})

t.test('one of which the ledger knows nothing was not begun, and is', async (t) => {
  const { node } = await left(null, null)
  t.ok(node.asked.includes('dial call-1.1'))
})
