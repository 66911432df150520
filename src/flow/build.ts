/**
 * From the checked shape of a file to the compiled parts of a program: texts cut into words and expressions, targets
 * that name something, ladders with their defaults. What is wrong is reported with its place, and building goes on, so
 * that all faults of a file are told together.
 */

import type { Problem, ProblemCode } from '../errors.ts'
import { parseDuration } from './duration.ts'
import { type ExpressionCompiler, RESERVED } from './expressions.ts'
import { guess } from './near.ts'
import type { PhraseName } from './phrases.ts'
import type {
  Assignment,
  Expression,
  Inline,
  Ladder,
  Manner,
  Part,
  Place,
  Program,
  Rung,
  SayAs,
  Target,
  Template,
  Text,
  ValueType,
} from './program.ts'
import { type Located, type Path, placeOf } from './source.ts'
import { cutTemplate } from './template.ts'

/** Facts of the outside that a check may ask for. */
export interface Facts {
  /** Is there a recorded sound of this name in this language? */
  sounds?: (name: string, language: string) => boolean
  /** May a flow reach this host (`name` or `name:port`)? */
  allowHost?: (host: string) => boolean
}

/** What a verb builds its node with. Paths are those of the step's own properties. */
export interface Build {
  readonly program: Program
  readonly facts: Facts
  /** The step's own name; null where it has none. */
  readonly stepName: string | null
  readonly id: string
  text(raw: unknown, ...path: Path): Text
  optionalText(raw: unknown, ...path: Path): Text | null
  template(raw: string, ...path: Path): Template
  target(raw: unknown, ...path: Path): Target
  expression(raw: unknown, expected: ValueType | null, ...path: Path): Expression
  assignments(raw: unknown, ...path: Path): Assignment[]
  manner(raw: Record<string, unknown>): Manner
  /** A variable that the step assigns; its type must be one of these. Null when it is not declared. */
  saved(name: string, types: readonly ValueType[], what: string, ...path: Path): ValueType | null
  /** Where the value at a path stands, or with `atKey` its key. */
  place(path: Path, atKey?: boolean): Place
  problem(code: ProblemCode, message: string, path: Path, severity?: 'error' | 'warning', atKey?: boolean): void
}

/** What one file is built with: a flow's own, or that of a library, whose parts go into the flow's program. */
export interface Workshop {
  file: string
  root: Located
  program: Program
  compiler: ExpressionCompiler
  facts: Facts
  problems: Problem[]
  /** Steps of the flow and of its libraries. */
  stepNames: Set<string>
  /** The language of texts that are written once. */
  language: string
}

const NOTHING: Expression = { source: '', type: 'any', reads: [], run: () => '' }
const INLINE_KEYS = ['say', 'set', 'outcome', 'goto', 'reprompt', 'label', 'hint']

/** The tools for one step (or situation, or list) whose properties lie at `base`. */
export function buildAt(shop: Workshop, base: Path, id: string, stepName: string | null): Build {
  const { program, facts, compiler, root, file } = shop
  const problem: Build['problem'] = (code, message, path, severity = 'error', atKey = false) => {
    shop.problems.push({ file, ...placeOf(root, [...base, ...path], atKey), severity, code, message })
  }

  const template: Build['template'] = (raw, ...path) => {
    const pieces = cutTemplate(raw)
    if (!Array.isArray(pieces)) {
      problem('expression', pieces.message, path)
      return [raw]
    }
    return pieces.map((piece) => (typeof piece === 'string' ? piece : expression(piece.source, null, ...path)))
  }

  const expression: Build['expression'] = (raw, expected, ...path) => {
    if (typeof raw === 'object' || raw === undefined) return NOTHING
    const made = compiler.compile(String(raw))
    if (!('run' in made)) {
      problem(made.code, made.message, path)
      return NOTHING
    }
    if (expected !== null && expected !== 'any' && made.type !== 'any' && made.type !== expected) {
      problem('wrong-type', `expected a ${expected}, found a ${made.type}`, path)
      return NOTHING
    }
    return made
  }

  const part = (raw: unknown, language: string, path: Path): Part => {
    if (typeof raw === 'string') return { kind: 'words', template: template(raw, ...path) }
    const map = raw as { sound?: string; say_as?: SayAs; value?: string }
    if (map.sound !== undefined) {
      if (facts.sounds !== undefined && !facts.sounds(map.sound, language))
        problem('missing-sound', `there is no sound "${map.sound}" in "${language}"`, [...path, 'sound'])
      return { kind: 'sound', name: map.sound }
    }
    return { kind: 'say_as', as: map.say_as!, template: template(map.value ?? '', ...path, 'value') }
  }

  const parts = (raw: unknown, language: string, path: Path): Part[] =>
    Array.isArray(raw) ? raw.map((item, index) => part(item, language, [...path, index])) : [part(raw, language, path)]

  const text: Build['text'] = (raw, ...path) => {
    const variants = new Map<string, Part[]>()
    const byLanguage =
      typeof raw === 'object' && raw !== null && !Array.isArray(raw) && !('sound' in raw) && !('say_as' in raw)
    if (byLanguage) {
      for (const [language, words] of Object.entries(raw))
        variants.set(language.toLowerCase(), parts(words, language, [...path, language]))
      if (!variants.has(program.language))
        problem(
          'missing-language',
          `the text is not there in the flow's language, "${program.language}"`,
          path,
          'warning',
        )
    } else variants.set(shop.language, parts(raw, shop.language, path))
    const made: Text = { kind: 'written', variants, place: placeOf(root, [...base, ...path]), of: id }
    program.texts.push(made)
    return made
  }

  const optionalText: Build['optionalText'] = (raw, ...path) => (raw === undefined ? null : text(raw, ...path))

  const assignments: Build['assignments'] = (raw, ...path) =>
    Object.entries((raw ?? {}) as Record<string, unknown>).map(([name, source]) => {
      const type = saved(name, [], '', ...path, name)
      return { name, type: type ?? 'any', value: expression(source, type, ...path, name) }
    })

  const saved: Build['saved'] = (name, types, what, ...path) => {
    const type = name === 'language' ? 'text' : program.types[name]
    if (type === undefined) {
      const known = Object.keys(program.types)
      const told = RESERVED.includes(name) ? ' and cannot be set' : guess(name, known)
      problem('unknown-variable', `"${name}" is not declared under vars${told}`, path, 'error', path.at(-1) === name)
      return null
    }
    program.assigned.add(name)
    if (types.length > 0 && type !== 'any' && !types.includes(type))
      problem(
        'save-type',
        `${what} cannot be kept in "${name}", which is a ${type}: expected a ${types.join(' or a ')}`,
        path,
      )
    return type
  }

  const inlineParts = (raw: Record<string, unknown>, path: Path): Omit<Inline, 'id'> => ({
    label: (raw.label as string | undefined) ?? null,
    hint: (raw.hint as string | undefined) ?? null,
    set: assignments(raw.set, ...path, 'set'),
    outcome: (raw.outcome as string | undefined) ?? null,
    say: optionalText(raw.say, ...path, 'say'),
    goto: raw.goto === undefined ? null : target(raw.goto, ...path, 'goto'),
  })

  const target: Build['target'] = (raw, ...path) => {
    const place = placeOf(root, [...base, ...path])
    if (typeof raw === 'string') {
      if (raw === 'hangup' || raw === 'repeat' || raw === 'return') return { to: raw, place }
      if (!shop.stepNames.has(raw))
        problem(
          'unknown-target',
          `there is no step "${raw}"${guess(raw, [...shop.stepNames, 'hangup', 'repeat', 'return'])}`,
          path,
        )
      return { to: 'step', step: raw, place }
    }
    const inline: Inline = { id: program.inlines.length, ...inlineParts(raw as Record<string, unknown>, path) }
    program.inlines.push(inline)
    return { to: 'inline', inline, place }
  }

  const ladder = (raw: unknown, reprompt: boolean, path: Path): Ladder => {
    const rung = (item: unknown, at: Path): Rung => {
      const map = item as Record<string, unknown>
      const isRung =
        typeof item === 'object' &&
        item !== null &&
        !Array.isArray(item) &&
        Object.keys(map).some((k) => INLINE_KEYS.includes(k))
      if (!isRung) return { ...SILENT_RUNG, say: text(item, ...at), reprompt }
      return { id: -1, ...inlineParts(map, at), reprompt: (map.reprompt as boolean | undefined) ?? reprompt }
    }
    return Array.isArray(raw) ? raw.map((item, index) => rung(item, [...path, index])) : [rung(raw, path)]
  }

  const manner: Build['manner'] = (raw) => {
    const noinput = raw.noinput === undefined ? null : ladder(raw.noinput, false, ['noinput'])
    const ms = (name: string) => (raw[name] === undefined ? null : parseDuration(String(raw[name])))
    return {
      timeout: ms('timeout') ?? program.manner.timeout,
      interDigit: ms('inter_digit_timeout') ?? program.manner.interDigit,
      maxTalk: ms('max_talk') ?? program.manner.maxTalk,
      bargeIn: (raw.barge_in as boolean | undefined) ?? program.manner.bargeIn,
      noinput: noinput === null ? program.manner.noinput : { inbound: noinput, outbound: noinput },
      nomatch: raw.nomatch === undefined ? program.manner.nomatch : ladder(raw.nomatch, true, ['nomatch']),
      maxAttempts: (raw.max_attempts as number | undefined) ?? program.manner.maxAttempts,
    }
  }

  const place: Build['place'] = (path, atKey) => placeOf(root, [...base, ...path], atKey)

  return {
    program,
    facts,
    stepName,
    id,
    text,
    optionalText,
    template,
    target,
    expression,
    assignments,
    manner,
    saved,
    place,
    problem,
  }
}

const SILENT_RUNG: Rung = {
  id: -1,
  label: null,
  hint: null,
  set: [],
  outcome: null,
  say: null,
  goto: null,
  reprompt: false,
}

function phraseRung(phrase: PhraseName, reprompt: boolean): Rung {
  return { ...SILENT_RUNG, say: { kind: 'phrase', phrase }, reprompt }
}

/** How a step asks when its flow says nothing about it. */
export const USUAL_MANNER: Manner = {
  timeout: 5000,
  interDigit: 3000,
  maxTalk: 15_000,
  bargeIn: true,
  noinput: {
    inbound: [phraseRung('noinputAgain', false), phraseRung('noinputInbound', false)],
    outbound: [phraseRung('noinputAgain', false), phraseRung('noinputOutbound', false)],
  },
  nomatch: [phraseRung('nomatchFirst', true), phraseRung('nomatchSecond', true), phraseRung('nomatchLast', true)],
  maxAttempts: 4,
}
