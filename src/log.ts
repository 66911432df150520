/**
 * Structured logs by pino. Numbers are masked where they are logged (`maskNumber`); keys that can hold a
 * secret are redacted here once more, since a log line outlives the care of the one who wrote it.
 */
import { type Logger, pino } from 'pino'

export type Log = Logger

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
    pino.destination({ dest: 2, sync: false }),
  )
}
