/**
 * `gather: TEXT` takes digits into a variable: as many as `num_digits` says, or up to `finish_on_key`, or until no key
 * has come for `inter_digit_timeout`. What does not fit is a nomatch. With `confirm` the entry is read back first: 1
 * keeps it, 2 asks anew, silence has it read back again. Nothing is kept before that.
 */

import { z } from 'zod'
import { ask } from '../asking.ts'
import { type EntryType, type Limit, readEntry, readLimit } from '../entry.ts'
import { leave } from '../going.ts'
import type { Manner, Step, Text, ValueType } from '../program.ts'
import { count, durationBetween, flag, key, manner, oneOf, text, variable } from '../schema.ts'
import { speech, store, type Turn } from '../turn.ts'
import type { Verb } from '../verb.ts'

interface Gather {
  text: Text
  save: string
  type: EntryType
  varType: ValueType
  least: number
  most: number
  /** The largest length is the type's and not the author's, so they may end it by the finish key all the same. */
  byType: boolean
  finish: string
  min: Limit
  max: Limit
  confirm: Text | null
  manner: Manner
}

interface Act {
  phase: 'entry' | 'confirm'
  keys: string
  value: string | number
  /** They said no: the question is asked anew whatever the rung says. */
  anew: boolean
}

const digits = (least: number, most: number) => count(least, most).optional()
const limit = z.union([z.number(), z.string()], { error: 'expected a number, a date or a time' }).optional()
/** The shortest entry and the longest of a type, where the step does not say. */
const LENGTHS: Record<EntryType, [number, number]> = {
  digits: [1, 32],
  number: [1, 32],
  date: [4, 8],
  time: [4, 4],
  phone: [3, 32],
}

export const gatherVerb: Verb<Gather> = {
  name: 'gather',
  shape: {
    gather: text,
    save: variable,
    num_digits: digits(1, 100),
    min_digits: digits(0, 100),
    max_digits: digits(1, 100),
    finish_on_key: z.union([key, z.literal('')], { error: 'expected a key, or "" for none' }).optional(),
    inter_digit_timeout: durationBetween(100, 60_000, 'inter_digit_timeout is between 100ms and 1m').optional(),
    type: oneOf('digits', 'number', 'date', 'time', 'phone').optional(),
    min: limit,
    max: limit,
    confirm: text.optional(),
    sensitive: flag.optional(),
    ...manner,
  },
  outcomes: ['give_up'],
  goesOn: 'them',
  build(raw, b) {
    const type: EntryType = raw.type ?? 'digits'
    if (raw.num_digits !== undefined && (raw.min_digits !== undefined || raw.max_digits !== undefined))
      b.problem('wrong-type', 'num_digits, or min_digits and max_digits, not both', ['num_digits'], 'error', true)
    const least = raw.num_digits ?? raw.min_digits ?? Math.min(LENGTHS[type][0], raw.max_digits ?? 100)
    const most = raw.num_digits ?? raw.max_digits ?? Math.max(LENGTHS[type][1], least)
    if (least > most) b.problem('wrong-type', 'min_digits is larger than max_digits', ['min_digits'])
    const limits = (['min', 'max'] as const).map((name) => {
      const read = readLimit(type, raw[name])
      if (typeof read === 'string') b.problem('wrong-type', `${name}: ${read}`, [name])
      return typeof read === 'string' ? null : read.limit
    })
    const kinds: ValueType[] = type === 'number' ? ['number'] : ['text']
    const varType = b.saved(raw.save, kinds, `an entry of type ${type}`, 'save')
    if (raw.sensitive === true) b.program.sensitive.add(raw.save)
    return {
      text: b.text(raw.gather, 'gather'),
      save: raw.save,
      type,
      varType: varType ?? 'any',
      least,
      most,
      byType: raw.num_digits === undefined && raw.max_digits === undefined,
      finish: raw.finish_on_key ?? '#',
      min: limits[0] ?? null,
      max: limits[1] ?? null,
      confirm: b.optionalText(raw.confirm, 'confirm'),
      manner: b.manner(raw),
    }
  },
  enter(turn, step) {
    turn.s.act = { phase: 'entry', keys: '', value: '', anew: false } satisfies Act
    ask(turn, step)
  },
  asks: {
    manner: (step) => step.node.manner,
    prompt(turn, { node }: Step<Gather>) {
      const { phase, value } = act(turn)
      change(turn, { anew: false, keys: '' })
      return phase === 'confirm' ? speech(turn, node.confirm, { [node.save]: value }) : speech(turn, node.text)
    },
    key(turn, step: Step<Gather>, pressed) {
      const { phase, keys } = act(turn)
      if (phase === 'confirm') return confirmed(turn, step, pressed)
      if (pressed === step.node.finish) return evaluate(turn, step)
      change(turn, { keys: keys + pressed })
      if (keys.length + 1 < step.node.most) return 'more'
      if (step.node.byType) spareKey(turn, step.node.finish, step.node.manner.interDigit)
      return evaluate(turn, step)
    },
    complete: (turn, step) => evaluate(turn, step),
    situations:
      ({ node }) =>
      (pressed) =>
        (pressed === '*' || pressed === '#') && pressed !== node.finish,
    again: (turn) => act(turn).phase === 'confirm' || act(turn).anew,
  },
  question: (node) => node.text,
  ladders: (node) => node.manner,
}

/** This key, should it come next, still belongs to the entry. */
function spareKey(turn: Turn, key: string, within: number): void {
  const { s, at } = turn
  if (key !== '' && s.buffer.startsWith(key)) s.buffer = s.buffer.slice(key.length)
  else s.spare = { key, until: at + within }
}

function evaluate(turn: Turn, step: Step<Gather>): 'taken' | 'miss' {
  const { node } = step
  const { keys } = act(turn)
  change(turn, { keys: '' })
  const value =
    keys.length < node.least || keys.length > node.most
      ? null
      : readEntry(node.type, keys, node.min, node.max, turn.at, turn.s.context)
  if (value === null) return 'miss'
  change(turn, { value })
  if (node.confirm === null) return accept(turn, step)
  change(turn, { phase: 'confirm' })
  turn.s.buffer = ''
  ask(turn, step)
  return 'taken'
}

function confirmed(turn: Turn, step: Step<Gather>, pressed: string): 'taken' | 'miss' {
  if (pressed === '1') return accept(turn, step)
  if (pressed === '2') change(turn, { phase: 'entry', anew: true, keys: '' })
  return 'miss'
}

function accept(turn: Turn, { node }: Step<Gather>): 'taken' {
  store(turn, node.save, node.varType, act(turn).value)
  leave(turn, null)
  return 'taken'
}

function act(turn: Turn): Act {
  return turn.s.act as Act
}

function change(turn: Turn, fields: Partial<Act>): void {
  turn.s.act = { ...act(turn), ...fields }
}
