/** What a flow may not do, found on its graph before any call. */

import type { Problem } from '../errors.ts'
import type { Program } from './program.ts'

export function checkProgram(_program: Program, _report: (problem: Problem) => void): void {}
