/**
 * ARI describes itself: every operation has a method, a path with `{names}` and parameters. `ari-client` turns these
 * into functions; this table finds the function for a method and a path, so that both transports are asked in one way.
 */
import type { Method } from './link.ts'

/** The part of a described operation that is used here. */
export interface Described {
  method: string
  path: string
}

export interface Found<T> {
  operation: T
  /** Parameters of the path, decoded. */
  names: Record<string, string>
}

/** Builds the finder. Fixed parts win over `{names}` (`/channels/create` is not the channel `create`). */
export function operationTable<T extends Described>(
  operations: Iterable<T>,
): (method: Method, path: string) => Found<T> | null {
  const byShape = new Map<string, { operation: T; parts: string[] }[]>()
  for (const operation of operations) {
    const parts = split(operation.path)
    const shape = `${operation.method.toUpperCase()} ${parts.length}`
    const row = byShape.get(shape) ?? []
    row.push({ operation, parts })
    row.sort((a, b) => named(a.parts) - named(b.parts))
    byShape.set(shape, row)
  }
  return (method, path) => {
    const parts = split(path)
    for (const row of byShape.get(`${method} ${parts.length}`) ?? []) {
      const names = match(row.parts, parts)
      if (names) return { operation: row.operation, names }
    }
    return null
  }
}

function split(path: string): string[] {
  return path.split('/').filter((part) => part !== '')
}

function named(parts: string[]): number {
  return parts.filter((part) => part.startsWith('{')).length
}

function match(pattern: string[], parts: string[]): Record<string, string> | null {
  const names: Record<string, string> = {}
  for (const [index, wanted] of pattern.entries()) {
    const part = parts[index] ?? ''
    if (wanted.startsWith('{')) names[wanted.slice(1, -1)] = decodeURIComponent(part)
    else if (wanted !== part) return null
  }
  return names
}
