import t from 'tap'
import { Journal } from '../../../src/call/journal.ts'
import type { CallLedger } from '../../../src/call/ports.ts'
import { handClock, quiet, settled } from './by-hand.ts'

function setUp() {
  const clock = handClock()
  const written: unknown[] = []
  const state: { mood: 'well' | 'failing' | 'hanging' } = { mood: 'well' }
  const ledger = {
    async journal(_: string, input: unknown) {
      if (state.mood === 'failing') throw new Error('READONLY')
      if (state.mood === 'hanging') await new Promise(() => {})
      written.push(input)
    },
  } as unknown as CallLedger
  return { clock, written, state, journal: new Journal('call-1', ledger, clock, quiet) }
}

t.test('an entry is written before its effects are performed', async (t) => {
  const { journal, written } = setUp()
  await journal.write('a')
  t.same(written, ['a'])
})

t.test('a ledger that fails holds nothing up, and gets what it missed in order', async (t) => {
  const { journal, written, state } = setUp()
  state.mood = 'failing'
  await journal.write('a')
  await journal.write('b')
  t.same(written, [])
  state.mood = 'well'
  await journal.write('c')
  t.same(written, ['a', 'b', 'c'])
})

t.test('a ledger that hangs is waited for a quarter of a second', async (t) => {
  const { clock, journal, state } = setUp()
  state.mood = 'hanging'
  let done = false
  void journal.write('a').then(() => {
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
