/**
 * Structured logs by pino. Numbers are masked where they are logged (`maskNumber`); keys that can hold a
 * secret are redacted here once more, since a log line outlives the care of the one who wrote it. A log that cannot be written
 * (its disk is full, its reader stands still) ends nothing: lines are kept for a while, and then lost.
 */
import { write } from 'node:fs'
import { type DestinationStream, type Logger, pino } from 'pino'

export type Log = Logger

/** Bytes of lines that wait for a log which takes none. */
const MOST_WAITING = 4 * 1024 * 1024
/** ms until a reader that stands still is asked again. */
const SOON = 100

/** Makes the service's logger; `level` is a pino level, `silent` for tests. Writes JSON lines to standard error. */
export function makeLog(level: string, name = 'apel'): Log {
  return pino(
    {
      name,
      level,
      redact: {
        paths: [
          'password',
          '*.password',
          'token',
          '*.token',
          'secret',
          '*.secret',
          'authorization',
          '*.authorization',
          'headers.authorization',
        ],
        censor: '[redacted]',
      },
    },
    standardError(),
  )
}

/** One write at a time, and what came meanwhile with the next. (pino's own waits for ever at the exit when the disk is full.) */
function standardError(): DestinationStream {
  let waiting: string[] = []
  let size = 0
  let writing = false
  const next = (): void => {
    writing = waiting.length > 0
    if (!writing) return
    const lines = Buffer.from(waiting.join(''))
    waiting = []
    size = 0
    put(lines)
  }
  const put = (bytes: Buffer): void =>
    write(2, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') setTimeout(put, SOON, bytes)
      else if (error === null && written < bytes.length) put(bytes.subarray(written))
      else next()
    })
  return {
    write(line) {
      if (size > MOST_WAITING) return
      waiting.push(line)
      size += line.length
      if (!writing) next()
    },
  }
}
