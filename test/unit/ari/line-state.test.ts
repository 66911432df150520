import fc from 'fast-check'
import t from 'tap'
import type { Signal } from '../../../src/ari/events.ts'
import { gone, newLine, observe } from '../../../src/ari/line-state.ts'
import type { LineEvent } from '../../../src/call/ports.ts'

type Bare = Signal extends infer S ? (S extends { channel: string } ? Omit<S, 'channel'> : never) : never

const entered = (...args: string[]): Bare => ({ kind: 'entered', args, called: 's', caller: '', state: 'Down' })
const state = (name: string): Bare => ({ kind: 'state', state: name })
const leaving = (soft: boolean, cause: number | null = null, sip: number | null = null): Bare => ({
  kind: 'leaving',
  soft,
  cause,
  sip,
})
const destroyed = (cause: number | null, sip: number | null = null): Bare => ({ kind: 'destroyed', cause, sip })
const left: Bare = { kind: 'left' }

/** Plays signals one second apart, from 0; `us` at a place is our own request to hang up. */
function play(line: ReturnType<typeof newLine>, signals: (Bare | 'us' | 'away')[]): LineEvent[] {
  return signals.flatMap((signal, second) => {
    if (signal === 'us') line.leaving ??= 'us'
    if (signal === 'away') line.away = true
    if (typeof signal === 'string') return []
    return observe(line, { channel: 'c', ...signal } as Signal, second * 1000)
  })
}
const outbound = (absolute = 60_000) => newLine('outbound', 0, absolute, false)
const doubtful = () => ({ ...outbound(), doubtful: true, entered: true })
const inbound = () => newLine('inbound', 0, 3_600_000, false)

t.test('who ended a call', async (t) => {
  const up = [entered('dial'), state('Ringing'), state('Up')]
  const table: [string, ReturnType<typeof newLine>, (Bare | 'us')[], Partial<LineEvent>][] = [
    ['their BYE', outbound(), [...up, leaving(false), left, destroyed(16)], { by: 'callee', cause: 16 }],
    ['our hang-up', outbound(), [...up, 'us', leaving(true, 32), left, destroyed(16)], { by: 'us', cause: 16 }],
    [
      'our hang-up of one of which nobody knows whether it was dialled',
      doubtful(),
      ['us', destroyed(16)],
      { by: 'unknown', cause: null },
    ],
    ['the same after it has rung', doubtful(), [state('Ringing'), 'us', destroyed(16)], { by: 'us', cause: 16 }],
    ['their BYE, then our hang-up', outbound(), [...up, leaving(false), 'us', destroyed(16)], { by: 'callee' }],
    ['busy', outbound(), [entered('dial'), leaving(false, 17), left, destroyed(17, 486)], { by: 'callee', sip: 486 }],
    [
      'busy at once, the end without its reasons',
      outbound(),
      [entered('dial'), leaving(false, 17, 486), left, destroyed(null)],
      { by: 'callee', cause: 17, sip: 486 },
    ],
    ['busy, the request missed', outbound(), [entered('dial'), destroyed(17, 486)], { by: 'callee', sip: 486 }],
    [
      'ring timeout',
      outbound(),
      [entered('dial'), state('Ringing'), leaving(true, 32), left, destroyed(19, 480)],
      { by: 'us', cause: 19, sip: 480 },
    ],
    [
      'given up while Down',
      outbound(),
      [entered('dial'), 'us', leaving(true, 32), left, leaving(false, 16), destroyed(16, 603)],
      { by: 'us', sip: null },
    ],
    ['time limit', outbound(5000), [...up, state('Up'), left, destroyed(16)], { by: 'limit' }],
    [
      'an end that nobody asked for, long before the limit',
      outbound(),
      [...up, left, destroyed(16)],
      { by: 'unknown' },
    ],
    ['the console', outbound(), [...up, leaving(true, 32), left, destroyed(16)], { by: 'unknown' }],
    [
      'inbound, their BYE',
      inbound(),
      [entered('inbound'), state('Up'), leaving(false, 16), left],
      { by: 'callee', cause: 16 },
    ],
    ['inbound, our hang-up', inbound(), [entered('inbound'), state('Up'), 'us', leaving(true, 32), left], { by: 'us' }],
  ]
  for (const [name, line, signals, end] of table) t.match(play(line, signals).at(-1), { type: 'ended', ...end }, name)
})

t.test('leaving for AMD is no end, its return is the verdict, and a hang-up meanwhile is an end', async (t) => {
  const up = [entered('dial'), state('Up')]
  const back = { ...entered('amd', 'HUMAN', 'HUMAN-500-500'), state: 'Up' } as Bare
  t.same(
    play(outbound(), [...up, 'away', left, back, leaving(false), left, destroyed(16)]).map(({ type }) => type),
    ['answered', 'amd', 'ended'],
  )
  t.same(
    play(outbound(), [...up, 'away', left, leaving(false), destroyed(16)]).map(({ type }) => type),
    ['answered', 'ended'],
  )
  t.same(play(outbound(), [...up, back]).length, 1, 'a verdict that nobody ordered is none')
})

t.test('talk that began before the answer is told with it, if it goes on', async (t) => {
  const talk = (on: boolean): Bare => ({ kind: 'talk', on })
  t.match(play(outbound(), [talk(true), state('Up')]), [{ type: 'answered' }, { type: 'talk', on: true }])
  t.match(play(outbound(), [talk(true), talk(false), state('Up'), talk(true)]), [
    { type: 'answered' },
    { type: 'talk' },
  ])
})

t.test('a channel found gone ended by the network when Asterisk was restarted, else nobody knows', async (t) => {
  t.match(gone(outbound(), 5, true), [{ type: 'ended', by: 'network', cause: null }])
  t.match(gone(outbound(), 5, false), [{ type: 'ended', by: 'unknown', cause: null }])
  const ended = outbound()
  play(ended, [destroyed(16)])
  t.same(gone(ended, 5, true), [])
})

t.test('in any order and with any repeats: one ring, one answer, one end, nothing after it', async () => {
  const signal = fc.oneof(
    fc.constantFrom<Bare | 'us' | 'away'>(
      'us',
      'away',
      left,
      state('Ringing'),
      state('Up'),
      state('Busy'),
      entered('dial'),
      entered('inbound'),
      entered('amd', 'X'),
      leaving(true),
      leaving(false, 16),
    ),
    fc.constantFrom<Bare>(
      destroyed(16),
      destroyed(17, 486),
      destroyed(null),
      { kind: 'key', key: '1' },
      { kind: 'talk', on: true },
      { kind: 'played', id: 'p', ok: false },
    ),
  )
  fc.assert(
    fc.property(fc.boolean(), fc.array(signal, { maxLength: 40 }), (out, signals) => {
      const events = play(out ? outbound() : inbound(), signals)
      const places = (type: LineEvent['type']) => events.flatMap((event, place) => (event.type === type ? [place] : []))
      const [rings, answers, ends] = [places('ringing'), places('answered'), places('ended')]
      const answer = answers[0] ?? Number.POSITIVE_INFINITY
      return (
        rings.length <= 1 &&
        answers.length <= 1 &&
        ends.length <= 1 &&
        (ends.length === 0 || ends[0] === events.length - 1) &&
        (rings[0] ?? -1) < answer &&
        [...places('key'), ...places('talk')].every((place) => place > answer)
      )
    }),
    { numRuns: 2000 },
  )
})

t.test('whatever came before, a destroyed channel has ended', async () => {
  const signal = fc.constantFrom<Bare | 'us' | 'away'>(
    'us',
    'away',
    left,
    state('Up'),
    entered('dial'),
    leaving(true),
    leaving(false),
  )
  fc.assert(
    fc.property(fc.array(signal, { maxLength: 20 }), (signals) => {
      return play(outbound(), [...signals, destroyed(16)]).at(-1)?.type === 'ended'
    }),
  )
})
