/** One step of a file: which verb it is, whether its shape is right, and what it compiles to. */

import type { Problem } from '../errors.ts'
import { buildAt, type Workshop } from './build.ts'
import type { Program, Step, Target } from './program.ts'
import { problemsOf, unknownKey } from './shape-faults.ts'
import { type Path, placeOf } from './source.ts'
import { type KnownVerb, verbs } from './verbs.ts'

/** Compiles the step at `path` and adds it to the program under `id`; null when it is wrong. */
export function compileStep(shop: Workshop, path: Path, id: string, name: string | null): Step | null {
  const raw = at(shop.root.value, path)
  const b = buildAt(shop, path, id, name)
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    b.problem('wrong-type', 'expected a step: a map with a verb', [])
    return null
  }
  const map = raw as Record<string, unknown>
  const known = verbOf(map, b.problem)
  if (known === null) return null
  const checked = known.schema.safeParse(map)
  const { verb } = known
  if (!checked.success) {
    const found = problemsOf(checked.error, shop.file, shop.root, path)
    shop.problems.push(...found, ...furtherProblems(shop, path, found, () => verb.build(map, b)))
    return null
  }
  const step: Step = {
    id,
    name,
    verb,
    node: verb.build(map, b),
    next: map.next === undefined ? null : b.target(map.next, 'next'),
    nextWritten: map.next !== undefined,
    on: new Map(
      Object.entries((map.on ?? {}) as Record<string, unknown>).map(([outcome, to]) => [
        outcome,
        b.target(to, 'on', outcome),
      ]),
    ),
    outcome: (map.outcome as string | undefined) ?? null,
    label: (map.label as string | undefined) ?? null,
    hint: (map.hint as string | undefined) ?? null,
    pace: (map.pace as 'slow' | 'normal' | undefined) ?? null,
    file: shop.file,
    place: placeOf(shop.root, path, true),
  }
  shop.program.steps.set(id, step)
  return step
}

/** What is wrong beside the shape: a name that is misspelt is told together with a key that is. */
function furtherProblems(shop: Workshop, path: Path, found: Problem[], build: () => unknown): Problem[] {
  const before = shop.problems.length
  try {
    build()
  } catch {
    // The shape is wrong, so its parts may be anything; their own faults have been told.
  }
  const more = shop.problems.splice(before)
  const own = placeOf(shop.root, path, true)
  const told = [own, placeOf(shop.root, path), ...found]
  return more.filter((p) => !told.some((t) => t.line === p.line && t.column === p.column))
}

type Report = ReturnType<typeof buildAt>['problem']

function verbOf(map: Record<string, unknown>, problem: Report): KnownVerb | null {
  const named = Object.keys(map).filter((key) => verbs.has(key))
  // "record" is a verb, and beside "dial" one of its properties.
  const found = named.filter((key) => !named.some((verb) => verb !== key && verbs.get(verb)!.properties.includes(key)))
  if (found.length === 1) return verbs.get(found[0]!)!
  if (found.length === 0) {
    const keys = Object.keys(map)
    const first = keys.find((key) => !['next', 'outcome', 'label', 'hint', 'pace', 'on'].includes(key))
    if (first === undefined) problem('verb', `a step needs a verb: ${[...verbs.keys()].join(', ')}`, [])
    else problem('unknown-key', unknownKey(first, [...verbs.keys()]), [first], 'error', true)
    return null
  }
  if (found.includes('goto')) {
    const other = found.find((key) => key !== 'goto')
    problem('verb', `"goto" is a verb of its own: after "${other}" write "next"`, ['goto'], 'error', true)
  } else problem('verb', `a step has one verb: "${found[0]}" and "${found[1]}" are two`, [found[1]!], 'error', true)
  return null
}

/** Gives every step without a written `next` the step below it. */
export function linkSteps(program: Program, order: string[]): void {
  for (const [index, name] of order.entries()) {
    const step = program.steps.get(name)
    const below = order[index + 1]
    if (step !== undefined && below !== undefined) follow(step, { to: 'step', step: below, place: step.place })
  }
}

/** What comes after a step: where nothing is written, and after a `next` that says or sets something and goes nowhere. */
export function follow(step: Step, below: Target): void {
  if (step.next === null) step.next = below
  else if (step.next.to === 'inline') step.next.inline.goto ??= below
}

function at(value: unknown, path: Path): unknown {
  let found = value
  for (const key of path) found = (found as Record<string | number, unknown> | undefined)?.[key]
  return found
}
