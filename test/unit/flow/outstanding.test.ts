/** What a conversation has asked for and not heard the end of, from its journal alone. */
import fc from 'fast-check'
import t from 'tap'
import type { Effect, FlowEvent } from '../../../src/flow/io.ts'
import { beginOf, Reader, Writer } from '../../../src/flow/journal.ts'
import { Outstanding } from '../../../src/flow/outstanding.ts'
import { testCall } from '../../../src/flow/simulate.ts'
import { begin, step } from '../../../src/flow/step.ts'
import { chance, happen, programs } from './happenings.ts'
import { flow, NOW } from './talk.ts'

t.setTimeout(60_000)

t.test('whatever happens, it is what the conversation itself waits for', async () => {
  for (const program of programs())
    fc.assert(
      fc.property(fc.array(chance, { maxLength: 40 }), (chances) => {
        const open = new Outstanding()
        const effects: Effect[] = []
        let state = begin(program, testCall({ contact: { name: 'Ana' } }))
        let at = NOW
        const feed = (event: FlowEvent): void => {
          const turn = step(program, state, event)
          state = turn.state
          effects.push(...turn.effects)
          open.note(event, turn.effects)
          const ids = (type: 'timer' | 'play') => open.of(type).map(({ effect }) => effect.id)
          const armed = Object.values(state.timers).filter((id) => id !== null)
          same(ids('timer').sort(), armed.sort(), 'timers')
          same(ids('play'), state.saying?.id ? [state.saying.id] : [], 'sounds')
          same(open.music !== null, state.music, 'music')
          same(open.done, state.phase === 'done', 'done')
          if (state.recording !== null) same(open.of('record').at(-1)?.effect.id, state.recording.id, 'recording')
          if (state.dialing !== null) same(open.of('dial').at(-1)?.effect.id, state.dialing, 'dial')
        }
        feed({ type: 'start', at, verdict: 'human' })
        for (const one of chances) {
          at += one.wait
          feed(happen(one, state, effects, at))
        }
      }),
      { numRuns: 40 },
    )
})

function same(one: unknown, other: unknown, what: string): void {
  if (JSON.stringify(one) !== JSON.stringify(other))
    throw new Error(`${what}: ${JSON.stringify(one)} is not ${JSON.stringify(other)}`)
}

const talk = flow(`language: en
vars: { pin: "", code: "" }
start: ask
steps:
  ask: { menu: "To go on, press 1.", options: { "1": code } }
  code: { gather: "Your number, please.", save: code, num_digits: 3, next: pin }
  pin: { gather: "Your secret number.", save: pin, num_digits: 3, sensitive: true, next: leave }
  leave: { record: "Leave a message.", save: code, next: hangup }`)

/** What comes of a takeover after these events, by what their journal tells: the steps that are asked again. */
function takenOver(gap: number, ...events: Record<string, unknown>[]): string[] {
  const context = testCall({})
  const writer = new Writer(talk, begin(talk, context))
  const reader = new Reader(talk, beginOf(talk, context, NOW, null))
  let at = NOW
  for (const event of [{ type: 'start', verdict: 'human' }, ...events]) {
    at += 100
    const sound = event.type === 'played' ? { id: writer.state.saying?.id ?? '', ok: true } : {}
    const { entry } = writer.take({ ...event, ...sound, at } as FlowEvent)
    reader.take(entry as Parameters<Reader['take']>[0])
  }
  const { effects } = step(talk, reader.state, { type: 'resumed', at: at + gap, gap })
  return effects.flatMap((effect) => (effect.type === 'enter' ? [effect.step] : []))
}
const played = { type: 'played' }
const key = (pressed: string) => ({ type: 'key', key: pressed })

t.test('a question is asked once more when its answer may have been lost', async (t) => {
  t.same(takenOver(8000), [], 'what is being said goes on')
  t.same(takenOver(1000, played), [], 'a second is not noticed')
  t.same(takenOver(3000, played), ['ask'])
  t.same(takenOver(3000, key('1'), played, key('4')), ['code'], 'an entry that was begun is begun anew')
  const pin = [key('1'), key('4'), key('2'), key('1')]
  t.same(takenOver(0, ...pin, played), [], 'nothing was typed yet')
  t.same(takenOver(0, ...pin, played, key('7')), ['pin'], 'digits that are kept nowhere are asked for anew')
  const message = [...pin, key('7'), key('7'), key('7'), played]
  t.same(takenOver(3000, ...message), [], 'a message that is being left is not interrupted')
  t.same(takenOver(9000, { type: 'hangup', by: 'callee' }), [], 'nobody is there')
})
