/**
 * Steps that every flow has without writing them: the apology after a technical fault, with its offer of a callback,
 * and the callback that a hold offers.
 */

import type { Workshop } from './build.ts'
import { readChoice } from './later.ts'
import type { PhraseName } from './phrases.ts'
import type { Step, Target, Text } from './program.ts'
import { type Callback, callbackVerb } from './verbs/callback.ts'
import { hangupVerb } from './verbs/hangup.ts'
import { HOLD_CALLBACK } from './verbs/hold.ts'
import { sayVerb } from './verbs/say.ts'

const PLACE = { line: 1, column: 1 }
const to = (step: string): Target => ({ to: 'step', step, place: PLACE })
const hangup: Target = { to: 'hangup', place: PLACE }
const back: Target = { to: 'return', place: PLACE }

/** Adds them to the program. */
export function builtInSteps({ program }: Workshop): void {
  const add = (id: string, step: Pick<Step, 'verb' | 'node'> & Partial<Step>) =>
    program.steps.set(id, { ...PLAIN, file: program.file, id, ...step })
  add('@error/say', { verb: sayVerb, node: { text: phrase('technical'), bargeIn: true }, next: to('@error/callback') })
  add('@error/callback', {
    verb: callbackVerb,
    node: usualCallback(['30m', 'enter_time']),
    next: to('@error/end'),
    on: new Map([
      ['scheduled', hangup],
      ['unavailable', to('@error/later')],
    ]),
  })
  add('@error/later', { verb: sayVerb, node: { text: phrase('callAgain'), bargeIn: true }, next: to('@error/end') })
  add('@error/end', {
    verb: hangupVerb,
    node: { say: phrase('goodbye'), disposition: 'completed', outcome: null },
  })
  add(HOLD_CALLBACK, {
    verb: callbackVerb,
    node: usualCallback(['30m']),
    on: new Map([
      ['scheduled', hangup],
      ['declined', back],
      ['unavailable', back],
    ]),
  })
  if (program.onError === '') program.onError = '@error/say'
}

const PLAIN = {
  name: null,
  next: null,
  nextWritten: true,
  on: new Map<string, Target>(),
  outcome: null,
  label: null,
  hint: null,
  pace: null,
  place: PLACE,
}

function phrase(name: PhraseName): Text {
  return { kind: 'phrase', phrase: name }
}

function usualCallback(choices: string[]): Callback {
  return {
    text: phrase('callbackQuestion'),
    choices: choices.map((choice) => readChoice(choice)!),
    to: null,
    window: null,
    expires: null,
    note: null,
    agent: null,
    flow: null,
    at: null,
  }
}
