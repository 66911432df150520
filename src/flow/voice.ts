/**
 * What `listen` and `record` have in common: a voice answers, not keys. After talk a shorter silence ends the answer,
 * and keys that nobody names are dropped, also those that were pressed before.
 */

import type { Manner } from './program.ts'
import { raise } from './situations.ts'
import type { Turn } from './turn.ts'

/** Only silence has a ladder here: whatever they say is an answer. */
export function quietManner(manner: Manner): Manner {
  return { ...manner, nomatch: [] }
}

/** Once they have talked after the prompt, `finalSilence` (ms) ends the round. */
export function afterTalk(turn: Turn, manner: Manner, finalSilence: number): Manner {
  return talkedAfterPrompt(turn) ? { ...manner, timeout: finalSilence } : manner
}

export function talkedAfterPrompt({ s: { ask } }: Turn): boolean {
  return ask !== null && ask.phase === 'wait' && ask.quiet !== null && ask.quiet > ask.promptEnd
}

/** Keys that were pressed before the step: the first that raises a situation does so, the others are dropped. */
export function typedBefore(turn: Turn, own = ''): boolean {
  const { s, program } = turn
  const pressed = [...s.buffer].find((key) => '*#'.includes(key) && key !== own && program.keys.has(key))
  s.buffer = ''
  if (pressed === undefined) return false
  raise(turn, program.keys.get(pressed)!)
  return true
}
