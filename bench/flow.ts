/**
 * Speed of the flow language: the check of a flow with 1,000 steps, and the interpreter on one core.
 *
 *   node build/bench/flow.js [--assert]
 *
 * The flow is one that somebody might have generated: menus, gathers, branches, requests and texts with expressions, in
 * rounds that are legal. The interpreter holds whole conversations of a shipped flow, event by event as a live call
 * delivers them: what was said has ended, a key in the prompt, a key after it, silence, talk. A step is one event.
 * Medians of several rounds; with `--assert` the exit code is 1 when one misses its target.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../src/embedded/tools.ts'
import type { Effect, FlowEvent } from '../src/flow/io.ts'
import { loadFlows } from '../src/flow/load.ts'
import type { Program } from '../src/flow/program.ts'
import { TEST_NOW, testCall } from '../src/flow/simulate.ts'
import { begin, step } from '../src/flow/step.ts'

const STEPS = 1000
const ROUNDS = 9

/** A flow of so many steps: ten at a time, each ten leading on to the next by an option. */
function generated(count: number): string {
  const tens = Array.from({ length: count / 10 }, (_, n) => {
    const on = n + 1 < count / 10 ? `ask_${n + 1}` : 'hangup'
    return `  ask_${n}:
    label: Question ${n}
    menu: "Good morning, {contact.name}. This is question ${n} of {clinic}. For yes, press 1. For no, press 2."
    options:
      "1": { label: "Yes", say: "Thank you.", set: { yes: "yes + 1" }, outcome: yes_${n}, goto: number_${n} }
      "2": { label: "No", set: { no: "no + 1" }, goto: why_${n} }
      "9": later_${n}
    noinput: ["Please press a key.", { say: "I cannot hear you.", goto: later_${n} }]
  number_${n}:
    gather: "Please type your number, then the hash key."
    save: code
    min_digits: 4
    max_digits: 10
    confirm: ["Your number is", { say_as: digits, value: "{code}" }]
  look_${n}:
    hold: "One minute, please."
    task: { http: { method: POST, url: "http://crm.test/{code}", json: { question: ${n}, number: "{code}" } } }
    save: answer
    on: { done: tell_${n}, failed: sorry_${n}, max_hold: sorry_${n} }
  tell_${n}: { say: "The answer is {answer.text}. You said yes {yes} times.", next: which_${n} }
  why_${n}: { listen: "Why is that so?", on: { spoke: thanks_${n}, too_long: thanks_${n} } }
  thanks_${n}: { say: "Thank you.", outcome: answered_${n} }
  which_${n}:
    branch:
      - { if: 'no > 3 && contact.city == "Cluj"', goto: later_${n} }
      - { if: "yes >= ${n} || code.startsWith('07')", goto: ${on} }
    else: ${on}
  sorry_${n}: { say: "I am sorry, we could not find it." }
  later_${n}:
    callback: "When may we call you?"
    choices: [30m, "tomorrow 10:00", enter_time]
    note: "Question ${n}, number {code}"
    on: { scheduled: hangup, declined: count_${n}, unavailable: count_${n} }
  count_${n}: { set: { later: "later + 1" }, next: ${on} }
`
  })
  return `flow: generated
start: ask_0
vars: { clinic: "St Luke's", yes: 0, no: 0, later: 0, code: "", answer: {} }
situations:
  again: { key: "*", goto: repeat }
  who: { key: "8", steps: [{ say: "We have your number from {contact.source}." }] }
steps:
${tens.join('')}`
}

/** Processor time, so that what else runs on the machine does not count. */
function seconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1e6
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}

/** Milliseconds of one check, by the median. */
function checking(): number {
  const file = { path: 'flows/generated.yaml', text: generated(STEPS) }
  const times = Array.from({ length: ROUNDS }, () => {
    const begun = process.cpuUsage()
    const { programs, problems } = loadFlows([file])
    const took = seconds(begun) * 1000
    const named = [...(programs.get('generated')?.steps.values() ?? [])].filter(({ name }) => name !== null)
    if (problems.length > 0 || named.length !== STEPS) throw new Error(JSON.stringify(problems[0]))
    return took
  })
  console.log(`first check of a flow with ${STEPS} steps, nothing warm: ${times[0]!.toFixed(0)} ms`)
  return median(times)
}

type Happening = 'said' | 'timeout' | 'talk' | `key ${string}` | 'hangup'

/** A visit that is put off after a wrong key, silence, a talk, a key into a prompt: what a call of the field is made of. */
const CONVERSATION: Happening[] = [
  ...([
    'said',
    'said',
    'talk',
    'timeout',
    'said',
    'said',
    'key 7',
    'said',
    'key 2',
    'key 2',
    'said',
    'timeout',
  ] as const),
  ...(['said', 'key 3', 'key 1', 'said', 'key 6', 'key 3', 'key 0', 'said', 'key 1', 'said', 'hangup'] as const),
]

/** One call from its start to its end; gives how many events it took. */
function converse(program: Program): number {
  let state = begin(program, testCall({ contact: { name: 'Ana', visit: 'Monday at ten', source: 'a friend' } }))
  let at = TEST_NOW
  let events = 0
  const waiting: Effect[] = []
  const send = (event: FlowEvent) => {
    const turn = step(program, state, event)
    state = turn.state
    events++
    for (const effect of turn.effects)
      if (effect.type === 'callback' || effect.type === 'callback_check') waiting.push(effect)
    const asked = waiting.pop()
    if (asked?.type === 'callback_check') send({ type: 'callback', at, id: asked.id, result: 'allowed' })
    if (asked?.type === 'callback') send({ type: 'callback', at, id: asked.id, result: 'scheduled' })
  }
  send({ type: 'start', at, verdict: 'human' })
  for (const happening of CONVERSATION) {
    at += 1000
    if (state.phase === 'done') break
    if (happening === 'said') send({ type: 'played', at, id: state.saying?.id ?? '', ok: true })
    else if (happening === 'timeout') send({ type: 'timer', at, id: state.timers.timeout ?? '' })
    else if (happening === 'hangup') send({ type: 'hangup', at, by: 'callee' })
    else if (happening === 'talk') {
      send({ type: 'talk', at, on: true })
      send({ type: 'talk', at: at + 500, on: false })
    } else send({ type: 'key', at, key: happening.slice(4) })
  }
  return events
}

/** Events a second on this core, by the median. */
function interpreting(): number {
  const files = ['flows/appointment.yaml', 'library/situations.yaml'].map((name) => {
    const path = join(projectRoot(), 'scripts-yaml', name)
    return { path, text: readFileSync(path, 'utf8') }
  })
  const program = loadFlows(files).programs.get('appointment')!
  const rates = Array.from({ length: ROUNDS }, () => {
    const begun = process.cpuUsage()
    let events = 0
    while (events < 200_000) events += converse(program)
    return events / seconds(begun)
  })
  return median(rates)
}

const check = checking()
const rate = interpreting()
console.log(`check of a flow with ${STEPS} steps: ${check.toFixed(0)} ms, at most 300`)
console.log(`interpreter: ${Math.round(rate).toLocaleString('en')} steps a second of one core, at least 300,000`)
if (process.argv.includes('--assert')) process.exitCode = check <= 300 && rate >= 300_000 ? 0 : 1
