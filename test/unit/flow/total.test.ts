import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import type { Effect, FlowEvent } from '../../../src/flow/io.ts'
import { loadFlows } from '../../../src/flow/load.ts'
import type { Program } from '../../../src/flow/program.ts'
import { testCall } from '../../../src/flow/simulate.ts'
import { begin, result, type State, step } from '../../../src/flow/step.ts'
import { NOW } from './talk.ts'

t.setTimeout(180_000)

/** The shipped flows and the good ones of the tests: every verb in every position. */
function programs(): Program[] {
  const folders = ['scripts-yaml/flows', 'test/flows/good']
  const files = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => ({ path: `${folder}/${name}`, text: readFileSync(`${folder}/${name}`, 'utf8') })),
  )
  const loaded = loadFlows(files)
  if (loaded.problems.some((p) => p.severity === 'error')) throw new Error(JSON.stringify(loaded.problems))
  return [...loaded.programs.values()]
}
const all = programs()

/** Something that can happen; `pick` chooses among what is possible at that moment. */
interface Chance {
  kind: number
  pick: number
  wait: number
}
const ANSWERED = new Set<Effect['type']>(['record', 'press', 'opt_out', 'dial'])
const chance = fc.record({ kind: fc.nat(99), pick: fc.nat(1000), wait: fc.nat(20_000) })

function happen({ kind, pick }: Chance, state: State, effects: Effect[], at: number): FlowEvent {
  const asked = effects.filter((e) => e.type === 'http' || e.type === 'callback' || e.type === 'callback_check')
  const some = <T>(list: readonly T[]): T | undefined => list[pick % Math.max(1, list.length)]
  if (kind < 20) return { type: 'played', at, id: state.saying?.id ?? 'p0', ok: pick % 20 !== 0 }
  if (kind < 45) return { type: 'timer', at, id: some(Object.values(state.timers).filter((id) => id !== null)) ?? 't0' }
  if (kind < 70) return { type: 'key', at, key: '0123456789*#'[pick % 12]! }
  if (kind < 80) return { type: 'talk', at, on: pick % 2 === 0 }
  if (kind < 86)
    return {
      type: 'callback',
      at,
      id: some(asked)?.id ?? 'c0',
      result: some(['allowed', 'allowed', 'scheduled', 'scheduled', 'unavailable', 'fault'] as const)!,
    }
  if (kind < 92)
    return {
      type: 'http',
      at,
      id: some(asked)?.id ?? 'h0',
      result: some(['ok', 'ok', 'error', 'timeout'] as const)!,
      status: some([200, 500, null]) ?? null,
      body: some([{}, { x: 1 }, [], 'text', null, 5]),
    }
  if (kind < 95)
    return {
      type: 'task',
      at,
      name: some(['order', 'look', 'x'])!,
      status: pick % 3 ? 'done' : 'failed',
      result: { x: pick },
    }
  if (kind < 96 && pick % 4 > 0) {
    const id = some(effects.filter((e) => ANSWERED.has(e.type)) as { id: string }[])?.id ?? 'r0'
    const ok = pick % 5 !== 0
    if (id.startsWith('d') && pick % 2 === 0) return { type: 'connected', at, id }
    if (id.startsWith('d'))
      return { type: 'dialed', at, id, result: some(['completed', 'busy', 'no_answer', 'failed'] as const)! }
    if (pick % 4 === 1) return { type: 'recorded', at, id, ok, duration: 1000 }
    return pick % 4 === 2 ? { type: 'pressed', at, id, ok } : { type: 'opted_out', at, id, ok }
  }
  if (kind < 97) return { type: 'situation', at, name: some(['again', 'threats', 'slow_speaker', 'who'])! }
  if (kind < 98) return { type: 'start', at, verdict: 'human' }
  return pick % 10 === 0 ? { type: 'hangup', at, by: 'callee' } : { type: 'timer', at, id: 'no such timer' }
}

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
