/**
 * Conditions and holes in texts are CEL (the Common Expression Language), run by a library that has no eval and
 * touches no prototypes. An expression is compiled and type-checked once, when the flow is read, against the variables
 * that the flow declares.
 *
 * Numbers of a flow are CEL doubles; operators between doubles and whole literals are added, so that `tries + 1` means
 * what its author thinks. Columns of `contact` and fields of `previous` that are not there read as "": the names that a
 * flow reads are gathered here and filled in when its scope is made (`scope.ts`).
 *
 * Time is bounded by the size of the expression: no comprehension inside another, and `matches` takes a written
 * pattern without a repetition inside a repetition.
 */

import { Environment } from '@marcbachmann/cel-js'
import { guess } from './near.ts'
import { unsafePattern } from './pattern.ts'
import type { Expression, Program, ValueType } from './program.ts'

const CEL_TYPES: Record<ValueType, string> = {
  text: 'string',
  number: 'double',
  boolean: 'bool',
  list: 'list<dyn>',
  map: 'map<string, dyn>',
  any: 'dyn',
}
const CALL_FIELDS = ['id', 'direction', 'number', 'attempt', 'kind', 'answered_at', 'amd']
export const RESERVED = ['contact', 'call', 'campaign', 'previous', 'language']
const COMPREHENSIONS = new Set(['all', 'exists', 'exists_one', 'map', 'filter'])
const MAX_LENGTH = 1000

const base = new Environment({
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 300, maxDepth: 40, maxListElements: 100, maxMapEntries: 100, maxCallArguments: 8 },
})
const mixed: [string, (a: unknown, b: unknown) => unknown][] = [
  ['+', (a, b) => Number(a) + Number(b)],
  ['-', (a, b) => Number(a) - Number(b)],
  ['*', (a, b) => Number(a) * Number(b)],
  ['/', (a, b) => Number(a) / Number(b)],
  ['%', (a, b) => Number(a) % Number(b)],
]
for (const [operator, run] of mixed) {
  base.registerOperator(`double ${operator} int`, run)
  base.registerOperator(`int ${operator} double`, run)
}
base.registerOperator('double % double', (a: number, b: number) => a % b)
base.registerOperator('double == int', (a: number, b: bigint) => a === Number(b))
base.registerVariable('contact', 'map<string, string>')
base.registerVariable('call', 'map<string, dyn>')
base.registerVariable('campaign', 'map<string, dyn>')
base.registerVariable('previous', 'map<string, dyn>')
base.registerVariable('language', 'string')
// A first use settles the shared tables; after it, clones are cheap.
base.clone()

/** What is wrong with an expression; `offset` counts from its beginning. */
export interface ExpressionFault {
  code: 'expression' | 'unknown-variable'
  message: string
  offset: number
}

export interface ExpressionCompiler {
  compile(source: string): Expression | ExpressionFault
}

interface Ast {
  op: string
  args: unknown
  start: number
}

/** A compiler for the expressions of one flow; what they read of `contact` and `previous` is added to `reads`. */
export function expressionCompiler(types: Record<string, ValueType>, reads: Program['reads']): ExpressionCompiler {
  const environment = base.clone()
  for (const [name, type] of Object.entries(types)) environment.registerVariable(name, CEL_TYPES[type])
  const names = [...Object.keys(types), ...RESERVED]
  const compile = (source: string): Expression | ExpressionFault => {
    if (source.length > MAX_LENGTH) return fault(`an expression is at most ${MAX_LENGTH} characters long`, 0)
    try {
      const parsed = environment.parse(source)
      const found = inspect(parsed.ast as unknown as Ast, types, reads)
      if (found.fault !== null) return found.fault
      const checked = parsed.check()
      if (!checked.valid) return explain(checked.error, names)
      return {
        source,
        type: typeOf(checked.type ?? 'dyn'),
        reads: found.variables,
        run: (scope) => plain(parsed(scope)),
      }
    } catch (error) {
      return explain(error, names)
    }
  }
  // Long flows say the same names again and again.
  const known = new Map<string, Expression | ExpressionFault>()
  return {
    compile(source) {
      const made = known.get(source) ?? compile(source)
      known.set(source, made)
      return made
    },
  }
}

function explain(error: unknown, names: string[]): ExpressionFault {
  const { code, summary, range, message } = error as {
    code?: string
    summary?: string
    range?: { start: number }
    message?: string
  }
  const text = summary ?? message?.split('\n')[0] ?? 'cannot be understood'
  const unknown = /^Unknown variable: (.+)$/.exec(text)
  const offset = range?.start ?? 0
  if (code === 'unknown_variable' && unknown !== null)
    return {
      code: 'unknown-variable',
      message: `"${unknown[1]}" is not declared under vars${guess(unknown[1]!, names) || `; a text needs quotes of its own: '"${unknown[1]}"'`}`,
      offset,
    }
  return fault(text, offset)
}

function fault(message: string, offset: number): ExpressionFault {
  return { code: 'expression', message: `the expression is not right: ${message}`, offset }
}

/** Gathers what an expression reads and refuses what could run long. */
function inspect(root: Ast, types: Record<string, ValueType>, reads: Program['reads']) {
  const variables = new Set<string>()
  let wrong: ExpressionFault | null = null
  const refuse = (message: string, at: number) => {
    wrong ??= fault(message, at)
  }
  const visit = (node: unknown, inComprehension: boolean): void => {
    if (Array.isArray(node)) {
      for (const item of node) visit(item, inComprehension)
      return
    }
    if (!isAst(node)) return
    const args = node.args
    let inside = inComprehension
    if (node.op === 'id') {
      if (typeof args === 'string' && Object.hasOwn(types, args)) variables.add(args)
      return
    }
    if (node.op === 'value') return
    if (node.op === '.' || node.op === '[]') {
      const [object, field] = args as [Ast, unknown]
      const name = typeof field === 'string' ? field : isAst(field) && field.op === 'value' ? field.args : null
      if (typeof name === 'string') {
        const complaint = readField(object, name, reads)
        if (complaint !== null) refuse(complaint, node.start)
      }
    }
    if (node.op === 'rcall') {
      const [name, , rest] = args as [string, unknown, unknown[]]
      if (COMPREHENSIONS.has(name)) {
        if (inComprehension) refuse(`"${name}" inside another one could take too long`, node.start)
        inside = true
      }
      if (name === 'matches') {
        const pattern = rest[0]
        const complaint =
          isAst(pattern) && pattern.op === 'value' && typeof pattern.args === 'string'
            ? unsafePattern(pattern.args)
            : 'the pattern of "matches" must be written out'
        if (complaint !== null) refuse(complaint, node.start)
      }
    }
    visit(args, inside)
  }
  visit(root, false)
  return { variables: [...variables], fault: wrong as ExpressionFault | null }
}

function isAst(node: unknown): node is Ast {
  return typeof node === 'object' && node !== null && 'op' in node
}

function readField(object: Ast, name: string, reads: Program['reads']): string | null {
  if (object.op === '.' && Array.isArray(object.args)) {
    const [outer, field] = object.args as [Ast, unknown]
    if (outer.op === 'id' && outer.args === 'previous' && field === 'tasks') reads.tasks.add(name)
    return null
  }
  if (object.op !== 'id') return null
  switch (object.args) {
    case 'contact':
      reads.contact.add(name)
      return null
    case 'previous':
      reads.previous.add(name)
      return null
    case 'campaign':
      reads.campaign.add(name)
      return null
    case 'call':
      return CALL_FIELDS.includes(name) ? null : `call has no "${name}"${guess(name, CALL_FIELDS)}`
    default:
      return null
  }
}

function typeOf(cel: string): ValueType {
  if (cel === 'string') return 'text'
  if (cel === 'double' || cel === 'int' || cel === 'uint') return 'number'
  if (cel === 'bool') return 'boolean'
  if (cel.startsWith('list')) return 'list'
  if (cel.startsWith('map')) return 'map'
  return 'any'
}

/** A value of CEL as plain data: whole numbers are bigints there, times are dates. Throws for what JSON has no number for. */
function plain(value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return Number(value)
    case 'number':
      if (!Number.isFinite(value)) throw new Error(`${value} is no number that can be kept`)
      return value
    case 'object':
      if (value === null) return null
      if (Array.isArray(value)) return value.map(plain)
      if (value instanceof Date) return value.toISOString()
      if (value instanceof Map) return plain(Object.fromEntries(value))
      if (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null)
        return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
      return String((value as { seconds?: unknown }).seconds ?? value)
    default:
      return value
  }
}
