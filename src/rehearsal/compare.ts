/**
 * The same conversation on the simulator and on the line, side by side. The simulator is given the line's own hour and the true
 * lengths of what is said, so that whatever still differs is a fault of one of the two.
 */

import { time } from '../flow/conversation-test.ts'
import type { Simulation } from '../flow/script.ts'

/** ms by which a callback may be due sooner or later. */
const CLOSE = 1_000
/** ms by which a stretch from one text to the next may be off: events on their way, talk told from noise, a sound that begins. */
const SLACK = 2_500

/** What differs, in words. `lost`: ms for which the machine stood still between two moments, ms since the answer. */
export function differences(
  simulated: Simulation,
  line: Simulation,
  lost: (from: number, to: number) => number = () => 0,
): string[] {
  const found: string[] = []
  const differ = (what: string, one: unknown, other: unknown) => {
    if (JSON.stringify(one) !== JSON.stringify(other))
      found.push(`${what}: ${shown(one)} on the simulator, ${shown(other)} on the line`)
  }
  sequence(
    'said',
    simulated.heard.map(({ text }) => text),
    line.heard.map(({ text }) => text),
    found,
  )
  sequence('step', simulated.steps.map(way), line.steps.map(way), found)
  const [a, b] = [simulated.result, line.result]
  for (const name of ['disposition', 'hangup_by', 'outcome', 'last_step', 'strategy'] as const)
    differ(name, a[name] ?? null, b[name] ?? null)
  for (const name of Object.keys(a.vars))
    if (!alike(text(a.vars[name]), text(b.vars[name]))) differ(`vars.${name}`, a.vars[name], b.vars[name])
  differ('tasks', Object.keys(a.tasks), Object.keys(b.tasks))
  // A time that was chosen by the clock is the same, whenever it was; one that counts from the choice is as far from it.
  const [soon, late] = [simulated.callbackIn, line.callbackIn]
  const apart = (one: number | null, other: number | null) =>
    one === null || other === null ? one !== other : Math.abs(one - other) > CLOSE
  if (apart(soon, late) && apart(a.callback_at, b.callback_at))
    found.push(`callback_in: ${span(soon)} on the simulator, ${span(late)} on the line`)
  pace(simulated, line, lost, found)
  return found
}

function sequence(what: string, simulated: string[], line: string[], found: string[]): void {
  const longest = Math.max(simulated.length, line.length)
  for (let index = 0; index < longest; index++) {
    const [one, other] = [simulated[index], line[index]]
    if (one !== undefined && other !== undefined && alike(one, other)) continue
    found.push(`${what} ${index + 1}: ${shown(one ?? null)} on the simulator, ${shown(other ?? null)} on the line`)
    return
  }
}

/** Each stretch by itself: what the line loses in one is not held against the next. */
function pace(
  simulated: Simulation,
  line: Simulation,
  lost: (from: number, to: number) => number,
  found: string[],
): void {
  const [promised, took] = [stretches(simulated), stretches(line)]
  for (const [index, { ms, until }] of promised.entries()) {
    const was = took[index]
    if (was === undefined || was.until !== until) continue
    // Sounds, keys and events all come late then, each by itself.
    if (Math.abs(was.ms - ms) <= SLACK + 2 * lost(was.from, was.from + was.ms)) continue
    found.push(`the time until ${shown(until)}: ${time(ms)} on the simulator, ${time(was.ms)} on the line`)
  }
}

function stretches({ heard, duration, lines }: Simulation): { from: number; ms: number; until: string }[] {
  const spoken = lines.filter(({ who, text }) => who === 'us' && heard.some((one) => one.text === text))
  const marks = [...spoken.map(({ at, text }) => ({ at, text })), { at: duration, text: 'the end' }]
  return marks.map(({ at, text }, index) => {
    const from = marks[index - 1]?.at ?? 0
    return { from, ms: at - from, until: text }
  })
}

const way = ({ step, event }: Simulation['steps'][number]): string => `${step} (${event})`
const text = (value: unknown): string => JSON.stringify(value) ?? ''
const shown = (value: unknown): string => (value === null ? 'nothing' : JSON.stringify(value))
const span = (ms: number | null): string => (ms === null ? 'no callback' : time(ms))

const HOUR = /\b(\d{1,2}):(\d\d)\b/g

/** The same but for hours that lie a minute apart: they are read off two clocks. */
function alike(one: string, other: string): boolean {
  if (one === other) return true
  if (one.replace(HOUR, '') !== other.replace(HOUR, '')) return false
  const minutes = (words: string) =>
    [...words.matchAll(HOUR)].map(([, hour, minute]) => Number(hour) * 60 + Number(minute))
  const others = minutes(other)
  return minutes(one).every((at, index) => {
    const apart = Math.abs(at - (others[index] ?? 0))
    return Math.min(apart, 1440 - apart) <= 1
  })
}
