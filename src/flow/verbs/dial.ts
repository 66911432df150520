/**
 * `dial: { extension | queue | number }` connects the far side to a person. Until that one answers they hear music; then
 * the two hear each other, and afterwards the far side is ours again and goes on by what became of it. Their keys are for
 * the person, not for us. A queue is the PBX's own, reached like an extension; in it they wait for `max_wait`.
 */

import { z } from 'zod'
import { parseDuration } from '../duration.ts'
import { readPhone } from '../entry.ts'
import { leave } from '../going.ts'
import type { Effect } from '../io.ts'
import type { Step, Template } from '../program.ts'
import { fill } from '../render.ts'
import { durationBetween, fields, flag, word } from '../schema.ts'
import { scopeOf } from '../scope.ts'
import { arm, disarmStep, music, nextId, type Turn } from '../turn.ts'
import type { Verb } from '../verb.ts'

interface Dial {
  kind: (typeof KINDS)[number]
  to: Template
  music: string
  /** How long it may ring, ms; in a queue how long they wait. */
  timeout: number
  timeLimit: number | null
  record: boolean
}

type To = Extract<Effect, { type: 'dial' }>['to']

/** The line tells the end of a dial; should it ever not, the call goes on so much later (ms). */
const GRACE = 10_000
const ENDS = ['completed', 'busy', 'no_answer', 'failed'] as const
const EXTENSION = /^[0-9A-Za-z_*#.-]{1,64}$/
const operators = z
  .never({
    error:
      'operators cannot be dialled by a flow yet: name their { extension: … }, a { queue: … } of the PBX or a { number: … }',
  })
  .optional()
const ONE = 'expected one of { extension: … }, { queue: … } and { number: … }'
const KINDS = ['extension', 'queue', 'number'] as const

export const dialVerb: Verb<Dial> = {
  name: 'dial',
  shape: {
    dial: fields({
      extension: word.optional(),
      queue: word.optional(),
      number: word.optional(),
      agents: operators,
    }).refine((to) => KINDS.filter((kind) => to[kind] !== undefined).length === 1, { error: ONE }),
    music: z
      .string({ error: 'expected the name of a music class' })
      .regex(/^[A-Za-z0-9_.-]+$/, { error: 'expected the name of a music class' })
      .refine((name) => name !== 'none', { error: 'nobody is left in silence: while it rings there is music' })
      .optional(),
    timeout: durationBetween(1000, 300_000, 'the timeout of a dial is between 1s and 5m').optional(),
    max_wait: durationBetween(1000, 3_600_000, 'max_wait is between 1s and 1h').optional(),
    time_limit: durationBetween(1000, 14_400_000, 'time_limit is between 1s and 4h').optional(),
    record: flag.optional(),
  },
  outcomes: [...ENDS, 'max_wait'],
  // Nobody waits in a queue for an extension or a number.
  possible: ({ on, node }) => (on.has('max_wait') || node.kind === 'queue' ? [...ENDS, 'max_wait'] : ENDS),
  theirs: ['completed'],
  goesOn: false,
  build(raw, b) {
    const kind = KINDS.find((each) => raw.dial[each] !== undefined)!
    const written: string = raw.dial[kind]
    if (kind !== 'number' && !written.includes('{') && !EXTENSION.test(written))
      b.problem('wrong-type', `"${written}" cannot be an extension`, ['dial', kind])
    return {
      kind,
      to: b.template(written, 'dial', kind),
      music: raw.music ?? 'default',
      timeout: parseDuration(kind === 'queue' ? (raw.max_wait ?? '60s') : (raw.timeout ?? '20s'))!,
      timeLimit: raw.time_limit === undefined ? null : parseDuration(raw.time_limit),
      record: raw.record ?? false,
    }
  },
  enter(turn, { node }: Step<Dial>) {
    const { s } = turn
    const to = whom(turn, node)
    s.buffer = ''
    if (to === null) return leave(turn, 'failed')
    const id = nextId(turn, 'd')
    s.dialing = id
    music(turn, true, node.music)
    const { timeout, timeLimit } = node
    turn.out.push({ type: 'dial', id, to, timeout, timeLimit, record: node.record ? `${s.context.id}.${id}` : null })
    arm(turn, 'guard', timeout + GRACE)
  },
  on(turn, { node }: Step<Dial>, event) {
    const { s, root } = turn
    if (event.type === 'timer' && event.slot === 'guard' && s.dialing !== null) {
      turn.out.push({ type: 'stop_dial', id: s.dialing })
      over(turn, s.music ? unanswered(node) : 'completed')
    } else if (event.type === 'connected' && event.id === s.dialing) {
      music(turn, false)
      if (node.kind !== 'number') s.agent = fill(node.to, scopeOf(turn.program, s)).trim()
      arm(turn, 'guard', (node.timeLimit ?? root.limits.maxCallTime) + GRACE)
    } else if (event.type === 'dialed' && event.id === s.dialing)
      over(turn, event.result === 'no_answer' ? unanswered(node) : event.result)
  },
  key: () => {},
}

function unanswered({ kind }: Dial): string {
  return kind === 'queue' ? 'max_wait' : 'no_answer'
}

function over(turn: Turn, outcome: string): void {
  turn.s.dialing = null
  disarmStep(turn)
  music(turn, false)
  leave(turn, outcome)
}

/** Null: what the flow names cannot be called. */
function whom(turn: Turn, { kind, to }: Dial): To | null {
  const { program, s } = turn
  const filled = fill(to, scopeOf(program, s)).trim()
  if (kind !== 'number') return EXTENSION.test(filled) ? { extension: filled } : null
  const number = filled === '' ? null : readPhone(filled, s.context)
  return number === null ? null : { number }
}
