/**
 * Journals of the calls of a test run. The runner names a folder (APEL_TEST_JOURNALS), whoever holds live calls leaves their
 * journals there, and the runner's last step is to replay them all.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Entry, Reader } from '../../src/flow/journal.ts'
import { loadFlows } from '../../src/flow/load.ts'
import type { Program } from '../../src/flow/program.ts'
import { type Journal, readJournal, replay } from '../../src/flow/replay.ts'

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

// biome-ignore lint/suspicious/noExplicitAny: bodies are looked at field by field
type Api = (method: string, path: string) => Promise<any>

/** Leaves the journals of all calls that a service has. */
export async function keepJournalsOf(api: Api): Promise<void> {
  if (process.env.APEL_TEST_JOURNALS === undefined) return
  for (const journal of await journalsOf(api)) keepJournal(journal)
}

/** The journals of all calls that a service has had. */
export async function journalsOf(api: Api): Promise<KeptJournal[]> {
  const journals: KeptJournal[] = []
  let cursor = ''
  do {
    const page = await api('GET', `/v1/calls?state=ended&limit=200${cursor}`)
    for (const { id } of page.items) {
      const journal = await api('GET', `/v1/calls/${encodeURIComponent(id)}/journal`).catch((fault) => {
        // Nobody had answered, or an inbound number had no flow.
        if (fault.status === 404) return null
        throw fault
      })
      if (journal !== null) journals.push(journal)
    }
    cursor = page.next === null ? '' : `&cursor=${encodeURIComponent(page.next)}`
  } while (cursor !== '')
  return journals
}

/** All journals in a folder, by the names of their files. */
export function journalsIn(folder: string): { name: string; file: string; journal: KeptJournal }[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const file = join(folder, name)
      return { name: name.replace(/\.json$/, ''), file, journal: JSON.parse(readFileSync(file, 'utf8')) }
    })
}

const programs = new Map<string, Map<string, Program>>()

/** Why a journal does not give the same effects by the flow that it was written by; null: it does. */
export function replayFault(kept: KeptJournal): string | null {
  const read = readWith(kept)
  if (typeof read === 'string') return read
  const { parts, stopped } = replay(read.program, read.journal)
  if (parts !== null)
    return `input ${parts.input} (${JSON.stringify(parts.event)}) now gives ${JSON.stringify(parts.now)}`
  return stopped
}

/** The same inputs with the sums of what comes of them now. */
export function rewritten(kept: KeptJournal): KeptJournal {
  const read = readWith(kept)
  if (typeof read === 'string') throw new Error(`${kept.id}: ${read}`)
  const reader = new Reader(read.program, read.journal.begin)
  const entries = (kept.entries as Entry[]).map((entry) => {
    if (!('sum' in entry)) return entry
    reader.take(entry)
    return { ...entry, sum: reader.sum }
  })
  return { ...kept, entries }
}

function readWith({ entries, texts }: KeptJournal): { program: Program; journal: Journal } | string {
  const journal = readJournal(entries)
  if (typeof journal === 'string') return journal
  const { flow, version } = journal.begin
  if (texts === null) return `the texts of ${flow} were not kept`
  const key = JSON.stringify(texts)
  const loaded = programs.get(key) ?? loadFlows(texts).programs
  programs.set(key, loaded)
  const program = loaded.get(flow)
  if (program?.version !== version) return `the texts that were kept are not those of ${flow} ${version}`
  return { program, journal }
}
