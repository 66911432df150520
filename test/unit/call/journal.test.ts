import t from 'tap'
import { Journal } from '../../../src/call/journal.ts'
import type { CallLedger } from '../../../src/call/ports.ts'
import type { StepTrace } from '../../../src/call/record.ts'
import type { Entry } from '../../../src/flow/journal.ts'
import { handClock, quiet, settled } from './by-hand.ts'

const entry = (key: string): Entry => ({ type: 'key', at: 0, key, sum: '' })

function setUp() {
  const clock = handClock()
  const written: unknown[] = []
  const steps: StepTrace[] = []
  const state: { mood: 'well' | 'failing' | 'hanging' } = { mood: 'well' }
  const ledger = {
    async journal(_: string, input: unknown, entered: StepTrace[]) {
      if (state.mood === 'failing') throw new Error('READONLY')
      if (state.mood === 'hanging') await new Promise(() => {})
      written.push(input)
      steps.push(...entered)
    },
  } as unknown as CallLedger
  return { clock, written, steps, state, journal: new Journal('call-1', ledger, clock, quiet) }
}

t.test('an entry is written before its effects are performed', async (t) => {
  const { journal, written } = setUp()
  await journal.write(entry('a'))
  t.same(written, [entry('a')])
})

t.test('a ledger that fails holds nothing up, and gets what it missed in order', async (t) => {
  const { journal, written, steps, state } = setUp()
  const step = (at: number): StepTrace => ({ at, step: 'ask', event: 'start' })
  state.mood = 'failing'
  await journal.write(entry('a'), [step(1), step(2)])
  await journal.write(entry('b'))
  t.same(written, [])
  state.mood = 'well'
  await journal.write(entry('c'), [step(3)])
  t.same(written, [entry('a'), entry('b'), entry('c')])
  t.same(steps, [step(1), step(2), step(3)], 'the steps come with their entries')
})

t.test('a ledger that hangs is waited for a quarter of a second', async (t) => {
  const { clock, journal, state } = setUp()
  state.mood = 'hanging'
  let done = false
  void journal.write(entry('a')).then(() => {
    done = true
  })
  await clock.pass(249)
  t.notOk(done)
  await clock.pass(1)
  await settled()
  t.ok(done)
  const flushed = journal.flush(1000)
  await clock.pass(1000)
  t.equal(await flushed, false)
})

t.test('with nothing to write there is nothing to wait for', async (t) => {
  const { journal } = setUp()
  t.equal(await journal.flush(1000), true)
})

t.test('what there is no room for leaves a mark where it is missing', async (t) => {
  const { journal, written, state } = setUp()
  state.mood = 'failing'
  for (let n = 0; n < 2003; n += 1) await journal.write(entry('a'))
  state.mood = 'well'
  await journal.write(entry('b'))
  t.equal(await journal.flush(1000), true)
  await journal.write(entry('c'))
  t.same(
    written.slice(1999).map((each) => (each as { type: string }).type),
    ['key', 'gap', 'key'],
  )
  t.match(written[2000], { lost: 4 })
})
