import t from 'tap'
import { Keypad } from '../../../src/call/keypad.ts'
import { optOut } from '../../../src/call/opt-out.ts'
import { Recorder } from '../../../src/call/recorder.ts'
import { memoryPorts, recordOf } from './a-call.ts'
import { handClock, handLine, quiet, settled } from './by-hand.ts'

function aRecorder() {
  const clock = handClock()
  const line = handLine()
  const kept: string[] = []
  const told: object[] = []
  const recorder = new Recorder({
    line,
    clock,
    log: quiet,
    kept,
    listed: () => {},
    heard: async () => {},
    recorded: (id, ok, duration) => told.push({ id, ok, duration }),
  })
  const ends = async (name: string, duration: number, ok = true) => {
    recorder.ended({ type: 'recorded', at: clock.now(), name, ok, duration })
    await settled()
  }
  return { clock, line, kept, told, recorder, ends }
}

t.test('a recording that we end is kept, and as long as it was', async (t) => {
  const { clock, line, kept, told, recorder, ends } = aRecorder()
  recorder.start('r1', 'call-1.r1', true, 120_000)
  await settled()
  t.same(line.asked, ['record call-1.r1 beep 122000'])
  t.same(kept, ['call-1.r1'], 'it stands in the record from its beginning')
  await clock.pass(2400)
  recorder.stop('r1', true)
  await clock.pass(30)
  t.equal(line.asked.at(-1), 'keep call-1.r1')
  await ends('call-1.r1', 3000)
  t.same(told, [{ id: 'r1', ok: true, duration: 2400 }])
  await ends('call-1.r1', 3000)
  t.equal(told.length, 1, 'once')
  t.equal(clock.set(), 0)
})

t.test('one that is thrown away leaves no name and no word', async (t) => {
  const { clock, line, kept, told, recorder, ends } = aRecorder()
  recorder.start('r1', 'call-1.r1', false, 120_000)
  recorder.stop('r1', false)
  await settled()
  t.same(line.asked, ['drop call-1.r1'], 'it had not begun')
  recorder.start('r2', 'call-1.r2', false, 120_000)
  await settled()
  recorder.stop('r2', false)
  await settled()
  await ends('call-1.r2', 0)
  t.same(line.asked.slice(1), ['record call-1.r2 122000', 'drop call-1.r2'])
  t.same([kept, told, clock.set()], [[], [], 0])
})

t.test('it ends after its longest time, also when the node never says so', async (t) => {
  const { clock, line, told, recorder } = aRecorder()
  recorder.start('r1', 'call-1.r1', false, 10_000)
  await clock.pass(9_999)
  t.equal(line.asked.length, 1)
  await clock.pass(1)
  t.equal(line.asked.at(-1), 'keep call-1.r1')
  await clock.pass(3_000)
  t.same(told, [{ id: 'r1', ok: true, duration: 10_000 }])
})

t.test('one that cannot begin, or fails on the way, is told and not listed', async (t) => {
  const { clock, line, kept, told, recorder, ends } = aRecorder()
  line.fail('record', new Error('no space'))
  recorder.start('r1', 'call-1.r1', false, 10_000)
  await settled()
  line.fail('record', null)
  recorder.start('r2', 'call-1.r2', false, 10_000)
  await settled()
  await ends('call-1.r2', 0, false)
  t.same(told, [], 'it may be their hang-up, which is told first')
  await clock.pass(300)
  t.same(told, [
    { id: 'r1', ok: false, duration: 0 },
    { id: 'r2', ok: false, duration: 0 },
  ])
  t.same(kept, [])
})

t.test('a caller who hangs up has left the message', async (t) => {
  const { clock, kept, told, recorder, ends } = aRecorder()
  recorder.start('r1', 'call-1.r1', false, 10_000)
  await clock.pass(4000)
  recorder.close()
  await ends('call-1.r1', 4000)
  t.same([kept, told, clock.set()], [['call-1.r1'], [], 0])
})

t.test('keys that we press are over when the last one is', async (t) => {
  const clock = handClock()
  const line = handLine()
  const told: object[] = []
  const keypad = new Keypad({ line, clock, log: quiet, pressed: (id, ok) => told.push({ id, ok }) })
  keypad.press('k1', '12#', 200)
  await clock.pass(899)
  t.same([line.asked, told], [['press 12# 200'], []])
  await clock.pass(1)
  t.same(told, [{ id: 'k1', ok: true }])
  line.fail('press', new Error('gone'))
  keypad.press('k2', '1', 200)
  await clock.pass(300)
  t.same(told.at(-1), { id: 'k2', ok: false })
  line.fail('press', null)
  keypad.press('k3', '1', 200)
  await settled()
  keypad.close()
  t.equal(clock.set(), 0)
})

t.test('an opt-out is written until it is kept, and nobody waits for that longer than a moment', async (t) => {
  const clock = handClock()
  const { ports, ledger } = memoryPorts(clock)
  t.equal(await optOut(recordOf('call-1'), null, ports), true)
  t.same(ledger.optOuts, ['+40711111111 null'])
  ledger.mood = 'failing'
  const answer = optOut(recordOf('call-2'), 'renewals', ports)
  await clock.pass(2_000)
  t.equal(await answer, false)
  ledger.mood = 'well'
  await clock.pass(5_000)
  t.same(ledger.optOuts.at(-1), '+40711111111 renewals')
})
