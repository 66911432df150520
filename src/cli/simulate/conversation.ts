/** A rehearsal in a terminal: what was said is shown as it comes, and the end with what it left behind. */
import { createInterface } from 'node:readline'
import { family } from '../../flow/called.ts'
import { time } from '../../flow/conversation-test.ts'
import type { ScriptItem, Simulation } from '../../flow/script.ts'
import type { Rehearsal } from '../../flow/simulate.ts'
import type { Line } from '../../flow/view.ts'
import { colour as pc } from '../colour.ts'
import { Exit, type Io } from '../io.ts'
import { facts } from '../show-text.ts'
import { errorLines, spokenLine } from '../test/transcript.ts'
import { HELP, readTyped } from './words.ts'

/** Prints the lines that have come since it was last called; with `quiet` nothing. */
export function narrator(io: Io, lines: readonly Line[], quiet: boolean): () => Promise<void> {
  let shown = 0
  let step: string | null = null
  return async () => {
    const fresh = lines.slice(shown)
    shown = lines.length
    for (const line of quiet ? [] : fresh) {
      if (line.step !== step && line.step !== null) await io.out(`${pc.dim(`         -- ${line.step}`)}\n`)
      step = line.step
      const paint = line.who === 'them' ? pc.cyan : line.who === 'call' ? pc.yellow : (text: string) => text
      await io.out(`${spokenLine(line).map(paint).join('\n')}\n`)
    }
  }
}

/**
 * Reads what they do, line by line, until the call is over or nothing more is typed; null when they leave, else what came too
 * late. Of a `file` every line is read, and a word that means nothing ends it with 2: nobody is there to type it again.
 */
export async function converse(
  rehearsal: Rehearsal,
  input: NodeJS.ReadableStream,
  io: Io,
  show: () => Promise<void>,
  { file }: { file: boolean },
): Promise<ScriptItem[] | null> {
  const { stage } = rehearsal
  const asks = io.terminal && 'isTTY' in input && input.isTTY === true
  const reader = createInterface({ input, ...(asks ? { output: process.stdout } : {}), prompt: '> ' })
  if (asks) io.err(`${HELP}\n`)
  let left = false
  reader.on('SIGINT', () => {
    left = true
    reader.close()
  })
  const ask = async () => {
    rehearsal.untilListening()
    await show()
    if (asks && !stage.over) {
      for (const want of stage.playing === null && !stage.listening() ? stage.wanting() : [])
        io.err(`  (waits for ${want})\n`)
      reader.prompt()
    }
  }
  const late: ScriptItem[] = []
  try {
    await ask()
    if (stage.over && !file) return late
    for await (const line of reader) {
      if (!(await obey(line, rehearsal, io, show, { late, file }))) return null
      await ask()
      if (stage.over && !file) return late
    }
    return left ? null : late
  } finally {
    reader.close()
  }
}

/** One line; what came too late goes to `late`. False when they leave. */
async function obey(
  line: string,
  rehearsal: Rehearsal,
  io: Io,
  show: () => Promise<void>,
  { late, file }: { late: ScriptItem[]; file: boolean },
): Promise<boolean> {
  for (const typed of readTyped(
    line,
    family(rehearsal.stage.program).flatMap(({ situations }) => [...situations.keys()]),
  )) {
    if ('quit' in typed) return false
    if ('help' in typed) io.err(HELP)
    else if ('wrong' in typed) {
      if (file) throw new Exit(2, `The script cannot be played: ${typed.wrong}`)
      io.err(`  ${typed.wrong}\n`)
    } else if ('silence' in typed) rehearsal.silence()
    else if (!rehearsal.play(typed.item)) {
      late.push(typed.item)
      io.err('  That came too late: the call is over.\n')
    }
    await show()
  }
  return true
}

/** Plays a whole script; what was not come to. */
export async function unattended(rehearsal: Rehearsal, items: ScriptItem[], show: () => Promise<void>) {
  for (const [index, item] of items.entries()) {
    const done = rehearsal.play(item)
    await show()
    if (!done) return items.slice(index)
  }
  return []
}

export function summary({ result, duration, over, unmet, unused, errors }: Simulation): string {
  const { disposition, hangup_by, outcome, last_step, callback_at, vars } = result
  const rows = facts({
    disposition: over ? disposition : 'still going on',
    hangup_by: over ? hangup_by : null,
    outcome,
    last_step,
    duration: time(duration),
    callback_at: callback_at === null ? null : new Date(callback_at).toISOString(),
    ...vars,
  })
  const left = [...unmet, ...unused]
  return `\n${rows}\n${errors.length === 0 ? '' : `\n${pc.red(errorLines(errors).join('\n'))}\n`}${left.length === 0 ? '' : `\n${pc.red(`left over: ${left.join(', ')}`)}\n`}`
}
