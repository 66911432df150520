/** Situations as a file writes them: a key, and a target, or small steps, or strikes with a warning. */

import { buildAt, type Workshop } from './build.ts'
import { situation as shape } from './file.ts'
import { NAME } from './schema.ts'
import { problemsOf } from './shape-faults.ts'
import { placeOf } from './source.ts'
import { compileStep, follow } from './step-file.ts'

interface Raw {
  key?: string
  label?: string
  hint?: string
  outcome?: string
  pace?: 'slow' | 'normal'
  goto?: unknown
  steps?: unknown[]
  strikes?: number
  warn?: unknown
  say?: unknown
  then?: unknown
}

/** Adds the situations of a file to its program. */
export function buildSituations(shop: Workshop, raw: unknown): void {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return
  for (const [name, value] of Object.entries(raw)) {
    const path = ['situations', name]
    const b = buildAt(shop, path, `@situation.${name}`, null)
    if (!NAME.test(name)) b.problem('name', `"${name}" cannot be the name of a situation`, [], 'error', true)
    const checked = shape.safeParse(value)
    if (!checked.success) {
      shop.problems.push(...problemsOf(checked.error, shop.file, shop.root, path))
      continue
    }
    const map = value as Raw
    if (map.goto !== undefined && map.steps !== undefined)
      b.problem('verb', 'a situation has "goto" or "steps", not both', ['goto'], 'error', true)
    const ids = (map.steps ?? []).map((_, index) => {
      const id = `@situation.${name}/${index}`
      compileStep(shop, [...path, 'steps', index], id, null)
      return id
    })
    for (const [index, id] of ids.entries()) {
      const step = shop.program.steps.get(id)
      const following = ids[index + 1]
      if (step === undefined) continue
      const { place } = step
      follow(step, following === undefined ? { to: 'return', place } : { to: 'step', step: following, place })
    }
    if (map.key !== undefined) {
      const other = shop.program.keys.get(map.key)
      if (other !== undefined)
        b.problem('shadowed-key', `the key ${map.key} already belongs to the situation "${other}"`, ['key'])
      else shop.program.keys.set(map.key, name)
    }
    shop.program.situations.set(name, {
      name,
      key: map.key ?? null,
      label: map.label ?? null,
      hint: map.hint ?? null,
      outcome: map.outcome ?? null,
      pace: map.pace ?? null,
      say: b.optionalText(map.say, 'say'),
      goto: map.goto === undefined ? null : b.target(map.goto, 'goto'),
      first: ids[0] ?? null,
      strikes: map.strikes ?? 0,
      warn: b.optionalText(map.warn, 'warn'),
      final: map.then === undefined ? null : b.target(map.then, 'then'),
      file: shop.file,
      place: placeOf(shop.root, path, true),
    })
  }
}
