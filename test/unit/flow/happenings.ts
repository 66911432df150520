/** Conversations of chance: every flow that there is, and whatever can happen at any moment. For the properties of `step`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import type { Effect, FlowEvent } from '../../../src/flow/io.ts'
import { loadFlows } from '../../../src/flow/load.ts'
import type { Program } from '../../../src/flow/program.ts'
import type { State } from '../../../src/flow/step.ts'

/** The shipped flows, one that has every verb in every position, and flows that call each other. */
export function programs(): Program[] {
  const shipped = ['flows', 'library']
    .map((part) => `scripts-yaml/${part}`)
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`))
  const own = ['every_verb', 'recursion', 'called-flow'].map((name) => `test/flows/good/${name}.yaml`)
  const paths = [...shipped.filter((path) => path.endsWith('.yaml')), ...own]
  const files = paths.map((path) => ({ path, text: readFileSync(path, 'utf8') }))
  const loaded = loadFlows(files)
  if (loaded.problems.some((p) => p.severity === 'error')) throw new Error(JSON.stringify(loaded.problems))
  return [...loaded.programs.values()]
}
/** Something that can happen; `pick` chooses among what is possible at that moment. */
export interface Chance {
  kind: number
  pick: number
  wait: number
}
const ANSWERED = new Set<Effect['type']>(['record', 'press', 'opt_out', 'dial'])
export const chance = fc.record({ kind: fc.nat(99), pick: fc.nat(1000), wait: fc.nat(20_000) })

/** That event. `effects`: all so far. */
export function happen({ kind, pick }: Chance, state: State, effects: Effect[], at: number): FlowEvent {
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
    const effect = some(effects.filter((e) => ANSWERED.has(e.type)) as { type: string; id: string }[])
    const { type, id } = effect ?? { type: 'record', id: 'r0' }
    const ok = pick % 5 !== 0
    if (type === 'dial' && pick % 2 === 0) return { type: 'connected', at, id }
    if (type === 'dial')
      return { type: 'dialed', at, id, result: some(['completed', 'busy', 'no_answer', 'failed'] as const)! }
    if (type === 'record') return { type: 'recorded', at, id, ok, duration: 1000 }
    return type === 'press' ? { type: 'pressed', at, id, ok } : { type: 'opted_out', at, id, ok }
  }
  if (kind < 97) return { type: 'situation', at, name: some(['again', 'threats', 'slow_speaker', 'who'])! }
  if (kind < 98)
    return pick % 4 === 0 ? { type: 'start', at, verdict: 'human' } : { type: 'resumed', at, gap: (pick % 3) * 2000 }
  return pick % 10 === 0 ? { type: 'hangup', at, by: 'callee' } : { type: 'timer', at, id: 'no such timer' }
}
