/**
 * A YAML text becomes plain values, with the place of every key and value kept.
 *
 * The `yaml` package is careful with good files and helpless with hostile ones: deep nesting overflows the stack and
 * aborts Node, and a text of 250,000 quotes costs minutes, since every error is kept. So its lexer and parser, which
 * do not recurse, run first and are watched: size, depth, anchors, aliases and tags are refused as soon as they are
 * seen, before anything is composed. Composing then stops at the first few errors.
 *
 * Values are made here and not by the package: an unquoted scalar that begins with `+` and a digit, or with `0` and a
 * digit, is text (a telephone number, a time), keys are text as they are written, and a key that comes twice is an
 * error with its place.
 */

import { Composer, type CST, isAlias, isMap, isScalar, isSeq, type ParsedNode, type Scalar } from 'yaml'
import type { Problem, ProblemCode } from '../errors.ts'
import type { Place } from './program.ts'
import { guardedTokens, type Report } from './tokens.ts'

export type Path = (string | number)[]

/** One value of the file: where its key and it begin, and what is in it. */
export interface Located {
  value: unknown
  place: Place
  key: Place
  items: Map<string | number, Located>
}

export interface Source {
  file: string
  /** Null when the text could not be read at all. */
  root: Located | null
  problems: Problem[]
}

const MAX_ERRORS = 10

class EnoughErrors extends Error {}

/** Reads a YAML text. Never throws; takes a bounded time whatever the text is. */
export function readSource(file: string, raw: string): Source {
  const text = raw.startsWith('\uFEFF') ? raw.slice(1) : raw
  const problems: Problem[] = []
  const places = lineStarts(text)
  const report = (offset: number, code: ProblemCode, message: string) => {
    problems.push({ file, ...places(offset), severity: 'error', code, message })
    if (problems.length >= MAX_ERRORS) throw new EnoughErrors()
  }
  try {
    const tokens = guardedTokens(text, report)
    if (problems.length > 0) return { file, root: null, problems }
    const contents = compose(tokens, report)
    if (problems.length > 0) return { file, root: null, problems }
    if (contents === null) {
      report(0, 'empty', 'the file is empty')
      return { file, root: null, problems }
    }
    const root = locate(contents, places(0), places, report)
    return { file, root: problems.some((p) => p.code !== 'duplicate-key') ? null : root, problems }
  } catch (error) {
    if (!(error instanceof EnoughErrors))
      problems.push({
        file,
        line: 1,
        column: 1,
        severity: 'error',
        code: 'yaml',
        message: `cannot be read: ${error instanceof Error ? error.message : error}`,
      })
    return { file, root: null, problems }
  }
}

function compose(tokens: CST.Token[], report: Report): ParsedNode | null {
  const composer = new Composer({ uniqueKeys: false, strict: true, version: '1.2', schema: 'core' })
  const say = (at: number, message: string) => report(at, 'yaml', message)
  // The package offers no way to stop at an error; this is the one function that each of them goes through.
  const watched = composer as unknown as {
    onError: (source: unknown, code: string, message: string, warning?: boolean) => void
  }
  watched.onError = (source, _code, message, warning) => {
    if (warning !== true) say(offsetOf(source), message || 'this cannot be understood')
  }
  let contents: ParsedNode | null = null
  let documents = 0
  const keep = (doc: { contents: ParsedNode | null }) => {
    if (documents++ > 0) say(doc.contents?.range[0] ?? 0, 'a file holds one flow: remove the second document')
    else contents = doc.contents
  }
  for (const token of tokens) for (const doc of composer.next(token)) keep(doc)
  for (const doc of composer.end()) keep(doc)
  return contents
}

function offsetOf(source: unknown): number {
  if (typeof source === 'number') return source
  if (Array.isArray(source)) return Number(source[0])
  return (source as { offset: number }).offset
}

function locate(node: ParsedNode | null, key: Place, places: (offset: number) => Place, report: Report): Located {
  if (node === null) return { value: null, place: key, key, items: new Map() }
  const place = places(node.range[0])
  const items = new Map<string | number, Located>()
  if (isScalar(node)) return { value: scalarValue(node), place, key, items }
  if (isSeq(node)) {
    const value = node.items.map((item, index) => {
      const located = locate(item as ParsedNode, place, places, report)
      located.key = located.place
      items.set(index, located)
      return located.value
    })
    return { value, place, key, items }
  }
  if (isMap(node)) {
    const value: Record<string, unknown> = {}
    for (const pair of node.items) {
      const name = pair.key as ParsedNode | null
      const offset = name?.range[0] ?? node.range[0]
      if (!isScalar(name) || name.value === null) {
        report(offset, 'yaml', 'a key must be a word or a text')
        continue
      }
      const word = typeof name.value === 'string' ? name.value : (name.source ?? String(name.value))
      if (word === '__proto__') {
        report(offset, 'name', '"__proto__" cannot be a name')
        continue
      }
      if (items.has(word)) report(offset, 'duplicate-key', `"${word}" is there twice`)
      const located = locate(pair.value as ParsedNode | null, places(offset), places, report)
      items.set(word, located)
      value[word] = located.value
    }
    return { value, place, key, items }
  }
  report(node.range[0], 'yaml', isAlias(node) ? 'aliases are not allowed' : 'this is not understood')
  return { value: null, place, key, items }
}

function scalarValue(node: Scalar): unknown {
  const written = node.source
  if (node.type === 'PLAIN' && typeof written === 'string' && typeof node.value !== 'string')
    return /^[+0]\d/.test(written) || typeof node.value === 'bigint' ? written : node.value
  return node.value
}

function lineStarts(text: string): (offset: number) => Place {
  let starts: number[] | null = null
  return (offset) => {
    if (offset === 0) return { line: 1, column: 1 }
    if (starts === null) {
      starts = [0]
      for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) starts.push(i + 1)
    }
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: Math.max(1, offset - starts[low]! + 1) }
  }
}

/** The place of a value by its path, or the nearest that is there; with `atKey`, of its key. */
export function placeOf(root: Located, path: Path, atKey = false): Place {
  let at = root
  for (const [depth, step] of path.entries()) {
    const next = at.items.get(step)
    if (next === undefined) return depth === path.length - 1 && atKey ? at.place : depth === 0 ? root.place : at.key
    at = next
  }
  return atKey ? at.key : at.place
}
