/**
 * Journals of the calls of a test run. The runner names a folder (APEL_TEST_JOURNALS), whoever holds live calls leaves their
 * journals there, and the runner's last step is to replay them all.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadFlows } from '../../src/flow/load.ts'
import type { Program } from '../../src/flow/program.ts'
import { readJournal, replay } from '../../src/flow/replay.ts'

/** As `GET /v1/calls/{id}/journal` gives it. */
export interface KeptJournal {
  id: string
  entries: unknown[]
  texts: { path: string; text: string }[] | null
}

/** Leaves a journal for the end of the run; without a run nothing is left. */
export function keepJournal(journal: KeptJournal): void {
  const folder = process.env.APEL_TEST_JOURNALS
  if (folder === undefined || journal.entries.length === 0) return
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${journal.id}-${randomUUID().slice(0, 8)}.json`), JSON.stringify(journal))
}

/** Leaves the journals of all calls that a service has. */
// biome-ignore lint/suspicious/noExplicitAny: bodies are looked at field by field
export async function keepJournalsOf(api: (method: string, path: string) => Promise<any>): Promise<void> {
  if (process.env.APEL_TEST_JOURNALS === undefined) return
  let cursor = ''
  do {
    const page = await api('GET', `/v1/calls?state=ended&limit=200${cursor}`)
    for (const { id } of page.items) {
      const journal = await api('GET', `/v1/calls/${encodeURIComponent(id)}/journal`).catch(() => null)
      if (journal !== null) keepJournal(journal)
    }
    cursor = page.next === null ? '' : `&cursor=${encodeURIComponent(page.next)}`
  } while (cursor !== '')
}

/** All journals in a folder. */
export function journalsIn(folder: string): { file: string; journal: KeptJournal }[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => ({ file: join(folder, name), journal: JSON.parse(readFileSync(join(folder, name), 'utf8')) }))
}

const programs = new Map<string, Map<string, Program>>()

/** Why a journal does not give the same effects by the flow that it was written by; null: it does. */
export function replayFault({ entries, texts }: KeptJournal): string | null {
  const journal = readJournal(entries)
  if (typeof journal === 'string') return journal
  const { flow, version } = journal.begin
  if (texts === null) return `the texts of ${flow} were not kept`
  const key = JSON.stringify(texts)
  const loaded = programs.get(key) ?? loadFlows(texts).programs
  programs.set(key, loaded)
  const program = loaded.get(flow)
  if (program?.version !== version) return `the texts that were kept are not those of ${flow} ${version}`
  const { parts, stopped } = replay(program, journal)
  if (parts !== null)
    return `input ${parts.input} (${JSON.stringify(parts.event)}) now gives ${JSON.stringify(parts.now)}`
  return stopped
}
