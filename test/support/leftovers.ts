/**
 * Processes that somebody left behind, found by the mark in their environment (APEL_TEST_RUN), which servers inherit
 * also when they were started detached. Only those are ended, each by its pid.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Pids of living processes with the mark in their environment, without ourselves. */
export function marked(mark: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) return []
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`APEL_TEST_RUN=${mark}`)) return []
      // A zombie's environment reads empty, so what is here lives.
      return [pid]
    } catch {
      return []
    }
  })
}

/** Gives what is about to end `patience` ms, then ends the rest; answers what they were, as sentences. */
export async function endLeftovers(mark: string, patience = 2000): Promise<string[]> {
  const end = Date.now() + patience
  while (marked(mark).length > 0 && Date.now() < end) await sleep(50)
  return marked(mark).map((pid) => {
    const what = `${pid} ${commandOf(pid)}`
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // it has ended meanwhile
    }
    return what
  })
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim().slice(0, 160)
  } catch {
    return '(gone)'
  }
}
