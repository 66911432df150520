/** One item of a script as it is written: `silent`, or a map with one word that says what happens. */

import { z } from 'zod'
import type { Problem, ProblemCode } from '../errors.ts'
import { parseDuration } from './duration.ts'
import { guess } from './near.ts'
import { duration, fields, oneOf, word } from './schema.ts'
import type { ScriptItem } from './script.ts'
import { problemsOf, unknownKey } from './shape-faults.ts'
import { type Located, type Path, placeOf } from './source.ts'

const KEYS = 'expected keys: 0 to 9, * and #'
const keys = z.union([z.string(), z.int().min(0)], { error: KEYS }).refine((text) => /^[0-9*#]+$/.test(String(text)), {
  error: KEYS,
})
const after = duration.optional()
const ms = (text: string) => parseDuration(text)!
const later = (text: string | undefined) => (text === undefined ? {} : { after: ms(text) })

/** What each word takes, and what becomes of it. */
const ITEMS: Record<string, { shape: z.ZodType; make(raw: never): ScriptItem }> = {
  hears: {
    shape: fields({ hears: z.string({ error: 'expected a text' }).min(1, { error: 'expected a text' }) }),
    make: ({ hears }: { hears: string }) => ({ hears }),
  },
  press: {
    shape: fields({ press: keys, during: oneOf('prompt').optional() }),
    make: ({ press, during }: { press: string | number; during?: 'prompt' }) => ({
      press: String(press),
      ...(during === undefined ? {} : { during }),
    }),
  },
  silent: { shape: fields({ silent: z.literal(true) }), make: () => ({ silent: true }) },
  says: { shape: fields({ says: duration }), make: ({ says }: { says: string }) => ({ says: ms(says) }) },
  waits: { shape: fields({ waits: duration }), make: ({ waits }: { waits: string }) => ({ waits: ms(waits) }) },
  hangs_up: { shape: fields({ hangs_up: z.literal(true) }), make: () => ({ hangs_up: true }) },
  situation: { shape: fields({ situation: word }), make: ({ situation }: { situation: string }) => ({ situation }) },
  agent: {
    shape: fields({ agent: oneOf('answers', 'busy', 'no_answer') }),
    make: ({ agent }: { agent: 'answers' | 'busy' | 'no_answer' }) => ({ agent }),
  },
  amd: {
    shape: fields({ amd: oneOf('human', 'machine', 'unsure') }),
    make: ({ amd }: { amd: 'human' | 'machine' | 'unsure' }) => ({ amd }),
  },
  http: {
    shape: fields({
      http: fields({
        url: word.optional(),
        status: z.int({ error: 'expected a status as 200' }).min(100).max(599).optional(),
        json: z.unknown().optional(),
        after,
      }),
    }),
    make: ({ http }: { http: { url?: string; status?: number; json?: unknown; after?: string } }) => {
      const { after, ...rest } = http
      return { http: { ...rest, ...later(after) } }
    },
  },
  task: {
    shape: fields({
      task: fields({ name: word, status: oneOf('done', 'failed').optional(), result: z.unknown().optional(), after }),
    }),
    make: ({ task }: { task: { name: string; status?: 'done' | 'failed'; result?: unknown; after?: string } }) => {
      const { after, ...rest } = task
      return { task: { ...rest, ...later(after) } }
    },
  },
}

const NAMES = Object.keys(ITEMS)
const WORDS = ['silent', 'hangs_up']

/** The item at a path of the file, or what is wrong with it. */
export function readItem(file: string, root: Located, path: Path, raw: unknown): ScriptItem | Problem[] {
  const problem = (code: ProblemCode, message: string, at: Path = path, atKey = false): Problem[] => [
    { file, ...placeOf(root, at, atKey), severity: 'error', code, message },
  ]
  if (typeof raw === 'string') {
    if (raw === 'silent') return { silent: true }
    if (raw === 'hangs_up') return { hangs_up: true }
    const told = NAMES.includes(raw) ? `"${raw}" needs a value: { ${raw}: … }` : `"${raw}" is no item of a script`
    return problem('wrong-type', `${told}${NAMES.includes(raw) ? '' : guess(raw, WORDS)}`)
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    return problem('wrong-type', `expected an item of a script: ${NAMES.join(', ')}`)
  const given = Object.keys(raw)
  const name = given.find((key) => Object.hasOwn(ITEMS, key))
  if (name === undefined && given.length === 0) return problem('wrong-type', 'an item says what happens')
  if (name === undefined) return problem('unknown-key', unknownKey(given[0]!, NAMES), [...path, given[0]!], true)
  const { shape, make } = ITEMS[name]!
  const checked = shape.safeParse(raw)
  return checked.success ? make(checked.data as never) : problemsOf(checked.error, file, root, path)
}
