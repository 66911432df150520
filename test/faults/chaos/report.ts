/** What a chaos run has shown, as a table. */
import type { Evidence } from '../checker.ts'
import { longestSilence } from '../people.ts'
import { type Crowd, DOINGS, type Doing } from './crowd.ts'

export interface Struck {
  doing: Doing
  kind: string
  number: string
  /** Its Asterisk was killed, too: no process can keep that call. */
  cut: boolean
  reached: boolean
  silence: number
}

/** Times in ms from the begin. */
export interface Run {
  minutes: number
  seed: number
  begun: number
  ended: number
  faults: { kind: string; from: number; to: number | null }[]
  samples: { at: number; live: number }[]
  struck: Struck[]
  /** What did not come back as it should have, as sentences. */
  failures: string[]
}

export function table(run: Run, crowd: Crowd, evidence: Evidence, faults: string[]): string {
  const { dialogs, records, deliveries } = evidence
  const kinds = [...new Set(run.faults.map(({ kind }) => kind))].sort()
  const how = (kind: string): number => run.faults.filter((fault) => fault.kind === kind).length
  const counted = run.struck.filter(({ cut }) => !cut)
  const reached = counted.filter((each) => each.reached)
  // Who leaves a message hears nothing while they speak.
  const listened = counted.filter(({ kind }) => kind !== 'records')
  const starts = (text: string): number => faults.filter((fault) => fault.startsWith(text)).length
  const heard = crowd.people.flatMap((person) => {
    const call = person.call()
    const killed = person.node.deaths.some((at) => at > person.begunAt && at < (call?.endedAt ?? Date.now()))
    return call?.answeredAt == null || killed || person.kind === 'records'
      ? []
      : [{ kind: person.kind, silence: longestSilence(call) }]
  })
  const worst = heard.reduce((most, each) => (each.silence > most.silence ? each : most), { kind: '', silence: 0 })
  const rows: [string, string | number][] = [
    ...kinds.map((kind): [string, number] => [kind, how(kind)]),
    ['faults', run.faults.length],
    ['attempts in the ledger', records.filter(({ kind }) => kind !== 'inbound').length],
    ['calls from outside', records.filter(({ kind }) => kind === 'inbound').length],
    ['dialogs on the wire that we began', dialogs.filter(({ by }) => by === 'far').length],
    ['doubles', starts('P1:')],
    ['results told', new Set(deliveries?.map(({ call }) => call)).size],
    ['results lost', starts('P6: nobody')],
    ['requests refused', [...crowd.refused].map(([code, count]) => `${count} ${code}`).join(', ') || 0],
    ...DOINGS.map((doing): [string, string] => {
      const these = counted.filter((each) => each.doing === doing)
      return [
        `at a kill: ${doing}`,
        `${these.filter((each) => each.reached).length} of ${these.length} reached their end`,
      ]
    }),
    ['calls live at a kill', counted.length],
    [
      '  that reached their end',
      `${reached.length} (${((100 * reached.length) / Math.max(1, counted.length)).toFixed(1)} %)`,
    ],
    ['  not counted: their Asterisk was killed', run.struck.length - counted.length],
    ['longest silence that a listener heard', `${seconds(worst.silence)} (${worst.kind})`],
    ['  of those live at a kill', seconds(Math.max(0, ...listened.map(({ silence }) => silence)))],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  return ['', ...rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`), ''].join('\n')
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
