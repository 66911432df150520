/**
 * `hold: TEXT` asks to wait and plays music while a task runs. It never keeps anybody for long without a word: at each
 * `check_back` it comes back by itself and offers to wait on or to be called back.
 *
 *   text -> music -> (result) thanks -> done | failed
 *             |  \-> (max_hold) thanks -> max_hold
 *             \----> (check_back) thanks -> waiting, or the offer -> music | the built-in callback
 *
 * The task starts once a call and step; what is known of it is kept in `state.holds` over all entries.
 */

import { z } from 'zod'
import { ANSWER_TYPES, keepAnswer, succeeded } from '../answer.ts'
import { ask } from '../asking.ts'
import { ownKey } from '../called.ts'
import { parseDuration } from '../duration.ts'
import { leave, leaveBy } from '../going.ts'
import type { Manner, Step, Target, Text, ValueType } from '../program.ts'
import { buildRequest, makeRequest, type Request, requestFields } from '../request.ts'
import { durationBetween, fields, key, target, text, textOrUsual, variable } from '../schema.ts'
import { type KeptTask, keptTask, scopeOf } from '../scope.ts'
import { raise } from '../situations.ts'
import type { Held } from '../state.ts'
import { arm, disarmStep, goTo, hush, music, say, speech, type Turn } from '../turn.ts'
import type { Verb } from '../verb.ts'

interface Hold {
  text: Text
  thanks: Text
  task: { name: string; request: Request | null } | null
  save: { name: string; type: ValueType } | null
  music: string
  checkBack: number
  maxHold: number
  options: Map<string, Target>
  manner: Manner
}

type Act = { phase: 'text' | 'music' | 'offer' } | { phase: 'thanks'; outcome: string }

/** The step that the offer leads to; it comes back by `return`. */
export const HOLD_CALLBACK = '@hold/callback'
const OFFER_SILENCE = 5000

export const holdVerb: Verb<Hold> = {
  name: 'hold',
  shape: {
    hold: textOrUsual,
    task: z
      .union(
        [
          fields({ http: requestFields }),
          fields({
            external: z.union(
              [
                z.string().regex(/^[A-Za-z0-9_.-]+$/, { error: 'the name of a task has letters, digits, _, - and .' }),
                z.literal(true, { error: 'expected the name of a task' }),
                z.null(),
              ],
              { error: 'expected the name of a task' },
            ),
          }),
        ],
        { error: 'expected { http: … } or { external: NAME }' },
      )
      .optional(),
    save: variable.optional(),
    music: z
      .string({ error: 'expected the name of a music class' })
      .regex(/^[A-Za-z0-9_.-]+$/, { error: 'expected the name of a music class' })
      .refine((name) => name !== 'none', { error: 'nobody is left in silence: a hold plays music' })
      .optional(),
    check_back: durationBetween(100, 3_600_000, 'check_back is between 100ms and 1h').optional(),
    thanks: text.optional(),
    max_hold: durationBetween(100, 3_600_000, 'max_hold is between 100ms and 1h').optional(),
    options: z.record(key, target, { error: 'expected a map: key to target' }).optional(),
  },
  outcomes: ['done', 'failed', 'waiting', 'max_hold'],
  goesOn: false,
  build(raw, b) {
    const usual = raw.hold === null || raw.hold === true || raw.hold === ''
    const name = b.stepName ?? b.id
    const external = raw.task?.external
    const maxHold = parseDuration(raw.max_hold ?? '5m')!
    const saved = raw.save === undefined ? null : b.saved(raw.save, ANSWER_TYPES, 'a result', 'save')
    return {
      text: usual ? { kind: 'phrase', phrase: 'oneMinute' } : b.text(raw.hold, 'hold'),
      thanks: raw.thanks === undefined ? { kind: 'phrase', phrase: 'thanksForWaiting' } : b.text(raw.thanks, 'thanks'),
      task:
        raw.task === undefined
          ? null
          : raw.task.http !== undefined
            ? { name, request: buildRequest(raw.task.http, b, 'task', 'http') }
            : { name: typeof external === 'string' ? external : name, request: null },
      save: raw.save === undefined ? null : { name: raw.save, type: saved ?? 'any' },
      music: raw.music ?? 'default',
      checkBack: parseDuration(raw.check_back ?? '60s')!,
      maxHold,
      options: new Map(
        Object.entries((raw.options ?? {}) as Record<string, unknown>).map(([k, to]) => [
          k,
          b.target(to, 'options', k),
        ]),
      ),
      manner: { ...b.program.manner, timeout: OFFER_SILENCE },
    }
  },
  enter(turn, step: Step<Hold>, entry) {
    const { s } = turn
    const { options } = step.node
    const typed = [...s.buffer].find((pressed) => options.has(pressed) || turn.program.keys.has(pressed))
    s.buffer = ''
    if (typed !== undefined) {
      const option = options.get(typed)
      return option === undefined
        ? raise(turn, turn.program.keys.get(typed)!)
        : leaveBy(turn, option, `option ${typed}`)
    }
    startTask(turn, step)
    if (resultOf(turn, step) !== null) return finish(turn, step)
    if (entry === 'resume') return wait(turn, step)
    s.act = { phase: 'text' } satisfies Act
    say(turn, speech(turn, step.node.text), { to: 'verb', tag: 'asked' }, 'verb')
  },
  on(turn, step: Step<Hold>, event) {
    const act = turn.s.act as Act | null
    switch (event.type) {
      case 'said':
        if (event.tag === 'asked') return wait(turn, step)
        return thanked(turn, step)
      case 'timer':
        if (event.slot === 'max_hold') return thank(turn, step, 'max_hold')
        if (event.slot === 'check_back') return checkBack(turn, step)
        return
      case 'http':
      case 'task':
        if ((act?.phase === 'music' || act?.phase === 'offer') && resultOf(turn, step) !== null) finish(turn, step)
    }
  },
  key(turn, step: Step<Hold>, pressed) {
    const option = step.node.options.get(pressed)
    if (option !== undefined) {
      beginMaxHold(turn, step)
      hush(turn)
      music(turn, false)
      return leaveBy(turn, option, `option ${pressed}`)
    }
    const situation = turn.program.keys.get(pressed)
    if (situation !== undefined) raise(turn, situation)
  },
  asks: {
    manner: (step) => step.node.manner,
    prompt: (turn, { node }: Step<Hold>) => [
      ...speech(turn, node.thanks),
      ...speech(turn, { kind: 'phrase', phrase: 'holdOffer' }),
    ],
    key(turn, step: Step<Hold>, pressed) {
      const option = step.node.options.get(pressed)
      if (pressed === '2') {
        turn.s.stack = [...turn.s.stack, { kind: 'built-in', name: 'callback', back: step.id }]
        goTo(turn, HOLD_CALLBACK, 'callback')
      } else if (option !== undefined && pressed !== '1') leaveBy(turn, option, `option ${pressed}`)
      else wait(turn, step)
      return 'taken'
    },
    missed(turn, step) {
      wait(turn, step)
      return true
    },
    situations: () => (pressed) => pressed !== '1' && pressed !== '2',
  },
  possible: ({ node, on }) =>
    node.task === null
      ? ['waiting', 'max_hold']
      : ['done', 'failed', 'max_hold', ...(on.has('waiting') ? ['waiting'] : [])],
  question: (node) => node.text,
  keys: (node) => [...node.options.keys()],
  exits: ({ node }) => [...node.options].map(([k, to]) => ({ event: `option ${k}`, target: to, mover: 'them' })),
}

function held(turn: Turn, step: Step<Hold>): Held {
  return turn.s.holds[ownKey(turn, step.id)] ?? { started: false, until: null }
}

function remember(turn: Turn, step: Step<Hold>, fields: Partial<Held>): void {
  turn.s.holds = { ...turn.s.holds, [ownKey(turn, step.id)]: { ...held(turn, step), ...fields } }
}

function startTask(turn: Turn, step: Step<Hold>): void {
  const { task, maxHold } = step.node
  if (held(turn, step).started) return
  remember(turn, step, { started: true })
  if (task === null || task.request === null) return
  const request = makeRequest(task.request, scopeOf(turn.program, turn.s))
  turn.out.push({ type: 'http', id: taskId(turn, task.name), request, timeout: task.request.timeout ?? maxHold })
}

function taskId(turn: Turn, name: string): string {
  return `task:${ownKey(turn, name)}`
}

/** What the task came to; in an agreed callback one that was finished after the call before counts. Null: not yet. */
function resultOf(turn: Turn, step: Step<Hold>): KeptTask | null {
  const { task } = step.node
  const { s } = turn
  if (task === null) return null
  if (task.request !== null) {
    const answer = s.answers[taskId(turn, task.name)]
    if (answer === undefined) return null
    return { status: succeeded(answer) ? 'done' : 'failed', result: answer.body }
  }
  if (s.tasks[task.name] !== undefined) return s.tasks[task.name]!
  if (s.context.kind !== 'callback') return null
  const earlier = s.context.previous.tasks as Record<string, unknown> | undefined
  return earlier !== undefined && earlier !== null && Object.hasOwn(earlier, task.name)
    ? keptTask(earlier[task.name])
    : null
}

/** `max_hold` counts from the end of the first text, over all entries. */
function beginMaxHold(turn: Turn, step: Step<Hold>): void {
  if (held(turn, step).until === null) remember(turn, step, { until: turn.at + step.node.maxHold })
}

/** To the music, unless there is a reason to come back at once. */
function wait(turn: Turn, step: Step<Hold>): void {
  const { s, at } = turn
  s.ask = null
  disarmStep(turn)
  hush(turn)
  beginMaxHold(turn, step)
  if (resultOf(turn, step) !== null) return finish(turn, step)
  const left = (held(turn, step).until ?? at) - at
  if (left <= 0) return thank(turn, step, 'max_hold')
  s.act = { phase: 'music' } satisfies Act
  music(turn, true, step.node.music)
  arm(turn, 'max_hold', left)
  arm(turn, 'check_back', step.node.checkBack)
}

function checkBack(turn: Turn, step: Step<Hold>): void {
  if (step.node.task === null || step.on.has('waiting')) return thank(turn, step, 'waiting')
  disarmStep(turn)
  music(turn, false)
  turn.s.act = { phase: 'offer' } satisfies Act
  ask(turn, step)
}

function finish(turn: Turn, step: Step<Hold>): void {
  thank(turn, step, resultOf(turn, step)!.status)
}

/** "Thank you for waiting.", and out. */
function thank(turn: Turn, step: Step<Hold>, outcome: string): void {
  turn.s.ask = null
  disarmStep(turn)
  music(turn, false)
  turn.s.act = { phase: 'thanks', outcome } satisfies Act
  say(turn, speech(turn, step.node.thanks), { to: 'verb', tag: 'thanked' }, 'drop')
}

function thanked(turn: Turn, step: Step<Hold>): void {
  const act = turn.s.act as Act | null
  if (act?.phase !== 'thanks') return
  if (act.outcome === 'done') keepAnswer(turn, step.node.save, resultOf(turn, step)?.result)
  leave(turn, act.outcome)
}
