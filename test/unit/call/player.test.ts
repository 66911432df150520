import t, { type Test } from 'tap'
import { Player } from '../../../src/call/player.ts'
import { ApelError } from '../../../src/errors.ts'
import type { Spoken } from '../../../src/flow/io.ts'
import { handClock, handLine, handVoice, quiet, settled } from './by-hand.ts'

const text = (words: string): Spoken => ({ text: words, language: 'en', voice: null, rate: null })

function setUp() {
  const clock = handClock()
  const line = handLine()
  const voice = handVoice()
  const played: [string, boolean][] = []
  const player = new Player({ line, voice, clock, log: quiet, played: (id, ok) => played.push([id, ok]) })
  return { clock, line, voice, played, player }
}

/** A test that leaves no timer behind. */
function test(name: string, body: (t: Test, parts: ReturnType<typeof setUp>) => Promise<void>) {
  t.test(name, async (t) => {
    const parts = setUp()
    await body(t, parts)
    parts.player.close()
    await settled()
    t.equal(parts.clock.set(), 0, 'no timer is left')
  })
}

/** A promise that a test settles. */
function gate() {
  let open = () => {}
  const shut = new Promise<void>((resolve) => {
    open = resolve
  })
  return { shut, open: () => open() }
}

test('parts are played as one sound, and music stops for it', async (t, { line, player }) => {
  player.music(true, 'default')
  player.play('p1', [text('a'), { sound: 'b', language: 'en' }])
  await settled()
  t.same(line.asked, ['music default', 'quiet', 'play call-1.p1 /a /b'])
  t.equal(player.ended('call-1.p1'), 'p1')
  await settled()
  t.equal(line.asked.length, 3, 'and does not come back by itself')
  t.equal(player.ended('another.p1'), null)
})

test('a sound waits for a link that is away, and is not asked for twice', async (t, {
  clock,
  line,
  played,
  player,
}) => {
  const down = new ApelError('node_down', 'the link is away', {}, true)
  line.fail('play', down)
  player.play('p1', [text('a')])
  await settled()
  line.fail('plays', down)
  await clock.pass(1000)
  t.same(played, [], 'nobody is told')
  line.fail('plays', null)
  line.fail('play', null)
  line.asked.length = 0
  await clock.pass(250)
  t.same(line.asked, ['plays call-1.p1', 'play call-1.p1 /a'])
  await clock.pass(1000)
  t.equal(line.asked.length, 2, 'once')
  t.equal(player.ended('call-1.p1'), 'p1')
})

test('one whose answer was lost with the link plays already', async (t, { clock, line, player }) => {
  line.fail('play', new ApelError('node_down', 'the link is away', { sent: true }, true))
  player.play('p1', [text('a')])
  await settled()
  line.there.add('call-1.p1')
  line.asked.length = 0
  await clock.pass(500)
  t.same(line.asked, ['plays call-1.p1'])
  t.equal(player.ended('call-1.p1'), 'p1')
})

test('a link that stays away is a fault after a quarter of a minute', async (t, { clock, line, played, player }) => {
  const down = new ApelError('node_down', 'the link is away', {}, true)
  for (const kind of ['play', 'plays'] as const) line.fail(kind, down)
  player.play('p1', [text('a')])
  await settled()
  await clock.pass(14_000)
  t.same(played, [])
  await clock.pass(2000)
  t.same(played, [['p1', false]])
})

test('a stop waits for its own start, however late that is answered', async (t, { line, player }) => {
  const answer = line.stall('play')
  player.play('p1', [text('a')])
  await settled()
  player.stop('p1')
  player.play('p2', [text('b')])
  await settled()
  t.same(line.asked, ['play call-1.p1 /a'])
  answer()
  await settled()
  t.same(line.asked, ['play call-1.p1 /a', 'stop call-1.p1', 'play call-1.p2 /b'])
  t.equal(player.ended('call-1.p1'), null, 'its end is nobody’s any more')
})

test('one that is stopped before its turn is never played', async (t, { line, player }) => {
  player.play('p1', [text('a')])
  player.stop('p1')
  await settled()
  t.same(line.asked, [])
})

test('a sound that is not ready within 300 ms is not waited for in silence', async (t, {
  clock,
  line,
  voice,
  player,
}) => {
  const { shut, open } = gate()
  voice.late.set('a', shut)
  player.play('p1', [text('a')])
  await clock.pass(299)
  t.same(line.asked, [])
  await clock.pass(1)
  t.same(line.asked, ['music default'])
  open()
  await settled()
  t.same(line.asked, ['music default', 'quiet', 'play call-1.p1 /a'])
})

test('music of the flow plays on until the sound is ready', async (t, { clock, line, voice, player }) => {
  const { shut, open } = gate()
  voice.late.set('a', shut)
  player.music(true, 'jazz')
  player.play('p1', [text('a')])
  await clock.pass(2000)
  t.same(line.asked, ['music jazz'])
  open()
  await settled()
  t.same(line.asked, ['music jazz', 'quiet', 'play call-1.p1 /a'])
})

test('one that is stopped while it is being made leaves no music behind', async (t, {
  clock,
  line,
  voice,
  played,
  player,
}) => {
  const { shut, open } = gate()
  voice.late.set('a', shut)
  player.play('p1', [text('a')])
  await clock.pass(500)
  player.stop('p1')
  await settled()
  t.same(line.asked, ['music default', 'quiet'])
  open()
  await clock.pass(20_000)
  t.same(line.asked, ['music default', 'quiet'])
  t.same(played, [])
})

test('a sound that cannot be made has failed, at once or by its deadline', async (t, {
  clock,
  line,
  voice,
  played,
  player,
}) => {
  voice.broken.add('a')
  player.play('p1', [text('a')])
  await clock.pass(300)
  t.same(played, [['p1', false]])
  voice.late.set('b', new Promise(() => {}))
  player.play('p2', [text('b')])
  await clock.pass(16_000)
  t.same(played, [
    ['p1', false],
    ['p2', false],
  ])
  t.same(line.asked, ['music default', 'quiet'])
})

test('a sound whose end is never told has ended when it must have', async (t, { clock, played, player }) => {
  player.play('p1', [text('a')])
  await clock.pass(5900)
  t.same(played, [])
  await clock.pass(200)
  t.same(played, [['p1', true]])
  t.equal(player.ended('call-1.p1'), null, 'one that is told after that is nobody’s')
})

test('a request that is refused because they hung up does not look like a fault of ours', async (t, {
  clock,
  line,
  played,
  player,
}) => {
  line.fail('play', new ApelError('channel_gone', 'gone'))
  player.play('p1', [text('a')])
  await clock.pass(1000)
  player.close()
  await clock.pass(60_000)
  t.same(played, [])
})

test('a request that is not answered in time is stopped all the same, and has failed', async (t, {
  clock,
  line,
  played,
  player,
}) => {
  line.fail('play', new ApelError('ari_no_answer', 'no answer', {}, true))
  player.play('p1', [text('a')])
  await clock.pass(1000)
  t.same(line.asked, ['play call-1.p1 /a', 'stop call-1.p1'])
  t.same(played, [['p1', false]])
})

test('a request that fails does not hold up the next', async (t, { line, player }) => {
  line.fail('music', new Error('no such class'))
  player.music(true, 'jazz')
  player.play('p1', [text('a')])
  await settled()
  t.equal(line.asked.at(-1), 'play call-1.p1 /a')
})

test('after the end nothing is asked of the line', async (t, { clock, line, player }) => {
  player.play('p1', [text('a')])
  await settled()
  player.close()
  player.play('p2', [text('b')])
  player.music(true, 'default')
  player.stop('p1')
  await clock.pass(20_000)
  t.same(line.asked, ['play call-1.p1 /a'])
})
