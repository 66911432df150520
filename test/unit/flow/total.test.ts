import fc from 'fast-check'
import t from 'tap'
import type { Effect, FlowEvent } from '../../../src/flow/io.ts'
import { testCall } from '../../../src/flow/simulate.ts'
import { begin, result, type State, step } from '../../../src/flow/step.ts'
import { chance, happen, programs } from './happenings.ts'
import { NOW } from './talk.ts'

t.setTimeout(180_000)

const all = programs()

/** Somebody is heard, or something will happen by itself. */
function waitsForSomething(state: State): boolean {
  if (state.phase === 'done') return true
  if (state.phase === 'after') return state.timers.after !== null
  return (
    (state.saying !== null && state.saying.id !== '') ||
    Object.entries(state.timers).some(([slot, id]) => id !== null && slot !== 'limit')
  )
}

/** What the driver knows of a call: which timers it has set. */
function follow(deadlines: Map<string, number>, effects: Effect[], at: number): void {
  for (const effect of effects) {
    if (effect.type === 'timer') deadlines.set(effect.id, at + effect.ms)
    if (effect.type === 'cancel_timer') deadlines.delete(effect.id)
  }
}

const context = () => testCall({ contact: { name: 'Ana', visit: 'Monday', source: '' } })

t.test(
  'any order of events: nothing is thrown, nobody is left waiting for nothing, states are never changed',
  async () => {
    for (const program of all)
      fc.assert(
        fc.property(
          fc.constantFrom('human', 'machine', 'unsure'),
          fc.array(chance, { maxLength: 60 }),
          (verdict, chances) => {
            let state = begin(program, context())
            let at = NOW
            const effects: Effect[] = []
            const feed = (event: FlowEvent) => {
              const frozen = JSON.stringify(state)
              const turn = step(program, state, event)
              if (JSON.stringify(state) !== frozen) throw new Error(`the state was changed by ${event.type}`)
              const again = step(program, state, event)
              if (JSON.stringify(again) !== JSON.stringify(turn)) throw new Error('the same event gave something else')
              state = turn.state
              effects.push(...turn.effects)
            }
            feed({ type: 'start', at, verdict: verdict as 'human' })
            for (const one of chances) {
              at += one.wait
              feed(happen(one, state, effects, at))
              if (!waitsForSomething(state))
                throw new Error(`waits for nothing in ${state.step}: ${JSON.stringify(state)}`)
            }
            const ids = effects.flatMap((e) => (e.type === 'play' || e.type === 'timer' ? [e.id] : []))
            if (new Set(ids).size !== ids.length) throw new Error('an id was given twice')
            const ends = effects.filter((e) => e.type === 'done').length
            return ends === (state.phase === 'done' ? 1 : 0)
          },
        ),
        { numRuns: 80 },
      )
  },
)

t.test('from anywhere, silence leads to the end by itself', async () => {
  for (const program of all)
    fc.assert(
      fc.property(fc.array(chance, { maxLength: 40 }), (chances) => {
        let state = begin(program, context())
        let at = NOW
        const deadlines = new Map<string, number>()
        const effects: Effect[] = []
        const feed = (event: FlowEvent) => {
          if (event.type === 'timer') deadlines.delete(event.id)
          const turn = step(program, state, event)
          state = turn.state
          effects.push(...turn.effects)
          follow(deadlines, turn.effects, at)
        }
        feed({ type: 'start', at, verdict: 'human' })
        for (const one of chances) {
          at += one.wait
          feed(happen(one, state, effects, at))
        }
        if (state.talking !== null) feed({ type: 'talk', at, on: false })
        const begun = at
        for (let i = 0; i < 2000 && state.phase !== 'done'; i++) {
          if (state.saying !== null) {
            at += 1000
            feed({ type: 'played', at, id: state.saying.id, ok: true })
          } else {
            const armed = [...deadlines].filter(([id]) => Object.values(state.timers).includes(id))
            const [id, due] = armed.reduce((a, b) => (b[1] < a[1] ? b : a))
            at = Math.max(at, due)
            feed({ type: 'timer', at, id })
          }
        }
        if (state.phase !== 'done') throw new Error(`still in ${state.step} after ${(at - begun) / 1000} s`)
        return at - begun < 660_000
      }),
      { numRuns: 60 },
    )
})

t.test('a hang-up at any moment ends the call with one result', async () => {
  for (const program of all)
    fc.assert(
      fc.property(fc.array(chance, { maxLength: 30 }), fc.nat(30), (chances, when) => {
        let state = begin(program, context())
        const effects: Effect[] = []
        const feed = (event: FlowEvent) => {
          const turn = step(program, state, event)
          state = turn.state
          effects.push(...turn.effects)
          return turn.effects
        }
        feed({ type: 'start', at: NOW, verdict: 'human' })
        for (const one of chances.slice(0, when)) feed(happen(one, state, effects, NOW + 1))
        const after = feed({ type: 'hangup', at: NOW + 2, by: 'callee' })
        if (after.some((e) => e.type === 'play' || e.type === 'music' || e.type === 'hangup'))
          throw new Error('spoke to nobody')
        if (state.phase === 'after') feed({ type: 'timer', at: NOW + 30_002, id: state.timers.after! })
        const { disposition } = result(state)
        return state.phase === 'done' && disposition !== undefined
      }),
      { numRuns: 60 },
    )
})
