import t from 'tap'
import type { LineEvent, Transfers } from '../../../src/call/ports.ts'
import { type DialEffect, type DialResult, Transfer } from '../../../src/call/transfer.ts'
import { memoryPorts, recordOf } from './a-call.ts'
import { handClock, handLine, settled } from './by-hand.ts'

type Told = LineEvent extends infer E ? (E extends { at: number } ? Omit<E, 'at'> : never) : never

const LEG = 'call-1.1'
const byThem = { type: 'ended', cause: 16, sip: null, by: 'callee' } as const
const byUs = { type: 'ended', cause: 16, sip: null, by: 'us' } as const
const refused = (cause: number, sip: number) => ({ type: 'ended', cause, sip, by: 'callee' }) as const

/** A caller on a line, and somebody who is being called for them. */
async function aTransfer(
  given: Partial<DialEffect> = {},
  reserve?: Transfers['reserve'],
  before: (world: Pick<ReturnType<typeof memoryPorts>, 'ledger' | 'node'>) => void = () => {},
) {
  const clock = handClock()
  const { ports, ledger, node } = memoryPorts(clock)
  before({ ledger, node })
  if (reserve) ports.transfers.reserve = reserve
  const line = handLine('call-1')
  const said: string[] = []
  const recordings: string[] = []
  const effect: DialEffect = {
    type: 'dial',
    id: 'd1',
    to: { extension: '100' },
    timeout: 20_000,
    timeLimit: null,
    record: null,
    ...given,
  }
  const transfer = new Transfer({
    effect,
    id: LEG,
    call: recordOf(line.id),
    line,
    telephony: node,
    longest: 600_000,
    ports,
    quiet: async () => void node.asked.push('quiet'),
    connected: () => said.push('connected'),
    dialed: (result: DialResult) => said.push(result),
    recording: (name) => recordings.push(name),
  })
  await settled()
  const tell = async (event: Told) => {
    node.tell(LEG, { ...event, at: clock.now() } as LineEvent)
    await settled()
  }
  const leg = () => ledger.finished.find(({ record }) => record.id === LEG)?.record
  const over = async () => {
    await transfer.over
    return clock.set()
  }
  return { transfer, clock, node, ports, ledger, said, recordings, tell, leg, over }
}

t.test(
  'who answers is connected once the caller hears no music any more, and their hang-up gives the caller back',
  async (t) => {
    const { node, said, tell, leg, over, clock } = await aTransfer()
    t.same(node.asked, ['dial call-1.1'])
    await tell({ type: 'ringing' })
    await clock.pass(3000)
    await tell({ type: 'answered' })
    t.same(node.asked, ['dial call-1.1', 'quiet', 'bridge call-1.1 call-1 call-1.1'])
    t.same(said, ['connected'])
    await clock.pass(5000)
    await tell(byThem)
    t.same(said, ['connected', 'completed'])
    t.equal(node.asked.at(-1), 'unbridge call-1.1')
    t.equal(await over(), 0, 'no timer is left')
    t.match(leg(), { kind: 'leg', disposition: 'completed', hangup_by: 'callee', cause: 16 })
    t.equal(leg()!.answered_at! - leg()!.ringing_at!, 3000)
    t.ok(node.lines.get(LEG)!.released)
  },
)

t.test('each way of not answering has its outcome and its disposition', async (t) => {
  const cases = [
    [refused(17, 486), 'busy', 'busy'],
    [refused(21, 603), 'busy', 'rejected'],
    [refused(19, 480), 'no_answer', 'no_answer'],
    [refused(20, 480), 'no_answer', 'unreachable'],
    [refused(1, 404), 'failed', 'invalid_number'],
    [refused(34, 503), 'failed', 'congestion'],
    [{ type: 'ended', cause: 19, sip: 480, by: 'us' }, 'no_answer', 'no_answer'],
    [{ type: 'ended', cause: null, sip: null, by: 'network' }, 'failed', 'unknown'],
  ] as const
  for (const [end, result, disposition] of cases) {
    const { said, tell, leg, over, node } = await aTransfer()
    await tell(end)
    t.equal(await over(), 0)
    t.same(said, [result])
    t.equal(leg()?.disposition, disposition)
    t.same(node.asked, ['dial call-1.1'], 'nothing was bridged')
  }
})

t.test('whom the gate refuses is not dialled; nor is anybody when the ledger is away', async (t) => {
  for (const reserve of [async () => null, async () => Promise.reject(new Error('away'))]) {
    const { said, node, leg, over } = await aTransfer({}, reserve)
    t.equal(await over(), 0)
    t.same(said, ['failed'])
    t.same(node.asked, [])
    t.equal(leg(), undefined)
  }
})

t.test('a leg whose dial cannot be written down is not dialled', async (t) => {
  const { said, node, ledger, clock, leg, over } = await aTransfer({}, undefined, ({ ledger }) => {
    ledger.mood = 'failing'
  })
  t.same([said, node.asked], [['failed'], []])
  ledger.mood = 'well'
  await clock.pass(1000)
  await over()
  t.match(leg(), { disposition: 'technical', dialed_at: null })
})

t.test('a node that refuses the dial ends it', async (t) => {
  const { said, leg, over } = await aTransfer({}, undefined, ({ node }) => node.fail('dial', new Error('no endpoint')))
  await over()
  t.same(said, ['failed'])
  t.equal(leg()?.disposition, 'trunk_error')
})

t.test('the caller may be gone at any moment: nothing is told, and nothing is left', async (t) => {
  await t.test('while it rings', async (t) => {
    const { transfer, node, said, tell, leg, over } = await aTransfer()
    await tell({ type: 'ringing' })
    transfer.stop()
    await settled()
    t.same(node.lines.get(LEG)!.asked, ['hangup'])
    await tell(byUs)
    t.equal(await over(), 0)
    t.same(said, [])
    t.match(leg(), { disposition: 'cancelled', hangup_by: 'flow', answered_at: null })
  })
  await t.test('while it rings, and they answer in that moment', async (t) => {
    const { transfer, node, said, tell, leg, over } = await aTransfer()
    transfer.stop()
    await tell({ type: 'answered' })
    await tell(byUs)
    t.equal(await over(), 0)
    t.same(said, [])
    t.equal(leg()?.disposition, 'cancelled')
    t.notOk(node.asked.some((asked) => asked.startsWith('bridge')))
  })
  await t.test('while the two are being put together', async (t) => {
    const { transfer, node, said, tell, over } = await aTransfer()
    const release = node.stall('bridge')
    await tell({ type: 'answered' })
    transfer.stop()
    await settled()
    release()
    await settled()
    t.equal(node.asked.at(-1), 'unbridge call-1.1', 'the bridge that was made is undone')
    await tell(byUs)
    t.equal(await over(), 0)
    t.same(said, [])
  })
  await t.test('while they talk', async (t) => {
    const { transfer, node, said, tell, leg, over } = await aTransfer()
    await tell({ type: 'answered' })
    transfer.stop()
    await settled()
    t.ok(node.asked.includes('unbridge call-1.1'))
    await tell(byUs)
    t.equal(await over(), 0)
    t.same(said, ['connected'])
    t.match(leg(), { disposition: 'completed', hangup_by: 'flow' })
  })
  await t.test('before the leg was even written down', async (t) => {
    let go = () => {}
    const asked = new Promise<void>((resolve) => {
      go = resolve
    })
    const { transfer, node, said, leg, over } = await aTransfer({}, async (_, id) => {
      await asked
      const order = { id, endpoint: 'PJSIP/100@pbx', callerId: null, ring: 20_000, amd: false }
      return { record: { ...recordOf(id), kind: 'leg' }, order }
    })
    transfer.stop()
    go()
    t.equal(await over(), 0)
    t.same([said, node.asked], [[], []])
    t.match(leg(), { disposition: 'cancelled', dialed_at: null }, 'its record is finished all the same')
  })
})

t.test('who answers and hangs up while being connected leaves the caller alone with the flow', async (t) => {
  const { node, said, tell, over, leg } = await aTransfer()
  const release = node.stall('bridge')
  await tell({ type: 'answered' })
  await tell(byThem)
  t.same(said, [])
  release()
  await settled()
  t.equal(node.asked.at(-1), 'unbridge call-1.1')
  t.same(said, ['completed'])
  t.equal(await over(), 0)
  t.equal(leg()?.disposition, 'completed')
})

t.test('two that cannot be put together: the leg is hung up, and the flow hears that it failed', async (t) => {
  const { node, said, tell, over, leg } = await aTransfer()
  node.fail('bridge', new Error('channel in invalid state'))
  await tell({ type: 'answered' })
  t.same(node.lines.get(LEG)!.asked, ['hangup'])
  await tell(byUs)
  t.equal(await over(), 0)
  t.same(said, ['failed'])
  t.equal(leg()?.disposition, 'technical')
})

t.test('the time limit lets the other side go', async (t) => {
  const { clock, node, said, tell, over, leg } = await aTransfer({ timeLimit: 60_000 })
  await tell({ type: 'answered' })
  await clock.pass(59_999)
  t.same(node.lines.get(LEG)!.asked, [])
  await clock.pass(1)
  t.same(node.lines.get(LEG)!.asked, ['hangup'])
  await tell(byUs)
  t.equal(await over(), 0)
  t.same(said, ['connected', 'completed'])
  t.match(leg(), { disposition: 'completed', hangup_by: 'limit' })
})

t.test('a channel whose end is never told does not hold the caller for ever', async (t) => {
  const { clock, said, tell, over, transfer } = await aTransfer()
  await tell({ type: 'answered' })
  transfer.stop()
  await clock.pass(20_000)
  t.equal(await over(), 0)
  t.same(said, ['connected'])
})

t.test('a talk is recorded when the flow wants it and recordings are on', async (t) => {
  for (const on of [true, false]) {
    const { ports, node, recordings, tell, over } = await aTransfer({ record: 'call-1.d1' })
    ports.recordsTalks = on
    await tell({ type: 'answered' })
    t.equal(node.asked.includes('record call-1.1 call-1.d1'), on)
    t.same(recordings, on ? ['call-1.d1'] : [])
    await tell(byThem)
    await over()
  }
})
