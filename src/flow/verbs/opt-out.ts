/**
 * `opt_out: TEXT` puts the number on the do-not-call list, says the text, and hangs up. The text is a promise, so it is
 * spoken only when the list has the number. The wish itself stands in the record from the first moment, whatever
 * becomes of the call.
 */

import { end } from '../going.ts'
import type { Step, Text } from '../program.ts'
import { text, word } from '../schema.ts'
import { arm, disarmStep, Fault, keep, nextId, say, speech, type Turn } from '../turn.ts'
import type { Verb } from '../verb.ts'

interface OptOut {
  text: Text
  /** Null: the common list. */
  list: string | null
}

/** An answer of the ledger takes milliseconds; without one for this long it is a fault (ms). */
const LEDGER = 5000

export const optOutVerb: Verb<OptOut> = {
  name: 'opt_out',
  shape: { opt_out: text, list: word.min(1, { error: 'expected the name of a campaign' }).optional() },
  outcomes: [],
  goesOn: false,
  build: (raw, b) => ({ text: b.text(raw.opt_out, 'opt_out'), list: raw.list ?? null }),
  enter(turn, { node }: Step<OptOut>) {
    const id = nextId(turn, 'o')
    turn.s.act = { id }
    turn.s.optedOut = true
    turn.out.push({ type: 'opt_out', id, list: node.list })
    arm(turn, 'guard', LEDGER)
  },
  on(turn, step: Step<OptOut>, event) {
    if (event.type === 'timer' && event.slot === 'guard') throw new Fault('the do-not-call list could not be reached')
    if (event.type === 'opted_out' && event.id === idOf(turn)) {
      if (!event.ok) throw new Fault('the do-not-call list could not be written')
      disarmStep(turn)
      turn.s.act = null
      say(turn, speech(turn, step.node.text), { to: 'verb', tag: 'said' }, 'drop')
    } else if (event.type === 'said') {
      keep(turn, step.outcome)
      end(turn, 'flow', 'opted_out')
    }
  },
  question: (node) => node.text,
  exits: () => [{ event: 'hangup', target: 'end', mover: 'itself' }],
}

function idOf(turn: Turn): string | undefined {
  return (turn.s.act as { id: string } | null)?.id
}
