import t from 'tap'
import { entersLobby, makeLobbies } from '../../../src/ari/lobbies.ts'
import type { Node } from '../../../src/ari/node.ts'
import { makeLog } from '../../../src/log.ts'

/** Answers what the node is asked with the status of the next line. */
function nodeWith(answer: (path: string) => number | Error, bridges: unknown[] = []): { node: Node; asked: string[] } {
  const asked: string[] = []
  const node = {
    name: 'n',
    app: 'a-1',
    clock: { now: Date.now, setTimeout, clearTimeout: () => {} },
    log: makeLog('silent'),
    async request(_method: string, path: string) {
      asked.push(path)
      const said = answer(path)
      if (said instanceof Error) throw said
      return { status: said, body: path === '/bridges' ? bridges : null }
    },
  } as Node
  return { node, asked }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

t.test('each channel goes into the next lobby, which is made once', async (t) => {
  const { node, asked } = nodeWith(() => 200)
  const lobbies = makeLobbies(node)
  for (let n = 0; n < 300; n += 1) {
    lobbies.enter(`c-${n}`)
    await settled()
  }
  const entries = asked.filter(entersLobby)
  t.equal(entries.length, 300)
  t.equal(new Set(entries).size, 128)
  t.equal(asked.length - entries.length, 128, 'made once each')
  t.not(entries[0], entries[1])
})

t.test('an Asterisk that was started anew has its lobbies made again; a link that is away does no harm', async (t) => {
  let answer: number | Error = 409
  const { node, asked } = nodeWith(() => answer)
  const lobbies = makeLobbies(node)
  const round = async () => {
    for (let n = 0; n < 128; n += 1) lobbies.enter(`c-${n}`)
    await settled()
    return asked.splice(0).filter((path) => !entersLobby(path)).length
  }
  t.equal(await round(), 128)
  t.equal(await round(), 0)
  answer = 404
  t.equal(await round(), 0)
  t.equal(await round(), 128)
  answer = new Error('the link is down')
  t.equal(await round(), 128)
  answer = 200
  t.equal(await round(), 128)
  t.equal(await round(), 0)
})

t.test('lobbies that nobody is in are taken away, once, and again after the next calls', async (t) => {
  const empty = { id: 'apel-lobby-1', channels: [] }
  const used = { id: 'apel-lobby-2', channels: ['c-1'] }
  const bridges = [empty, used, { id: 'talk-1', channels: [] }]
  const { node, asked } = nodeWith(() => 200, bridges)
  const lobbies = makeLobbies(node)
  await lobbies.tidy()
  t.same(asked.splice(0), ['/bridges', '/bridges/apel-lobby-1'])
  bridges.splice(0, 3, { id: 'apel-lobby-2', channels: [] })
  await lobbies.tidy()
  t.same(asked.splice(0), ['/bridges', '/bridges/apel-lobby-2'], 'looked at again while somebody was in one')
  await lobbies.tidy()
  t.same(asked.splice(0), [], 'there is nothing to look for')
  lobbies.enter('c-2')
  await settled()
  asked.length = 0
  await lobbies.tidy()
  t.equal(asked[0], '/bridges')
})
