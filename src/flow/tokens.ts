/**
 * The first look at a text that may be hostile: the `yaml` package's lexer and parser, which do not recurse, run over
 * it and are watched. Size, depth, anchors, aliases, tags and second documents are refused as soon as they are seen.
 */

import { CST, Lexer, Parser } from 'yaml'
import type { ProblemCode } from '../errors.ts'

const MAX_BYTES = 256 * 1024
const MAX_DEPTH = 64
/** The densest flow has a mark of YAML's in five characters and a token in three; a file beyond that is not one. */
const MAX_MARKS = 80_000
const MAX_TOKENS = 100_000
/** Tells a fault by its offset in the text. Throws when there have been enough. */
export type Report = (offset: number, code: ProblemCode, message: string) => void

/** The tokens of a text, or none when it was refused. */
export function guardedTokens(text: string, report: Report): CST.Token[] {
  if (text.length > MAX_BYTES || new TextEncoder().encode(text).length > MAX_BYTES) {
    report(0, 'too-large', 'the file is larger than 256 KiB: split it, or move its texts to a library')
    return []
  }
  const nul = text.indexOf('\0')
  if (nul >= 0) {
    report(nul, 'yaml', 'the file has a NUL character, so it is not a text')
    return []
  }
  if (countMarks(text) > MAX_MARKS) {
    report(0, 'too-large', 'the file has more parts than a flow can have')
    return []
  }
  const tokens: CST.Token[] = []
  const parser = new Parser()
  let count = 0
  let documents = 0
  for (const lexeme of new Lexer().lex(text)) {
    const offset = parser.offset
    if (++count > MAX_TOKENS) {
      report(offset, 'too-large', 'the file has more parts than a flow can have')
      return []
    }
    switch (lexeme[0]) {
      case '&':
        if (CST.tokenType(lexeme) === 'anchor') report(offset, 'anchor', 'anchors are not allowed: write the value out')
        break
      case '*':
        if (CST.tokenType(lexeme) === 'alias')
          report(offset, 'anchor', `aliases are not allowed: write the value out, or put it in quotes: "${lexeme}"`)
        break
      case '!':
        if (CST.tokenType(lexeme) === 'tag') report(offset, 'tag', `tags are not allowed: ${lexeme.slice(0, 40)}`)
        break
    }
    for (const token of parser.next(lexeme)) {
      tokens.push(token)
      if (token.type === 'error') report(token.offset, 'yaml', token.message)
      else if (token.type === 'directive') report(token.offset, 'yaml', 'directives are not allowed: remove the line')
      else if (token.type === 'document' && documents++ > 0)
        report(token.offset, 'yaml', 'a file holds one flow: remove the second document')
    }
    if (depthOf(parser) > MAX_DEPTH) {
      report(parser.offset, 'too-deep', `the file is nested deeper than ${MAX_DEPTH} levels`)
      return []
    }
  }
  for (const token of parser.end()) tokens.push(token)
  return tokens
}

function countMarks(text: string): number {
  let count = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    // Line feed, ! to - (quotes, #, %, &, ', *, comma, dash), colon, > ?, brackets, braces and the bar.
    if (code === 10 || (code > 32 && code < 46) || (code > 57 && code < 64) || code === 91 || code === 93 || code > 122)
      count += code > 125 ? 0 : 1
  }
  return count
}

/** The stack holds the document, the open collections, and at its top perhaps a scalar. */
function depthOf({ stack }: Parser): number {
  const top = stack.at(-1)?.type
  return stack.length - (top !== undefined && (top.endsWith('scalar') || top === 'alias') ? 2 : 1)
}
