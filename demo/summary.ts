/** The summary of the demo as text. */
import Table from 'cli-table3'
import { colour as pc } from '../src/cli/colour.ts'
import type { Dialog } from '../src/phones/sip-log.ts'
import { rates, talkTimes } from './figures.ts'
import { dispositionsByWire, type JudgedRecord, judge, type Person } from './judge.ts'

export interface Account {
  people: Person[]
  dialogs: Dialog[]
  records: JudgedRecord[]
  /** Milliseconds from the last sound to our BYE, of silent calls. */
  goodbyes: number[]
  /** CPU milliseconds in all. */
  cpu: { asterisk: number; service: number }
  /** Seconds from the start of the campaign to its end. */
  seconds: number
}

const PLAIN = { style: { compact: true, head: [], border: [] } }

export function summary(account: Account): string {
  return [
    pc.bold('What the phones were told, and whether it came so'),
    behaviours(account),
    `${pc.bold('How it ended')} (by the phones and SIPp's log | by the ledger)`,
    dispositions(account),
    pc.bold('Outcomes'),
    counted(account.records.map((record) => record.outcome ?? '(none)')),
    `${pc.bold('Last step reached')}, where conversations were left (drop-off)`,
    dropOff(account.records),
    figures(account),
  ].join('\n')
}

function behaviours({ people, dialogs, records }: Account): string {
  const table = new Table({ ...PLAIN, head: ['behaviour', 'phones', 'as told'] })
  for (const name of new Set(people.map((person) => person.name))) {
    const group = people.filter((person) => person.name === name)
    const good = group.filter(({ number }) => agrees(number, people, dialogs, records)).length
    table.push([name, group.length, good === group.length ? good : pc.red(String(good))])
  }
  return table.toString()
}

function agrees(number: string, people: Person[], dialogs: Dialog[], records: JudgedRecord[]): boolean {
  const own = dialogs.filter((dialog) => (dialog.by === 'far' ? dialog.to : dialog.from) === number)
  const person = people.filter((one) => one.number === number)
  const written = records.filter((record) => record.number === number)
  return judge(person, own, written).length === 0
}

function dispositions({ people, dialogs, records }: Account): string {
  const wire = dispositionsByWire(people, dialogs)
  const ledger = countOf(records.map((record) => record.disposition ?? '(open)'))
  const table = new Table({ ...PLAIN, head: ['disposition', 'wire', 'ledger', ''] })
  for (const name of [...new Set([...Object.keys(wire), ...Object.keys(ledger)])].sort()) {
    const [a, b] = [wire[name] ?? 0, ledger[name] ?? 0]
    table.push([name, a, b, a === b ? '' : pc.red('differs')])
  }
  table.push([pc.bold('all'), dialogs.length, records.length, ''])
  return table.toString()
}

/** Of those who were answered: how many were left at which step, and whether the flow had come to its end there. */
function dropOff(records: JudgedRecord[]): string {
  const answered = records.filter((record) => record.answered_at !== null)
  const table = new Table({ ...PLAIN, head: ['step', 'ended there', 'reached an end', 'dropped off'] })
  for (const [step, count] of Object.entries(countOf(answered.map((record) => record.last_step ?? '(none)')))) {
    const there = answered.filter((record) => (record.last_step ?? '(none)') === step)
    const whole = there.filter((record) => ['completed', 'callback'].includes(record.disposition ?? '')).length
    table.push([step, count, whole, count - whole])
  }
  return table.toString()
}

function figures({ dialogs, goodbyes, cpu, seconds }: Account): string {
  const { total, median, longest } = talkTimes(dialogs)
  const { most, together } = rates(dialogs)
  const worst = goodbyes.length > 0 ? `${Math.max(...goodbyes)} ms at most in ${goodbyes.length} calls` : 'none'
  const each = (ms: number) => (ms / Math.max(1, dialogs.length)).toFixed(1)
  return [
    `${dialogs.length} calls in ${seconds.toFixed(1)} s (${(dialogs.length / seconds).toFixed(1)} a second); at most ${most} dialled in one second, ${together} up at one time`,
    `conversations: ${total.toFixed(0)} s in all, median ${median.toFixed(1)} s, longest ${longest.toFixed(1)} s`,
    `silent lines: from the end of the last phrase to our BYE ${worst}`,
    `CPU a call: Asterisk ${each(cpu.asterisk)} ms, service ${each(cpu.service)} ms`,
  ].join('\n')
}

function counted(names: string[]): string {
  const table = new Table(PLAIN)
  for (const [name, count] of Object.entries(countOf(names))) table.push([name, count])
  return table.toString()
}

function countOf(names: string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names.toSorted()) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
