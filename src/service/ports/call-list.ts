/** The list of calls: those that are on, by their ids, then the past ones, newest first. */
import type { CallsPort, CallView } from '../../api/ports/calls.ts'
import type { Attempt } from '../../store/attempts.ts'
import { pageIds, type WholeCall, wholeCalls } from '../../store/call-pages.ts'
import type { Db } from '../../store/db.ts'

const LIVE = ['reserved', 'dialing', 'ringing', 'up']

/** Begins a cursor that goes on among the calls that are on; the id of the last one follows. */
const AMONG_LIVE = 'live:'

export function viewOf({ attempt: { record, state }, steps, legs }: WholeCall): CallView {
  return { ...record, state, steps, legs: record.kind === 'leg' ? [] : legs.map((leg) => leg.record) }
}

export async function listCalls(
  db: Db,
  { state, kind, campaign, limit, cursor }: Parameters<CallsPort['list']>[0],
): ReturnType<CallsPort['list']> {
  // A leg stands under its call, and by itself only for who asks for legs.
  const wanted = ({ record }: Attempt) => (kind === null ? record.kind !== 'leg' : record.kind === kind)
  const asked = (each: Attempt) => state === null || state === 'live' || each.state === state
  const past = state === null || state === 'ended'
  const amongLive = state !== 'ended' && (cursor === null || cursor.startsWith(AMONG_LIVE))
  const found = await pageIds(db, campaign, {
    live: amongLive,
    ended: past ? { cursor: amongLive ? null : cursor, limit } : null,
  })
  const after = cursor?.slice(AMONG_LIVE.length) ?? ''
  const on = found.live.filter((id) => id > after)
  const calls = await wholeCalls(db, [...on, ...found.ended.map(({ id }) => id)])
  const byId = new Map(calls.filter(({ attempt }) => wanted(attempt)).map((call) => [call.attempt.record.id, call]))
  const those = (ids: string[]) => ids.flatMap((id) => byId.get(id) ?? [])

  const live = those(on).filter(({ attempt }) => LIVE.includes(attempt.state) && asked(attempt))
  if (live.length > limit || (past && live.length === limit))
    return { items: live.slice(0, limit).map(viewOf), next: AMONG_LIVE + live[limit - 1]!.attempt.record.id }
  if (!past) return { items: live.map(viewOf), next: null }

  // Those that have ended between the two looks are the newest.
  const known = new Set(found.ended.map(({ id }) => id))
  const late = those(on).filter(({ attempt }) => attempt.state === 'ended' && !known.has(attempt.record.id))
  const room = limit - live.length - late.length
  // With no room for any of the past, another page begins with all of it.
  if (room <= 0) return { items: live.map(viewOf), next: AMONG_LIVE + on.at(-1) }
  const entries = found.ended.slice(0, room)
  const over = entries.length === found.ended.length && entries.length < limit
  const items = [...live, ...late, ...those(entries.map(({ id }) => id))]
  return { items: items.map(viewOf), next: over ? null : entries.at(-1)!.place }
}
