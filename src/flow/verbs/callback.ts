/**
 * `callback: TEXT` agrees on a later call. The choices are offered on the keys 1, 2, 3 … and 9 declines.
 *
 *   check -> choice -> (fixed) keep -> read back -> scheduled
 *              \----> typed -> confirm -> (1) keep -> thanks -> scheduled
 *                       ^---------(2)
 *
 * First it is asked whether the number may be called at all (`callback_check`); what was agreed on is kept by the
 * `callback` effect, and only when it has been kept is it promised. Times are moved to the next opening before anybody
 * hears them. In `on_hangup` the first choice is taken without a word.
 */

import { z } from 'zod'
import { ask } from '../asking.ts'
import { parseWindows } from '../calendar.ts'
import { parseDuration } from '../duration.ts'
import { readPhone } from '../entry.ts'
import { leave } from '../going.ts'
import type { Spoken, Windows } from '../io.ts'
import { type Choice, open, readChoice, spokenTime, typedTime, wantedTime } from '../later.ts'
import type { SpokenDay } from '../phrases.ts'
import type { Step, Template, Text } from '../program.ts'
import { fill, type Sentence } from '../render.ts'
import { duration, oneOf, textOrUsual, word } from '../schema.ts'
import { scopeOf } from '../scope.ts'
import { arm, disarmStep, Fault, nextId, say, sentenceOf, speech, type Turn } from '../turn.ts'
import type { Verb } from '../verb.ts'

export interface Callback {
  text: Text
  choices: Choice[]
  to: Template | null
  window: Windows | null
  expires: number | null
  note: Template | null
  agent: 'any' | 'same' | null
  flow: string | null
  at: string | null
}

interface Act {
  phase: 'check' | 'choice' | 'typed' | 'confirm' | 'keeping'
  id: string
  to: string | null
  keys: string
  due: number
  refused: number
  typed: boolean
}

/** An answer of the ledger takes milliseconds; without one for this long it is a fault. */
const LEDGER = 5000
const DECLINE = '9'

export const callbackVerb: Verb<Callback> = {
  name: 'callback',
  shape: {
    callback: textOrUsual,
    choices: z
      .array(word, { error: 'expected a list of durations, times and enter_time' })
      .min(1, { error: 'a callback has at least one choice' })
      .max(8, { error: 'a callback has at most 8 choices: key 9 declines' })
      .optional(),
    to: word.optional(),
    window: z.unknown().optional(),
    expires: duration.optional(),
    note: word.optional(),
    agent: oneOf('any', 'same').optional(),
    flow: word.optional(),
    at: word.optional(),
  },
  outcomes: ['scheduled', 'declined', 'unavailable'],
  goesOn: false,
  theirs: ['scheduled'],
  build(raw, b) {
    const written: string[] = raw.choices ?? ['30m', 'enter_time']
    const choices = written.flatMap((choice, index) => {
      const read = readChoice(choice)
      if (read === null)
        b.problem('wrong-type', `"${choice}" is not a choice: write 30m, 16:30, "tomorrow 10:00" or enter_time`, [
          'choices',
          index,
        ])
      return read === null ? [] : [read]
    })
    const window = raw.window === undefined ? null : parseWindows(raw.window)
    if (typeof window === 'string') b.problem('wrong-type', window, ['window'])
    if (raw.at !== undefined && (raw.flow === undefined || raw.flow === b.program.flow)) b.target(raw.at, 'at')
    const usual = raw.callback === null || raw.callback === true || raw.callback === ''
    return {
      text: usual ? { kind: 'phrase', phrase: 'callbackQuestion' } : b.text(raw.callback, 'callback'),
      choices,
      to: raw.to === undefined ? null : b.template(raw.to, 'to'),
      window: window === null || typeof window === 'string' ? null : window,
      expires: raw.expires === undefined ? null : parseDuration(raw.expires)!,
      note: raw.note === undefined ? null : b.template(raw.note, 'note'),
      agent: raw.agent ?? null,
      flow: raw.flow ?? null,
      at: raw.at ?? null,
    }
  },
  enter(turn, step: Step<Callback>) {
    const { s } = turn
    const { node } = step
    const other = node.to === null ? '' : fill(node.to, scopeOf(turn.program, s)).trim()
    const to = other === '' ? null : readPhone(other, s.context)
    const nobody = other === '' ? s.context.number === '' : to === null
    s.buffer = ''
    s.act = { phase: 'check', id: '', to, keys: '', due: 0, refused: 0, typed: false } satisfies Act
    if (nobody || open(turn.at, s.context, node.window) === null) return leave(turn, 'unavailable')
    if (s.phase === 'after') return withoutWords(turn, step)
    const id = nextId(turn, 'c')
    change(turn, { id })
    turn.out.push({ type: 'callback_check', id, to })
    arm(turn, 'guard', LEDGER)
  },
  on(turn, step: Step<Callback>, event) {
    switch (event.type) {
      case 'said':
        return leave(turn, 'scheduled')
      case 'timer':
        if (event.slot === 'guard') throw new Fault('the ledger did not answer')
        return
      case 'callback':
        if (waitsFor(turn, event.id)) answered(turn, step, event.result)
    }
  },
  asks: {
    manner: (_step, turn) => turn.program.manner,
    prompt,
    key(turn, step: Step<Callback>, pressed) {
      switch (act(turn).phase) {
        case 'choice':
          return choose(turn, step, pressed)
        case 'typed':
          return type(turn, step, pressed)
        default:
          return confirm(turn, step, pressed)
      }
    },
    complete(turn) {
      change(turn, { keys: '' })
      return 'miss'
    },
    situations: (step, turn) => (pressed) =>
      act(turn).phase === 'choice' &&
      pressed !== DECLINE &&
      !(Number(pressed) >= 1 && Number(pressed) <= step.node.choices.length),
    again: (turn) => act(turn).phase === 'confirm',
    gaveUp: (step) => step.on.get('declined') ?? null,
  },
  question: (node) => node.text,
  sentences: offers,
  keys: (node) => [...node.choices.map((_, index) => String(index + 1)), DECLINE],
}

function prompt(turn: Turn, { node }: Step<Callback>): Spoken[] {
  switch (act(turn).phase) {
    case 'choice':
      return [...speech(turn, node.text), ...offers(node).map((offer) => sentenceOf(turn, offer))]
    case 'typed':
      change(turn, { keys: '' })
      return speech(turn, { kind: 'phrase', phrase: 'callbackType' })
    default: {
      const { day, time } = spoken(turn)
      return [sentenceOf(turn, (p) => p.confirm(day, time))]
    }
  }
}

/** The sentences that offer the choices. */
function offers(node: Callback): Sentence[] {
  return [
    ...node.choices.map(
      (choice, index): Sentence =>
        (p) => {
          const key = String(index + 1)
          if (choice.kind === 'typed') return p.offerTyped(key)
          if (choice.kind === 'in') return p.offerIn(choice.ms / 60_000, key)
          return p.offerAt(dayOf(choice.day), choice.time, key)
        },
    ),
    (p) => p.callbackDecline,
  ]
}

function dayOf(day: Extract<Choice, { kind: 'at' }>['day']): SpokenDay | null {
  if (day === null) return null
  return typeof day === 'number' ? { day: 'weekday', weekday: day } : { day }
}

function answered(turn: Turn, step: Step<Callback>, outcome: 'allowed' | 'scheduled' | 'unavailable' | 'fault'): void {
  const { phase, due, typed } = act(turn)
  if (outcome === (phase === 'check' ? 'scheduled' : 'allowed')) return
  disarmStep(turn)
  if (outcome === 'fault') throw new Fault('the ledger could not be reached')
  if (outcome === 'unavailable') return leave(turn, 'unavailable')
  if (phase === 'check') {
    change(turn, { phase: 'choice' })
    return ask(turn, step)
  }
  turn.s.callbackAt = due
  if (turn.s.phase === 'after') return leave(turn, 'scheduled')
  const { day, time } = spoken(turn)
  const words = typed ? sentenceOf(turn, (p) => p.thanks) : sentenceOf(turn, (p) => p.readBack(day, time))
  say(turn, [words], { to: 'verb', tag: 'scheduled' }, 'drop')
}

function choose(turn: Turn, step: Step<Callback>, pressed: string): 'taken' | 'miss' {
  if (pressed === DECLINE) {
    leave(turn, 'declined')
    return 'taken'
  }
  const choice = step.node.choices[Number(pressed) - 1]
  if (choice === undefined) return 'miss'
  if (choice.kind === 'typed') {
    change(turn, { phase: 'typed', keys: '' })
    ask(turn, step)
  } else settle(turn, step, wantedTime(choice, turn.at, zone(turn)), false)
  return 'taken'
}

function type(turn: Turn, step: Step<Callback>, pressed: string): 'more' | 'taken' | 'miss' {
  const keys = act(turn).keys + pressed
  change(turn, { keys })
  if (keys.length < 4) return 'more'
  change(turn, { keys: '' })
  const wanted = typedTime(keys, turn.at, zone(turn))
  if (wanted === null) return 'miss'
  const due = open(wanted, turn.s.context, step.node.window)
  if (due === null) {
    leave(turn, 'unavailable')
    return 'taken'
  }
  turn.s.buffer = ''
  change(turn, { phase: 'confirm', due })
  ask(turn, step)
  return 'taken'
}

/** 1 keeps the typed time, 2 asks for another; the third that is not confirmed is a nomatch. */
function confirm(turn: Turn, step: Step<Callback>, pressed: string): 'taken' | 'miss' {
  if (pressed === '1') {
    settle(turn, step, act(turn).due, true)
    return 'taken'
  }
  if (pressed !== '2') return 'miss'
  const refused = act(turn).refused + 1
  change(turn, { phase: 'typed', keys: '', refused: refused % 3 })
  if (refused === 3) return 'miss'
  ask(turn, step)
  return 'taken'
}

/** The time is agreed on: it is kept before it is promised. */
function settle(turn: Turn, { node }: Step<Callback>, wanted: number, typed: boolean): void {
  const { s } = turn
  const due = open(wanted, s.context, node.window)
  if (due === null) return leave(turn, 'unavailable')
  s.ask = null
  disarmStep(turn)
  const id = nextId(turn, 'c')
  const note = node.note === null ? null : fill(node.note, scopeOf(turn.program, s))
  const { to } = act(turn)
  change(turn, { phase: 'keeping', id, due, typed })
  const { expires, agent, at } = node
  // A step of a flow that was called is found there.
  const flow = node.flow ?? (at === null || s.calls.length === 0 ? null : turn.program.flow)
  turn.out.push({ type: 'callback', id, request: { to, due_at: due, expires, note, agent, flow, at } })
  arm(turn, 'guard', LEDGER)
}

function withoutWords(turn: Turn, step: Step<Callback>): void {
  const first = step.node.choices.find((choice) => choice.kind !== 'typed')
  if (first === undefined) return leave(turn, 'declined')
  settle(turn, step, wantedTime(first, turn.at, zone(turn)), false)
}

function spoken(turn: Turn): ReturnType<typeof spokenTime> {
  return spokenTime(act(turn).due, turn.at, zone(turn))
}

function zone(turn: Turn): string {
  return turn.s.context.zones[0] ?? 'UTC'
}

function waitsFor(turn: Turn, id: string): boolean {
  const own = turn.s.act as Act | null
  return own !== null && (own.phase === 'check' || own.phase === 'keeping') && own.id === id
}

function act(turn: Turn): Act {
  return turn.s.act as Act
}

function change(turn: Turn, fields: Partial<Act>): void {
  turn.s.act = { ...act(turn), ...fields }
}
