/** Faults of files as every command prints them: `FILE:LINE:COL severity message`. */
import { isAbsolute, relative } from 'node:path'
import type { Problem } from '../errors.ts'

/** The file is shown from the folder that the user stands in. */
export function problemLine({ file, line, column, severity, message }: Problem, cwd: string): string {
  const near = isAbsolute(file) ? relative(cwd, file) : file
  return `${near.startsWith('../../') ? file : near}:${line}:${column} ${severity} ${message}`
}
