/** Which transport is taken, and several nodes in one process. */
import t from 'tap'
import { presses } from '../../src/phones/behaviours.ts'
import { waitFor } from '../support/wait.ts'
import { PASSWORD, startBench } from './bench.ts'

t.setTimeout(120_000)

const NUMBER = '+40711111111'
const [one, two] = await Promise.all([
  startBench('auto', 'auto'),
  startBench('ari-client', 'second', 'another-password'),
])
t.teardown(() => Promise.all([one.stop(), two.stop()]))

t.test('a node that speaks REST over its websocket is spoken to in that way', async (t) => {
  t.equal(one.telephony.transport(), 'websocket')
  one.exchange.phone(NUMBER, presses('1', 300))
  const call = await one.dial(NUMBER)
  await call.until('key')
  await call.line.hangup()
  await call.until('ended')
})

t.test('one that does not is reached through ari-client, also after a reconnection', async (t) => {
  one.proxy.deafen()
  const old = one.another({ app: 'apel-old-1' })
  await old.start()
  t.equal(old.transport(), 'ari-client')
  t.equal(old.ready(), true)
  one.proxy.release()
  one.proxy.reset('events')
  await waitFor(() => !old.ready(), { timeout: 3000, what: 'closed gate' })
  await waitFor(() => old.ready(), { timeout: 5000, what: 'link' })
  t.equal(old.transport(), 'ari-client')
  const told = one.another({ app: 'apel-told-1', transport: 'websocket' })
  one.proxy.deafen()
  await told.start()
  t.equal(told.ready(), false)
  t.match(told.reason(), /set transport to ari-client or auto/)
  one.proxy.release()
  await waitFor(() => told.ready(), { timeout: 15_000, what: 'link of the one that was told' })
  await Promise.all([old.close(), told.close()])
})

t.test('two nodes with different passwords are each asked with their own', async (t) => {
  const first = one.another({ app: 'apel-side-1', transport: 'ari-client', password: PASSWORD })
  await first.start()
  t.equal(two.telephony.ready(), true)
  for (let round = 0; round < 5; round++) {
    const asked = [first, two.telephony, first, two.telephony].map((telephony) => telephony.channels())
    t.same(await Promise.all(asked), [[], [], [], []])
  }
  // While one of them loads its description anew.
  one.proxy.reset()
  const asked: Promise<unknown>[] = []
  await waitFor(() => !first.ready(), { timeout: 3000, what: 'closed gate' })
  await waitFor(
    () => {
      asked.push(two.telephony.channels())
      return first.ready()
    },
    { what: 'link' },
  )
  t.ok((await Promise.all(asked)).length > 3)
  t.equal(two.telephony.ready(), true)
  await first.close()
})
