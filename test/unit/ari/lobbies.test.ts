import t from 'tap'
import { sweepsBridges } from '../../../src/ari/empty-bridges.ts'
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
    doubt: () => null,
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

t.test(
  'of our bridges those that nobody is in at two looks in a row are ended; lobbies at once, without calls',
  async (t) => {
    const bridge = (id: string, channels: string[] = [], name = 'apel') => ({ id, name, channels })
    const bridges = [
      bridge('apel-lobby-1'),
      bridge('apel-lobby-2', ['c-1']),
      bridge('talk-1'),
      bridge('theirs', [], ''),
    ]
    const { node, asked } = nodeWith(() => 200, bridges)
    const empties = sweepsBridges(node)
    const look = async (idle: boolean) => {
      await empties.sweep(idle)
      return asked.splice(0).slice(1)
    }
    t.same(await look(false), [], 'a call of ours may be dialled into a lobby just now')
    bridges.splice(2, 1, bridge('talk-1', ['c-2']), bridge('talk-2'))
    t.same(await look(true), ['/bridges/apel-lobby-1'])
    bridges.splice(2, 1, bridge('talk-1'))
    t.same(await look(true), ['/bridges/apel-lobby-1', '/bridges/talk-2'], 'one was filled meanwhile')
    t.same(await look(true), ['/bridges/apel-lobby-1', '/bridges/talk-1'])
  },
)
