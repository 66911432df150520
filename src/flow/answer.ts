/** What another service answered, and how it is kept in a variable. */

import type { FlowEvent } from './io.ts'
import type { ValueType } from './program.ts'
import { store, type Turn } from './turn.ts'

/** Types of variables that an answer can be kept in. */
export const ANSWER_TYPES: readonly ValueType[] = ['map', 'list', 'text']

export function succeeded(event: Extract<FlowEvent, { type: 'http' }>): boolean {
  return event.result === 'ok' && (event.status === null || (event.status >= 200 && event.status < 300))
}

/** Keeps an answer: JSON in a map or a list, anything as text. Another shape is a technical fault. */
export function keepAnswer(turn: Turn, save: { name: string; type: ValueType } | null, body: unknown): void {
  if (save === null) return
  if (save.type !== 'text') return store(turn, save.name, save.type, body)
  const text = typeof body === 'string' ? body : body === null || body === undefined ? '' : JSON.stringify(body)
  store(turn, save.name, 'text', text)
}
