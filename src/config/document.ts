/**
 * A YAML text as plain values that still know their places, with the environment's values filled in.
 *
 * The text is read by the same guarded reader as the flows, so that the same scalars are text and the same structures are
 * refused. `${NAME}` and `${NAME:-default}` are taken from the environment after that: a value can never become structure.
 */
import type { Environment } from '../config.ts'
import type { Problem } from '../errors.ts'
import { type Located, readSource } from '../flow/source.ts'

export interface Place {
  line: number
  column: number
}

export interface Document {
  file: string
  value: unknown
  problems: Problem[]
  /** The text could not be read as YAML at all; `value` is of no use. */
  fatal: boolean
  /** Where the value at `path` begins; for a path that is not there, where its nearest holder begins. */
  place(path: readonly PropertyKey[]): Place
  /** Where the key itself stands. */
  keyPlace(path: readonly PropertyKey[], key: string): Place
}

/** Reads `text`; an empty one is an empty map. Never throws. */
export function readDocument(text: string, file: string, env: Environment): Document {
  const { root, problems: found } = readSource(file, text)
  const empty = found.length > 0 && found.every((problem) => problem.code === 'empty')
  const problems = empty ? [] : [...found]
  const nearest = (path: readonly PropertyKey[]): { at: Located | null; found: boolean } => {
    let at = root
    for (const part of path) {
      const next = at?.items.get(part as string | number)
      if (!next) return { at, found: false }
      at = next
    }
    return { at, found: true }
  }
  const place = (path: readonly PropertyKey[]): Place => nearest(path).at?.place ?? { line: 1, column: 1 }
  const report = (at: Place, message: string): void => {
    problems.push({ file, line: at.line, column: at.column, severity: 'error', code: 'environment', message })
  }
  return {
    file,
    value: root ? fillAll(root, env, report) : {},
    problems,
    fatal: root === null && !empty,
    place,
    keyPlace: (path, key) => {
      const { at, found } = nearest([...path, key])
      return found && at ? at.key : place(path)
    },
  }
}

type Report = (at: Place, message: string) => void

function fillAll({ value, place, items }: Located, env: Environment, report: Report): unknown {
  if (typeof value === 'string') return fill(value, env, (message) => report(place, message))
  if (Array.isArray(value)) return [...items.values()].map((item) => fillAll(item, env, report))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries([...items].map(([key, item]) => [key, fillAll(item, env, report)]))
}

/** As in a shell, `:-` also stands in for an empty variable. */
function fill(text: string, env: Environment, report: (message: string) => void): string {
  return text.replace(/\$\{([^}]*)\}?/g, (whole, inside: string) => {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/.exec(inside)
    if (!match || !whole.endsWith('}')) {
      report(`${whole} is not a variable; write \${NAME} or \${NAME:-default}.`)
      return ''
    }
    const [, name = '', otherwise] = match
    const value = env[name]
    if (otherwise !== undefined) return value === undefined || value === '' ? otherwise : value
    if (value !== undefined) return value
    report(`The environment has no ${name}; set it, or give a default: \${${name}:-…}.`)
    return ''
  })
}
