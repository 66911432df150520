/**
 * A YAML text as plain values that still know their places.
 *
 * Three things differ from plain YAML. An unquoted scalar that begins with `+` or `0` and a digit is text (a telephone
 * number, not an integer). `${NAME}` and `${NAME:-default}` inside a text are taken from the environment after parsing,
 * so that a value can never become structure. And anchors, aliases and tags are refused, nesting is measured before the
 * parser sees the text: the `yaml` package ends the whole process on a text that is nested deeply enough.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, visit } from 'yaml'
import type { Environment } from '../config.ts'
import type { Problem } from '../errors.ts'

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

const LONGEST = 256 * 1024
const DEEPEST = 64

/** Reads `text`. Never throws. */
export function readDocument(text: string, file: string, env: Environment): Document {
  const problems: Problem[] = []
  const report = (place: Place, code: string, message: string): void => {
    problems.push({ file, ...place, severity: 'error', code, message })
  }
  const failed = (place: Place, code: string, message: string): Document => {
    report(place, code, message)
    return { file, value: null, problems, fatal: true, place: () => place, keyPlace: () => place }
  }
  if (text.length > LONGEST) return failed({ line: 1, column: 1 }, 'too-long', 'The file is longer than 256 KiB.')
  const deep = tooDeepAt(text)
  if (deep) return failed(deep, 'too-deep', 'The file is nested deeper than 64 levels.')

  const lines = new LineCounter()
  const parsed = parseDocument(text.replace(/^\uFEFF/, ''), {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    uniqueKeys: true,
    customTags: [],
  })
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  for (const error of parsed.errors) {
    const code = error.code === 'DUPLICATE_KEY' ? 'duplicate-key' : 'yaml'
    const message =
      error.code === 'DUPLICATE_KEY'
        ? 'This key stands twice; keep one of the two.'
        : `This is not YAML: ${error.message.split('\n')[0]}`
    report(placeAt(error.pos[0]), code, message)
  }
  if (parsed.errors.some((error) => error.code !== 'DUPLICATE_KEY')) {
    const place = (): Place => ({ line: 1, column: 1 })
    return { file, value: null, problems, fatal: true, place, keyPlace: place }
  }

  const start = (node: unknown): Place => placeAt((node as Node | null)?.range?.[0] ?? 0)
  visit(parsed, {
    Alias: (_key, node) => {
      report(start(node), 'alias', 'Anchors and aliases are not allowed; write the value out.')
      return visit.REMOVE
    },
    Node: (_key, node) => {
      if ('anchor' in node && node.anchor)
        report(start(node), 'alias', 'Anchors and aliases are not allowed; write the value out.')
      if (node.tag && !node.tag.startsWith('tag:yaml.org,2002:'))
        report(start(node), 'tag', `The tag ${node.tag} is not allowed; write a plain value.`)
    },
    Scalar: (key, node) => {
      if (node.type === 'PLAIN' && node.source !== undefined && /^[+0]\d/.test(node.source)) node.value = node.source
      if (key === 'key' || typeof node.value !== 'string') return
      node.value = fill(node.value, env, (code, message) => report(start(node), code, message))
    },
  })

  const nodeAt = (path: readonly PropertyKey[]): unknown => {
    let node: unknown = parsed.contents
    for (const part of path) {
      const next = isMap(node) ? pairOf(node.items, part)?.value : isSeq(node) ? node.items[Number(part)] : undefined
      if (next === undefined || next === null) break
      node = next
    }
    return node
  }
  return {
    file,
    value: problems.some((problem) => problem.code === 'alias') ? null : parsed.toJS({ maxAliasCount: 0 }),
    problems,
    fatal: problems.some((problem) => problem.code === 'alias'),
    place: (path) => start(nodeAt(path)),
    keyPlace: (path, key) => {
      const node = nodeAt(path)
      const pair = isMap(node) ? pairOf(node.items, key) : undefined
      return start(pair?.key ?? node)
    },
  }
}

function pairOf(items: Pair[], key: PropertyKey): Pair | undefined {
  return items.find((pair) => isScalar(pair.key) && !isAlias(pair.value) && String(pair.key.value) === String(key))
}

/** Puts the environment's values in. As in a shell, `:-` also stands in for an empty variable. */
function fill(text: string, env: Environment, report: (code: string, message: string) => void): string {
  return text.replace(/\$\{([^}]*)\}?/g, (whole, inside: string) => {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/.exec(inside)
    if (!match || !whole.endsWith('}')) {
      report('environment', `${whole} is not a variable; write \${NAME} or \${NAME:-default}.`)
      return ''
    }
    const [, name = '', otherwise] = match
    const value = env[name]
    if (otherwise !== undefined) return value === undefined || value === '' ? otherwise : value
    if (value !== undefined) return value
    report('environment', `The environment has no ${name}; set it, or give a default: \${${name}:-…}.`)
    return ''
  })
}

/** Where a text becomes too deep, by brackets and by indentation, counted generously and without parsing. */
function tooDeepAt(text: string): Place | null {
  const indents: number[] = []
  let brackets = 0
  for (const [index, line] of text.split('\n').entries()) {
    const indent = line.search(/[^ ]/)
    if (indent >= 0 && line[indent] !== '#') {
      while (indents.length > 0 && (indents.at(-1) ?? 0) >= indent) indents.pop()
      indents.push(indent)
    }
    const dashes = /^[\s\-?:]*/.exec(line)?.[0].replace(/\s/g, '').length ?? 0
    if (indents.length + dashes > DEEPEST) return { line: index + 1, column: 1 }
    for (let column = 0; column < line.length; column++) {
      const sign = line[column]
      if (sign === '[' || sign === '{') brackets++
      else if (sign === ']' || sign === '}') brackets = Math.max(0, brackets - 1)
      if (brackets + indents.length > DEEPEST) return { line: index + 1, column: column + 1 }
    }
  }
  return null
}
