/**
 * What zod found wrong, told as problems with a place in the file, plain words and a near name. Where a value may be
 * one of several things, the fault is told of the one that it was probably meant to be.
 */

import type { z } from 'zod'
import type { Problem, ProblemCode } from '../errors.ts'
import { near } from './near.ts'
import { listed } from './schema.ts'
import { type Located, type Path, placeOf } from './source.ts'

/** What zod found wrong with the value at `path`, as problems in the file's own places. */
export function problemsOf(error: z.ZodError, file: string, root: Located, path: Path): Problem[] {
  const found = error.issues.flatMap((issue) => translate(issue as Issue, file, root, path))
  // A misspelt key is one fault, not a missing one beside an unknown one.
  return found.filter(
    (p) =>
      p.code !== 'missing-key' ||
      !found.some((q) => q.code === 'unknown-key' && q.message.includes(`mean ${p.message.split(' is missing')[0]}?`)),
  )
}

interface Issue {
  code: string
  path: PropertyKey[]
  message: string
  keys?: string[]
  errors?: Issue[][]
  issues?: Issue[]
  input?: unknown
}

function translate(issue: Issue, file: string, root: Located, base: Path): Problem[] {
  const path = [...base, ...(issue.path as Path)]
  const at = (code: ProblemCode, message: string, where: Path, atKey = false): Problem => ({
    file,
    ...placeOf(root, where, atKey),
    severity: 'error',
    code,
    message,
  })
  const name = path.at(-1)
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(issue.message)
      return (issue.keys ?? []).map((key) => at('unknown-key', unknownKey(key, known), [...path, key], true))
    }
    case 'invalid_union': {
      const branch = closest(issue.errors ?? [])
      if (branch === null) break
      return branch.flatMap((inner) => translate(inner, file, root, path))
    }
    case 'invalid_key':
      return [at('name', `"${String(name)}": ${issue.issues?.[0]?.message ?? issue.message}`, path, true)]
    case 'invalid_element':
      return (issue.issues ?? []).flatMap((inner) => translate(inner, file, root, path))
  }
  if (!isThere(root, path))
    return [at('missing-key', `"${String(name)}" is missing: ${issue.message}`, path.slice(0, -1), true)]
  return [at('wrong-type', `${typeof name === 'string' ? `${name}: ` : ''}${issue.message}`, path)]
}

function isThere(root: Located, path: Path): boolean {
  let at: Located | undefined = root
  for (const step of path) at = at?.items.get(step)
  return at !== undefined
}

function knownKeys(message: string): string[] {
  try {
    return JSON.parse(message) as string[]
  } catch {
    return []
  }
}

export function unknownKey(key: string, known: readonly string[]): string {
  const guess = near(key, known)
  return `"${key}" is not known here${guess === null ? (known.length > 0 && known.length <= 12 ? `: use ${listed(known)}` : '') : `: did you mean "${guess}"?`}`
}

/** The branch of a union that the value was meant to be: of its kind, and with the least wrong. Null when none is. */
function closest(branches: Issue[][]): Issue[] | null {
  let best: Issue[] | null = null
  let least = Number.POSITIVE_INFINITY
  for (const branch of branches) {
    const weight = branch.reduce((sum, issue) => sum + weigh(issue), 0)
    if (weight < least) {
      best = branch
      least = weight
    }
  }
  return best
}

/** How far a value is from a schema; infinite when it is not even of the same kind. */
function weigh(issue: Issue): number {
  switch (issue.code) {
    case 'invalid_type':
      return issue.path.length === 0 ? Number.POSITIVE_INFINITY : 1
    case 'invalid_value':
      // A word is seldom meant where a whole map stands.
      return issue.path.length === 0 ? 100 : 1
    case 'unrecognized_keys':
      return 2 * (issue.keys?.length ?? 1)
    case 'invalid_key':
      return 3
    case 'invalid_union':
      return Math.min(
        Number.POSITIVE_INFINITY,
        ...(issue.errors ?? []).map((branch) => branch.reduce((sum, inner) => sum + weigh(inner), 0)),
      )
    default:
      return 1
  }
}
