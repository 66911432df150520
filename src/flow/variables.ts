/** The variables of a flow: declared with a default, and by it with a type. */

import type { Build } from './build.ts'
import { RESERVED } from './expressions.ts'
import type { Program, ValueType } from './program.ts'
import { VARIABLE } from './schema.ts'
import { typeOfValue } from './turn.ts'

/** Words that the expression language keeps for itself. */
const CEL_WORDS = new Set(
  (
    'true false null in as break const continue else for function if import let loop package namespace return var void ' +
    'while list map string int uint double bool bytes null_type type optional google'
  ).split(' '),
)

/**
 * Adds the variables of a file's `vars` to its program. A library may name one that its flow or another library has declared:
 * it is the same variable, with the default of whoever declared it first.
 */
export function readVariables(vars: Record<string, unknown>, program: Program, problem: Build['problem']): void {
  for (const [name, value] of Object.entries(vars)) {
    if (CEL_WORDS.has(name)) {
      problem(
        'name',
        `"${name}" is a word of the expression language and cannot be a variable`,
        ['vars', name],
        'error',
        true,
      )
      continue
    }
    if (!VARIABLE.test(name)) {
      problem(
        'name',
        `"${name}" cannot be the name of a variable: use letters, digits and _`,
        ['vars', name],
        'error',
        true,
      )
      continue
    }
    if (RESERVED.includes(name)) {
      problem('name', `"${name}" is there in every flow and cannot be declared`, ['vars', name], 'error', true)
      continue
    }
    const type: ValueType = typeOfValue(value)
    const known = Object.hasOwn(program.types, name) ? program.types[name] : undefined
    if (known !== undefined) {
      if (known !== type)
        problem('name-clash', `"${name}" is a ${known} in the flow or in another library, and a ${type} here`, [
          'vars',
          name,
        ])
      continue
    }
    program.vars[name] = value
    program.types[name] = type
  }
}
