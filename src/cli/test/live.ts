/** Holds the tests of a folder on a real line, and ends what it has begun when somebody stops it. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Exit, type Io } from '../io.ts'
import type { Hold } from './suite.ts'

export interface LiveOptions {
  /** ms. */
  longest: number
  atOnce: number
  journals?: string
  log: string
}

export async function onLines({ longest, atOnce, journals, log }: LiveOptions, io: Io): Promise<Hold> {
  const { rehearse } = await import('../../rehearsal/rehearse.ts')
  const kept = journals === undefined ? null : resolve(io.cwd, journals)
  if (kept !== null) mkdirSync(kept, { recursive: true })
  return async (root, jobs, hosts) => {
    const stop = new AbortController()
    const onSignal = () => stop.abort()
    const signals = ['SIGINT', 'SIGTERM'] as const
    for (const signal of signals) process.once(signal, onSignal)
    const say = (line: string) => io.err(`${line}\n`)
    try {
      let ended = 0
      const runs = await rehearse(jobs, {
        ...{ root, hosts, longest, atOnce, say, log, signal: stop.signal },
        ended: ({ test, ok, skipped }) => {
          ended += 1
          if (io.terminal)
            say(`${ended} of ${jobs.length}: ${skipped === null ? (ok ? 'ok  ' : 'FAIL') : 'skip'}  ${test.name}`)
        },
        ...(kept === null
          ? {}
          : { journal: (one) => writeFileSync(join(kept, `${one.id}.json`), `${JSON.stringify(one)}\n`) }),
      })
      return runs
    } catch (error) {
      throw stop.signal.aborted ? new Exit(1, 'It was stopped; the service and its phones are gone.') : error
    } finally {
      for (const signal of signals) process.off(signal, onSignal)
    }
  }
}
