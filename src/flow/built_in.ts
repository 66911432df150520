/** Steps that every flow has without writing them: the apology after a technical fault. */

import type { Workshop } from './build.ts'
import type { Step, Target } from './program.ts'
import { hangupVerb } from './verbs/hangup.ts'
import { sayVerb } from './verbs/say.ts'

/** Adds them to the program. */
export function builtInSteps(shop: Workshop): void {
  const { program } = shop
  const place = { line: 1, column: 1 }
  const plain = (id: string, next: Target | null): Omit<Step, 'verb' | 'node'> => ({
    id,
    name: null,
    next,
    nextWritten: true,
    on: new Map(),
    outcome: null,
    label: null,
    hint: null,
    pace: null,
    place,
  })
  program.steps.set('@error/say', {
    ...plain('@error/say', { to: 'step', step: '@error/end', place }),
    verb: sayVerb,
    node: { text: { kind: 'phrase', phrase: 'technical' }, bargeIn: true },
  })
  program.steps.set('@error/end', {
    ...plain('@error/end', null),
    verb: hangupVerb,
    node: { say: { kind: 'phrase', phrase: 'goodbye' }, disposition: 'completed', outcome: null },
  })
  if (program.onError === '') program.onError = '@error/say'
}
