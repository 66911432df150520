/**
 * What a process that is gone has left in the ledger, sorted: conversations that can go on, callers who were not answered
 * yet, second channels of a call, and attempts of which nothing is to be had but their end. An attempt without its time of
 * dialling was never dialled, since that is written first; its owner of then has no say in it any more.
 */
import { type Taken, takenFrom } from '../call/taken.ts'
import type { Dialer } from '../dialer/dialer.ts'
import type { CallContext } from '../flow/io.ts'
import { loadFlows } from '../flow/load.ts'
import type { Program } from '../flow/program.ts'
import { readJournal } from '../flow/replay.ts'
import type { Log } from '../log.ts'
import type { Attempt } from '../store/attempt-record.ts'
import type { Store } from '../store/store.ts'

export type Left = { attempt: Attempt } & (
  | { kind: 'call'; program: Program; taken: Taken }
  | { kind: 'caller'; program: Program; context: CallContext; taken: Taken | null }
  | { kind: 'leg' }
  | { kind: 'end' }
)

export interface LeftParts {
  store: Store
  dialer: Dialer
  flow(name: string): Program | undefined
  log: Log
  /** The application of this process. */
  app: string
}

/** Reads what there is of it. Rejects when the ledger cannot be read. */
export async function readLeft(attempt: Attempt, linked: Promise<void>, parts: LeftParts): Promise<Left> {
  const { store, dialer, flow, log, app } = parts
  const { record } = attempt
  if (record.kind === 'leg') return { kind: 'leg', attempt }
  if (record.flow === null || (record.kind !== 'inbound' && record.dialed_at === null)) return { kind: 'end', attempt }
  const journal = readJournal(await store.journals.read(record.id))
  if (typeof journal === 'string') {
    const program = flow(record.flow)
    if (record.kind !== 'inbound' || record.answered_at !== null || !program) {
      log.error({ call: record.id, why: journal }, 'a call that was left behind has no journal; it is ended')
      return { kind: 'end', attempt }
    }
    return { kind: 'caller', attempt, program, context: await dialer.inboundContext(attempt), taken: null }
  }
  const { begin } = journal
  const program = await programOf(begin, parts)
  const taken = program && takenFrom(journal, program, app, linked)
  if (!program || !taken) {
    log.error({ call: record.id, flow: begin.flow, version: begin.version }, 'its flow of then is gone; it is ended')
    return { kind: 'end', attempt }
  }
  if (journal.gap !== null) log.warn({ call: record.id }, 'its journal has a gap; it goes on from before')
  if (record.kind === 'inbound' && !taken.open.begun)
    return { kind: 'caller', attempt, program, context: taken.context, taken }
  return { kind: 'call', attempt, program, taken }
}

/** The very version that held the call: the one of now, or the one that was kept with its journal. */
async function programOf(
  { flow, version, texts }: { flow: string; version: string; texts: string | null },
  parts: LeftParts,
): Promise<Program | null> {
  const now = parts.flow(flow)
  if (now?.version === version) return now
  const kept = texts === null ? null : await parts.store.journals.texts(texts)
  const then = kept === null ? undefined : loadFlows(kept).programs.get(flow)
  return then?.version === version ? then : null
}
