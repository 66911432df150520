/** Conversations for tests: a flow in a few lines of YAML, a script, and what was said. */
import type { CallContext, Effect, FlowEvent, HangupBy, Verdict } from '../../../src/flow/io.ts'
import { type Facts, loadFlows } from '../../../src/flow/load.ts'
import type { Program } from '../../../src/flow/program.ts'
import type { ScriptItem, Simulation } from '../../../src/flow/script.ts'
import { simulate, TEST_NOW, testCall } from '../../../src/flow/simulate.ts'
import type { Slot } from '../../../src/flow/state.ts'
import { begin, result, step } from '../../../src/flow/step.ts'
import { wordsOf } from '../../../src/flow/view.ts'

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

/** One call moved by hand, event by event, on a clock of its own (ms since the answer). */
export function byHand(program: Program, options: Options = {}) {
  const { now = NOW, callbacks: _unused, ...context } = options
  let state = begin(program, testCall(context))
  let at = now
  const effects: Effect[] = []
  const send = (event: FlowEvent): Effect[] => {
    const turn = step(program, state, event)
    state = turn.state
    effects.push(...turn.effects)
    return turn.effects
  }
  const call = {
    get state() {
      return state
    },
    get at() {
      return at - now
    },
    effects,
    result: () => result(state),
    /** What is said since the start. */
    said: () => effects.flatMap((e) => (e.type === 'play' ? [wordsOf(e.parts)] : [])),
    send,
    /** Lets time go by; timers are fired by hand. */
    wait(ms: number) {
      at += ms
      return call
    },
    start: (verdict: Verdict = 'human') => send({ type: 'start', at, verdict }),
    key: (key: string) => send({ type: 'key', at, key }),
    talk: (on: boolean) => send({ type: 'talk', at, on }),
    /** What plays has ended. */
    played: (ok = true) => send({ type: 'played', at, id: state.saying?.id ?? '', ok }),
    fire: (slot: Slot) => send({ type: 'timer', at, id: state.timers[slot] ?? `no timer ${slot}` }),
    hangup: (by: HangupBy = 'callee') => send({ type: 'hangup', at, by }),
    http: (fields: Partial<Extract<FlowEvent, { type: 'http' }>>) => {
      const asked = effects.findLast((e) => e.type === 'http')
      return send({ type: 'http', at, id: asked?.id ?? '', result: 'ok', status: 200, body: null, ...fields })
    },
    task: (name: string, value: unknown, status: 'done' | 'failed' = 'done') =>
      send({ type: 'task', at, name, status, result: value }),
    /** What the ledger says to the last question about a callback. */
    callback: (answer: 'allowed' | 'scheduled' | 'unavailable' | 'fault') => {
      const asked = effects.findLast((e) => e.type === 'callback' || e.type === 'callback_check')
      return send({ type: 'callback', at, id: asked?.id ?? '', result: answer })
    },
    raise: (name: string) => send({ type: 'situation', at, name }),
  }
  return call
}
