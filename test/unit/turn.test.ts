import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { makeTurn } from '../../src/turn.ts'

t.test('what is written within one turn leaves in one packet', async (t) => {
  const { inOnePacket } = makeTurn(
    () => 0,
    () => t.fail(),
  )
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').setNoDelay()
  const [far] = await once(server, 'connection')
  for (const text of ['a', 'b', 'c']) {
    inOnePacket(client)
    client.write(text)
    await Promise.resolve()
  }
  const [heard] = await once(far, 'data')
  t.equal(String(heard), 'abc')
  client.destroy()
  server.close()
})

t.test('a turn that has heard Asterisk ends with a pause while it says 200 frames a second or more', async (t) => {
  let now = 0
  const rests: number[] = []
  const { heardFrame } = makeTurn(
    () => now,
    (ms) => void rests.push(ms),
  )
  const second = async (frames: number): Promise<number> => {
    rests.length = 0
    for (let n = 0; n < frames; n += 1) {
      now += 1000 / frames
      heardFrame()
      await turn()
    }
    return rests.length
  }
  t.equal(await second(150), 0)
  t.equal(await second(150), 0)
  await second(800)
  t.equal(await second(800), 800, 'after each of its turns')
  await second(150)
  t.equal(await second(150), 0, 'and no more when it has become quiet')
})

t.test('frames of one turn have one pause, and what is written leaves before it', async (t) => {
  let now = 0
  const order: string[] = []
  const { heardFrame, inOnePacket } = makeTurn(
    () => now,
    () => void order.push('pause'),
  )
  for (let n = 0; n < 400; n += 1) heardFrame()
  now += 500
  await turn()
  order.length = 0
  const stream = { cork: () => order.push('cork'), uncork: () => order.push('uncork') } as never
  heardFrame()
  heardFrame()
  inOnePacket(stream)
  inOnePacket(stream)
  await turn()
  t.strictSame(order, ['cork', 'uncork', 'pause'])
  await turn()
  t.equal(order.length, 3, 'a turn without a frame has none')
})
