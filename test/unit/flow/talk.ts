/** Conversations for tests: a flow in a few lines of YAML, a script, and what was said. */
import type { CallContext } from '../../../src/flow/io.ts'
import { type Facts, loadFlows } from '../../../src/flow/load.ts'
import type { Program } from '../../../src/flow/program.ts'
import { type ScriptItem, type Simulation, simulate, TEST_NOW, testCall } from '../../../src/flow/simulate.ts'

/** Ten o'clock on a Monday in Bucharest. */
export const NOW = TEST_NOW

/** A flow from what comes after its head; `steps:` and the rest at the margin. Throws with its problems. */
export function flow(body: string, facts: Facts = {}): Program {
  const text = `flow: t\n${body}`
  const { programs, problems } = loadFlows([{ path: 'flows/t.yaml', text }], facts)
  const program = programs.get('t')
  if (program === undefined)
    throw new Error(problems.map((p) => `${p.line}:${p.column} ${p.code} ${p.message}`).join('\n'))
  return program
}

/** What `check` says of a flow, as `LINE:COL code message`. */
export function faults(body: string, facts: Facts = {}): string[] {
  const { problems } = loadFlows([{ path: 'flows/t.yaml', text: `flow: t\n${body}` }], facts)
  return problems.map((p) => `${p.line}:${p.column} ${p.code} ${p.message}`)
}

export interface Talk extends Simulation {
  /** What we said (and `[music]`, `[hangs up]`), with the keys of the other side as `> 1`. */
  said: string[]
  /** When each line of `said` began, in seconds since the answer. */
  times: number[]
}

export type Options = Partial<CallContext> & {
  now?: number
  callbacks?: 'scheduled' | 'unavailable' | 'fault'
}

/** Holds a conversation. */
export function talk(program: Program | string, script: ScriptItem[], options: Options = {}): Talk {
  const { now = NOW, callbacks, ...context } = options
  const simulation = simulate(typeof program === 'string' ? flow(program) : program, script, {
    context: testCall(context),
    now,
    ...(callbacks === undefined ? {} : { callbacks }),
  })
  return {
    ...simulation,
    said: simulation.lines.map(({ who, text }) => (who === 'us' ? text : `> ${text.replace('presses ', '')}`)),
    times: simulation.lines.map(({ at }) => at / 1000),
  }
}

export const silent: ScriptItem = { silent: true }
export const hears = (text: string): ScriptItem => ({ hears: text })
export const press = (keys: string): ScriptItem => ({ press: keys })
export const pressInto = (keys: string): ScriptItem => ({ press: keys, during: 'prompt' })
export const says = (seconds: number): ScriptItem => ({ says: seconds * 1000 })
export const waits = (seconds: number): ScriptItem => ({ waits: seconds * 1000 })
export const hangsUp: ScriptItem = { hangs_up: true }

/** How long a text lasts in the simulator, in seconds. */
export const lasts = (text: string): number => (text.length * 60) / 1000
