/**
 * Faults of files as every command prints them: `FILE:LINE:COL severity message [code]`; where there is room, with the line
 * itself below and a caret under the place.
 */
import { isAbsolute, relative } from 'node:path'
import type { Problem } from '../errors.ts'

/** The file is shown from the folder that the user stands in. */
export function problemLine({ file, line, column, severity, code, message }: Problem, cwd: string): string {
  const near = isAbsolute(file) ? relative(cwd, file) : file
  return `${near.startsWith('../../') ? file : near}:${line}:${column} ${severity} ${message} [${code}]`
}

const WIDTH = 120
const BEFORE = 60

/** The line of `text` that a fault is in, with a caret under its place; nothing where the text has no such line. */
export function excerpt(text: string, { line, column }: Problem): string {
  const whole = lineOf(text.startsWith('\uFEFF') ? text.slice(1) : text, line)
  if (whole === null || whole.trim() === '') return ''
  // Of a line that is longer than a screen the part around the place.
  const from = column > WIDTH - BEFORE / 2 ? column - BEFORE : 0
  const shown = `${from > 0 ? '…' : ''}${whole.slice(from, from + WIDTH)}${whole.length > from + WIDTH ? '…' : ''}`
  const before = `${from > 0 ? '…' : ''}${whole.slice(from, column - 1)}`
  return `    ${visible(shown)}\n    ${visible(before).replace(/[^\t]/g, ' ')}^\n`
}

function lineOf(text: string, line: number): string | null {
  let from = 0
  for (let n = 1; n < line; n++) {
    from = text.indexOf('\n', from) + 1
    if (from === 0) return null
  }
  const end = text.indexOf('\n', from)
  return text.slice(from, end < 0 ? undefined : end).replace(/\r$/, '')
}

/** What a terminal would act on is shown as a box. */
function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/g, '▯')
}
