/** A conversation as people read it: when, who, what; and beside each line what a script had expected of it. */
import { time } from '../../flow/conversation-test.ts'
import type { Simulation } from '../../flow/script.ts'
import type { Line } from '../../flow/view.ts'

const WIDTH = 64

/** One line of a conversation, folded where it is long. */
export function spokenLine({ at, who, text }: Line): string[] {
  const head = `${time(at).padStart(7)}  ${who.padEnd(4)}  `
  return fold(text).map((part, index) => `${index === 0 ? head : ' '.repeat(head.length)}${part}`)
}

/** The conversation on the left, the script's items where they were met on the right. */
export function beside({ lines, met, unmet, duration, errors }: Simulation): string {
  const rows: string[] = []
  for (const [index, line] of lines.entries()) {
    const left = spokenLine(line)
    const right = met.filter((item) => item.lines === index + 1).map(({ item }) => item)
    for (let i = 0; i < Math.max(left.length, right.length); i++)
      rows.push(`${(left[i] ?? '').padEnd(WIDTH + 17)}${right[i] === undefined ? '' : `| ${right[i]}`}`.trimEnd())
  }
  const end = `${time(duration).padStart(7)}  the end`
  const never = unmet.map((item, index) => (index === 0 ? `| ${item}   <- never came` : `| ${item}`))
  rows.push(`${end.padEnd(WIDTH + 17)}${never[0] ?? ''}`.trimEnd())
  for (const item of never.slice(1)) rows.push(`${' '.repeat(WIDTH + 17)}${item}`)
  return [...rows, ...errorLines(errors)].join('\n')
}

/** Technical faults, one a line: when, after which step, why. */
export function errorLines(errors: Simulation['errors']): string[] {
  return errors.map(({ at, step, reason }) => `${time(at).padStart(7)}  fault after ${step ?? 'the start'}: ${reason}`)
}

function fold(text: string): string[] {
  const rows: string[] = []
  let row = ''
  for (const word of text.split(/\s+/)) {
    if (row !== '' && row.length + 1 + word.length > WIDTH) {
      rows.push(row)
      row = word
    } else row = row === '' ? word : `${row} ${word}`
  }
  return [...rows, row]
}
