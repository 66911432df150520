/** What came of a replay, for people: where the way parts, with what was done then and what would be done now. */

import type { Effect, FlowEvent } from '../../flow/io.ts'
import type { Parting, Replayed } from '../../flow/replay.ts'
import { wordsOf } from '../../flow/view.ts'
import { colour as pc } from '../colour.ts'
import { count } from '../show-text.ts'

export interface Told extends Replayed {
  call: string
  flow: string
  /** The version that held the call, and the one that it was replayed by. */
  version: string
  by: string
}

export function report({ call, flow, version, by, inputs, effects, parts, words, stopped }: Told): string {
  const same = version === by
  const head = `${call}: ${flow} ${version}${same ? '' : ` by ${by}`}, ${count(inputs, 'input')}, ${count(effects, 'effect')}`
  if (parts === null && words === null && stopped === null) return `${head}: the same, bit for bit`
  const lines = [head]
  if (words !== null) lines.push('', `Other words at ${place(words)}`, ...both(words))
  if (parts !== null)
    lines.push('', same ? `It is not the same at ${place(parts)}` : `The way parts at ${place(parts)}`, ...both(parts))
  if (same && parts !== null)
    lines.push('', 'The flow is the same, so this program decides otherwise than the one that held the call.')
  if (stopped !== null) lines.push('', `Not to the end: ${stopped}`)
  return lines.join('\n')
}

function place({ input, at, step, event }: Parting): string {
  return `${pc.bold(step ?? 'the beginning')}, +${(at / 1000).toFixed(1)} s, input ${input}: ${inWords(event)}`
}

/** The effects that differ; those before and after them are left out. */
function both({ was, now }: Parting): string[] {
  if (was === null) return ['  now', ...now.map(effectLine)]
  const [a, b] = [was.map((one) => JSON.stringify(one)), now.map((one) => JSON.stringify(one))]
  let from = 0
  while (from < Math.min(a.length, b.length) && a[from] === b[from]) from += 1
  let less = 0
  while (less < Math.min(a.length, b.length) - from && a.at(-1 - less) === b.at(-1 - less)) less += 1
  const part = (effects: Effect[]) => effects.slice(from, effects.length - less).map(effectLine)
  const lines = (effects: string[]) => (effects.length === 0 ? ['    nothing'] : effects)
  return ['  was', ...lines(part(was)), '  would be', ...lines(part(now))]
}

function inWords(event: FlowEvent): string {
  switch (event.type) {
    case 'key':
      return `key ${event.key}`
    case 'talk':
      return event.on ? 'they began to talk' : 'they stopped talking'
    case 'played':
      return event.ok ? 'the end of a sound' : 'a sound that could not be played'
    case 'timer':
      return 'a time ran out'
    case 'hangup':
      return `hung up by ${event.by}`
    case 'start':
      return `answered (${event.verdict})`
    default:
      return event.type
  }
}

function effectLine(effect: Effect): string {
  return `    ${effectWords(effect)}`
}

function effectWords(effect: Effect): string {
  const { type, ...rest } = effect
  switch (effect.type) {
    case 'enter':
      return `enters ${effect.step} (${effect.event})`
    case 'play':
      return `says "${wordsOf(effect.parts)}"`
    case 'music':
      return effect.on ? 'music' : 'no music'
    case 'http':
      return `asks ${effect.request.method} ${effect.request.url}`
    case 'hangup':
      return 'hangs up'
    default:
      return `${type} ${JSON.stringify(rest)}`
  }
}
