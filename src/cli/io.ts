/** What a command may touch of the process it runs in; tests bring their own. */
import type { Environment } from '../config.ts'

export interface Io {
  /** Writes records and answers; awaits a reader that is slow. */
  out(text: string): Promise<void>
  /** Writes what is for people: progress, warnings, errors. */
  err(text: string): void
  /** What a person types, or what is piped in; absent: the process's own. */
  input?: NodeJS.ReadableStream
  env: Environment
  /** A terminal is at the other end of `out`, so that a screen may be drawn again. */
  terminal: boolean
  /** The folder that relative paths are relative to. */
  cwd: string
}

/** Thrown to end a command: 0 done, 1 the answer is no, 2 wrong usage, 3 the service cannot be reached. */
export class Exit extends Error {
  readonly status: 0 | 1 | 2 | 3
  /** The same may be asked again in a moment. */
  readonly again: boolean

  /** `message` is shown on standard error unless it is empty. */
  constructor(status: 0 | 1 | 2 | 3, message = '', again = status === 3) {
    super(message)
    this.status = status
    this.again = again
  }
}

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
