/** The table while the demo runs: redrawn in place on a terminal, one line every few seconds elsewhere. */
import Table from 'cli-table3'
import { colour as pc } from '../src/cli/colour.ts'

export interface Snapshot {
  /** Seconds since the start of the campaign. */
  seconds: number
  state: string
  contacts: Record<string, number>
  dispositions: Record<string, number>
  /** Live calls by state. */
  up: Record<string, number>
  inbound: number
}

const EVERY = 5000

export class LiveTable {
  readonly #out: NodeJS.WriteStream
  #lines = 0
  #said = 0

  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out
  }

  show(snapshot: Snapshot): void {
    if (this.#out.isTTY) this.#redraw(draw(snapshot))
    else if (Date.now() - this.#said >= EVERY) {
      this.#said = Date.now()
      this.#out.write(`${line(snapshot)}\n`)
    }
  }

  #redraw(text: string): void {
    // Up over the former table, clearing to the end of the screen: a shorter one leaves nothing behind.
    this.#out.write(`${this.#lines > 0 ? `\x1b[${this.#lines}A\x1b[0J` : ''}${text}\n`)
    this.#lines = text.split('\n').length
  }
}

function draw({ seconds, state, contacts, dispositions, up, inbound }: Snapshot): string {
  const table = new Table({
    style: { compact: true, head: [], border: [] },
    head: [`${seconds.toFixed(0)} s, ${state}`, '', 'ended as', ''].map((head) => pc.bold(head)),
  })
  const left: [string, number][] = [
    ...(['reserved', 'dialing', 'ringing', 'up'] as const).map((name): [string, number] => [
      `calls ${name}`,
      up[name] ?? 0,
    ]),
    ['of them inbound', inbound],
    ...(['pending', 'waiting', 'callback', 'done'] as const).map((name): [string, number] => [
      `contacts ${name}`,
      contacts[name] ?? 0,
    ]),
  ]
  const right = Object.entries(dispositions).sort(([, a], [, b]) => b - a)
  for (let row = 0; row < Math.max(left.length, right.length); row += 1) {
    table.push([...(left[row] ?? ['', '']), ...(right[row] ?? ['', ''])])
  }
  return table.toString()
}

function line({ seconds, state, contacts, dispositions, up }: Snapshot): string {
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ') || 'none'
  const { contacts: all, ...rest } = contacts
  return `${seconds.toFixed(0).padStart(4)} s  ${state}; calls: ${list(up)}; contacts: ${list(rest)} of ${all ?? 0}; ended: ${list(dispositions)}`
}
