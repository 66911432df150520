/** What another process has left of a call, read from its journal: whoever goes on with it begins here. */
import type { CallContext } from '../flow/io.ts'
import { type Begin, Reader } from '../flow/journal.ts'
import { Outstanding } from '../flow/outstanding.ts'
import type { Program } from '../flow/program.ts'
import type { Journal } from '../flow/replay.ts'
import type { State } from '../flow/step.ts'

export interface Taken {
  begin: Begin
  context: CallContext
  /** The conversation as far as its journal tells, and the sum with which the journal goes on. */
  state: State
  sum: string
  open: Outstanding
  /** Who goes on with it. */
  by: string
  /** Settles when the node has told what is still there. */
  linked: Promise<void>
}

/** Null when this program does not come to what the journal says: the call cannot be led on by it. */
export function takenFrom(journal: Journal, program: Program, by: string, linked: Promise<void>): Taken | null {
  const { begin, inputs } = journal
  const reader = new Reader(program, begin)
  const open = new Outstanding()
  for (const input of inputs) {
    open.note(input, reader.take(input))
    if (reader.sum !== input.sum) return null
  }
  return { begin, context: begin.context, state: reader.state, sum: reader.sum, open, by, linked }
}
