/**
 * `press: "12#"` sends keys to the far side, an auto attendant say. Their keys are kept for the next question
 * meanwhile. A hole in the keys is filled when the step is entered: what is no key then is a technical fault.
 */

import { z } from 'zod'
import { parseDuration } from '../duration.ts'
import { leave } from '../going.ts'
import type { Step, Template } from '../program.ts'
import { fill } from '../render.ts'
import { durationBetween } from '../schema.ts'
import { scopeOf } from '../scope.ts'
import { arm, Fault, nextId, type Turn } from '../turn.ts'
import type { Verb } from '../verb.ts'

interface Press {
  keys: Template
  gap: number
}

const KEYS = /^[0-9*#A-D]{1,64}$/
const ERROR = 'expected keys in quotes: 0 to 9, *, # and A to D, at most 64'
/** A key takes at most this long; the line tells the end, and should it ever not, the call goes on (ms). */
const KEY = 300
const GRACE = 5000

export const pressVerb: Verb<Press> = {
  name: 'press',
  shape: {
    press: z.string({ error: ERROR }).refine((keys) => keys.includes('{') || KEYS.test(keys), { error: ERROR }),
    gap: durationBetween(40, 2000, 'a gap is between 40ms and 2s').optional(),
  },
  outcomes: [],
  goesOn: 'itself',
  build: (raw, b) => ({ keys: b.template(raw.press, 'press'), gap: parseDuration(raw.gap ?? '200ms')! }),
  enter(turn, { node }: Step<Press>) {
    const keys = fill(node.keys, scopeOf(turn.program, turn.s)).trim()
    if (!KEYS.test(keys)) throw new Fault('what is to be pressed has characters that are no keys')
    const id = nextId(turn, 'k')
    turn.s.act = { id }
    turn.out.push({ type: 'press', id, keys, gap: node.gap })
    arm(turn, 'guard', keys.length * (KEY + node.gap) + GRACE)
  },
  on(turn, _step, event) {
    if (event.type === 'timer' && event.slot === 'guard') throw new Fault('the keys were never sent')
    if (event.type !== 'pressed' || event.id !== idOf(turn)) return
    if (!event.ok) throw new Fault('the keys could not be sent')
    leave(turn, null)
  },
}

function idOf(turn: Turn): string | undefined {
  return (turn.s.act as { id: string } | null)?.id
}
