/** What an examination looks at and what it says. */
import type { Config } from '../../config.ts'
import type { Remote } from '../client.ts'
import type { Io } from '../io.ts'

export interface Finding {
  state: 'ok' | 'warn' | 'fail'
  /** The part, e.g. `redis` or `asterisk pbx-1`. */
  what: string
  found: string
  /** What to do; null when nothing is to be done. */
  mend: string | null
}

export interface Context {
  config: Config
  remote: Remote
  io: Io
  /** The service of this very configuration is running; learnt on the way. */
  running: boolean
}

/** Yields what it finds. It does not throw: a part that cannot be examined is a finding. */
export type Examination = (context: Context) => AsyncIterable<Finding>

export const ok = (what: string, found: string): Finding => ({ state: 'ok', what, found, mend: null })
export const warn = (what: string, found: string, mend: string): Finding => ({ state: 'warn', what, found, mend })
export const fail = (what: string, found: string, mend: string): Finding => ({ state: 'fail', what, found, mend })

export const reason = (error: unknown): string => {
  const { message, cause } = error as Error & { cause?: { code?: string } }
  return cause?.code ?? message ?? String(error)
}
