/**
 * Holds the file against the schema and says each difference as a sentence with its place. The schema knows what is
 * allowed; this knows how to talk about it.
 */
import type { z } from 'zod'
import type { Problem, ProblemCode } from '../errors.ts'
import { near } from '../flow/near.ts'
import type { Document } from './document.ts'
import { configSchema } from './schema.ts'

export function shapeProblems(document: Document, schema: z.ZodType = configSchema): Problem[] {
  const value = document.value ?? {}
  const known: string[][] = []
  const result = schema.safeParse(value, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined
      const shape = (issue.inst as { _zod?: { def?: { shape?: object } } } | undefined)?._zod?.def?.shape
      return String(known.push(Object.keys(shape ?? {})) - 1)
    },
  })
  if (result.success) return []
  return result.error.issues.flatMap((issue): Problem[] => {
    const problem = (place: { line: number; column: number }, code: ProblemCode, message: string): Problem => ({
      file: document.file,
      ...place,
      severity: 'error',
      code,
      message,
    })
    if (issue.code === 'unrecognized_keys') {
      const keys = known[Number(issue.message)] ?? []
      return issue.keys.map((key) => {
        const close = near(key, keys)
        const hint = close ? `did you mean \`${close}\`?` : `known here: ${keys.join(', ')}.`
        return problem(document.keyPlace(issue.path, key), 'unknown-key', `Unknown key \`${key}\`; ${hint}`)
      })
    }
    const name = issue.path.length > 0 ? `\`${issue.path.join('.')}\`` : 'The file'
    return [
      problem(document.place(issue.path), codeOf(issue), `${name} ${sentence(issue, value)}`.replace('` : ', '`: ')),
    ]
  })
}

function codeOf(issue: z.core.$ZodIssue): ProblemCode {
  if (issue.code === 'invalid_type') return isMissing(issue) ? 'missing-key' : 'wrong-type'
  return 'bad-value'
}

function isMissing(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'invalid_type' && /received undefined/.test(issue.message)
}

function sentence(issue: z.core.$ZodIssue, root: unknown): string {
  switch (issue.code) {
    case 'invalid_type': {
      const wanted = words[issue.expected] ?? issue.expected
      if (isMissing(issue)) return `is missing; it must be ${wanted}.`
      const found = issue.path.reduce<unknown>((at, part) => (at as Record<PropertyKey, unknown> | null)?.[part], root)
      const quotes = issue.expected === 'string' && typeof found !== 'object' ? '; put it in quotes' : ''
      return `must be ${wanted}, but it is ${kindOf(found)}${quotes}.`
    }
    case 'invalid_value':
      return `must be ${issue.values.map(String).join(' or ')}.`
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array'
        ? 'must not be empty.'
        : `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}.`
    case 'too_big':
      return `must be at most ${issue.maximum}.`
    default:
      return `${issue.message}.`
  }
}

const words: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  if (typeof value === 'string') return 'a text'
  return typeof value === 'number' ? 'a number' : String(value)
}
