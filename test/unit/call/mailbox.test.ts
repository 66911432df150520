import t from 'tap'
import { makeMailbox } from '../../../src/call/mailbox.ts'
import { settled } from './by-hand.ts'

t.test('events are handled one at a time, in the order they came, whatever each of them takes', async (t) => {
  const log: string[] = []
  const mailbox = makeMailbox<number>(
    async (n) => {
      log.push(`begin ${n}`)
      if (n % 2) await settled()
      log.push(`end ${n}`)
    },
    () => {},
  )
  for (const n of [1, 2, 3]) mailbox.post(n)
  t.same(log, [], 'never from within the one who posts')
  await settled()
  await settled()
  await settled()
  t.same(log, ['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3'])
  t.equal(mailbox.size(), 0)
})

t.test('what a handler posts comes after what waits already', async (t) => {
  const log: string[] = []
  const mailbox = makeMailbox<string>(
    (event) => {
      log.push(event)
      if (event === 'a') mailbox.post('c')
    },
    () => {},
  )
  mailbox.post('a')
  mailbox.post('b')
  await settled()
  t.same(log, ['a', 'b', 'c'])
})

t.test('a handler that throws is reported and holds nothing up', async (t) => {
  const faults: unknown[] = []
  const log: string[] = []
  const mailbox = makeMailbox<string>(
    async (event) => {
      if (event === 'bad') throw new Error('in the handler')
      log.push(event)
    },
    (error, event) => faults.push([(error as Error).message, event]),
  )
  for (const event of ['bad', 'good']) mailbox.post(event)
  await settled()
  mailbox.post('later')
  await settled()
  t.same(faults, [['in the handler', 'bad']])
  t.same(log, ['good', 'later'])
})

t.test('after it is closed nothing more is handled', async (t) => {
  const log: string[] = []
  const mailbox = makeMailbox<string>(
    (event) => {
      log.push(event)
      if (event === 'last') mailbox.close()
    },
    () => {},
  )
  for (const event of ['first', 'last', 'too late']) mailbox.post(event)
  await settled()
  mailbox.post('much too late')
  await settled()
  t.same(log, ['first', 'last'])
  t.equal(mailbox.size(), 0)
})
