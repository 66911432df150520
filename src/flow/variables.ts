/** The variables of a flow: declared with a default, and by it with a type. */

import type { ProblemCode } from '../errors.ts'
import { RESERVED } from './expressions.ts'
import type { Program, ValueType } from './program.ts'
import { VARIABLE } from './schema.ts'
import type { Path } from './source.ts'
import { typeOfValue } from './turn.ts'

type Report = (code: ProblemCode, message: string, path: Path, atKey?: boolean) => void

/** Words that the expression language keeps for itself. */
const CEL_WORDS = new Set(
  (
    'true false null in as break const continue else for function if import let loop package namespace return var void ' +
    'while list map string int uint double bool bytes null_type type optional google'
  ).split(' '),
)

/** Adds the variables of a file's `vars` to its program. */
export function readVariables(vars: Record<string, unknown>, program: Program, report: Report): void {
  for (const [name, value] of Object.entries(vars)) {
    if (CEL_WORDS.has(name)) {
      report('name', `"${name}" is a word of the expression language and cannot be a variable`, ['vars', name], true)
      continue
    }
    if (!VARIABLE.test(name)) {
      report('name', `"${name}" cannot be the name of a variable: use letters, digits and _`, ['vars', name], true)
      continue
    }
    if (RESERVED.includes(name)) {
      report('name', `"${name}" is there in every flow and cannot be declared`, ['vars', name], true)
      continue
    }
    const type: ValueType = typeOfValue(value)
    program.vars[name] = value
    program.types[name] = type
  }
}
