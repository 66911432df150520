/**
 * Holds three accounts of the demo against each other: what each phone was told to do (`cast.ts`), what SIPp's log says
 * was on the wire, and what the service wrote down. The service's own counters are no evidence; its records are, when
 * there is one for each dialog and none besides.
 */
import type { Dialog } from '../src/phones/sip-log.ts'
import type { Expected } from './cast.ts'

/** What a record must have for the judgement; as the API gives it. */
export interface JudgedRecord {
  id: string
  number: string
  kind: string
  attempt: number
  disposition: string | null
  outcome: string | null
  dialed_at: string | null
  answered_at: string | null
  ended_at: string | null
  last_step: string | null
}

export interface Person {
  name: string
  number: string
  attempts: Expected[]
}

/** Every disagreement as a sentence; none means that all three accounts are one. */
export function judge(people: Person[], dialogs: Dialog[], records: JudgedRecord[]): string[] {
  const faults: string[] = []
  const numberOf = (dialog: Dialog) => (dialog.by === 'far' ? dialog.to : dialog.from)
  const known = new Set(people.map((person) => person.number))
  for (const stranger of dialogs.filter((dialog) => !known.has(numberOf(dialog)))) {
    faults.push(`${numberOf(stranger)} was on the wire and is nobody's number`)
  }
  for (const person of people) {
    const wire = dialogs.filter((dialog) => numberOf(dialog) === person.number)
    const written = records.filter((record) => record.number === person.number && dialled(record))
    const who = `${person.number} (${person.name})`
    if (wire.length !== person.attempts.length)
      faults.push(`${who}: ${wire.length} dialogs on the wire, expected ${person.attempts.length}`)
    if (written.length !== wire.length)
      faults.push(`${who}: ${written.length} attempts in the ledger for ${wire.length} dialogs on the wire`)
    written.sort((a, b) => begun(a) - begun(b))
    for (const [index, expected] of person.attempts.entries()) {
      const say = (what: string) => faults.push(`${who}, call ${index + 1}: ${what}`)
      onTheWire(expected, wire[index], say)
      inTheLedger(expected, written[index], say)
      inTime(wire[index], written[index], say)
    }
  }
  if (records.filter(dialled).length !== dialogs.length) {
    faults.push(`${records.filter(dialled).length} attempts in the ledger, ${dialogs.length} dialogs on the wire`)
  }
  return faults
}

/** How often each disposition must have occurred, by the wire and the parts of the cast alone. */
export function dispositionsByWire(people: Person[], dialogs: Dialog[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const person of people) {
    const wire = dialogs.filter((dialog) => (dialog.by === 'far' ? dialog.to : dialog.from) === person.number)
    for (const index of wire.keys()) {
      const name = person.attempts[index]?.disposition ?? 'not expected'
      counts[name] = (counts[name] ?? 0) + 1
    }
  }
  return counts
}

function dialled(record: JudgedRecord): boolean {
  return record.attempt > 0
}

function begun(record: JudgedRecord): number {
  return Date.parse(record.dialed_at ?? record.answered_at ?? record.ended_at ?? '')
}

function onTheWire(expected: Expected, dialog: Dialog | undefined, say: (what: string) => void): void {
  if (!dialog) return
  if (dialog.code !== expected.code) say(`the wire has ${dialog.code ?? 'no final answer'}, expected ${expected.code}`)
  if (dialog.byeBy !== expected.byeBy)
    say(`${dialog.byeBy ?? 'nobody'} hung up, expected ${expected.byeBy ?? 'nobody'}`)
}

function inTheLedger(expected: Expected, record: JudgedRecord | undefined, say: (what: string) => void): void {
  if (!record) return
  for (const field of ['kind', 'disposition', 'outcome'] as const) {
    if (record[field] !== expected[field]) say(`${field} ${record[field]}, expected ${expected[field]} (${record.id})`)
  }
}

/** An answer on the wire is an answer in the ledger, at the same time. */
function inTime(dialog: Dialog | undefined, record: JudgedRecord | undefined, say: (what: string) => void): void {
  if (!dialog || !record) return
  if ((dialog.answeredAt === null) !== (record.answered_at === null)) {
    say(`answered on the wire: ${dialog.answeredAt !== null}, in the ledger: ${record.answered_at !== null}`)
  } else if (dialog.answeredAt !== null && Math.abs(dialog.answeredAt - Date.parse(record.answered_at ?? '')) > 2000) {
    say(`answered on the wire at ${new Date(dialog.answeredAt).toISOString()}, in the ledger at ${record.answered_at}`)
  }
}
