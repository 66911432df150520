/** What a check finds before it has a place, and the tolerant way in which checks look at raw values. */
import type { ProblemCode } from '../errors.ts'

export type Path = (string | number)[]
export type Found = { path: Path; key?: string; code: ProblemCode; message: string; severity?: 'warning' }

export const map = (value: unknown): Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
export const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
