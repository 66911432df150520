/**
 * The language as a JSON Schema, so that editors complete and check flows while they are written. It is made from the
 * very shapes that the reader checks with, so the two cannot part; what only the reader can see (names that lead
 * nowhere, rounds, expressions) stays with `apel check`. `docs/flow.schema.json` is what this makes, held equal by a test.
 */

import { z } from 'zod'
import { flowFile, libraryFile, situation } from './file.ts'
import { assignments, ladder, NAME, target, text } from './schema.ts'
import { verbs } from './verbs.ts'

/** Shapes that are written out once and referred to. */
const NAMED: Record<string, z.ZodType> = { text, target, ladder, assignments }

/** JSON Schema (draft 7, which every editor knows) of a flow's file, or of a library's. */
export function flowSchema(): Record<string, unknown> {
  const registry = z.registry<{ id?: string; title?: string }>()
  for (const [id, schema] of Object.entries(NAMED)) registry.add(schema as never, { id })
  const kinds = [...verbs].map(([name, { schema }]) => {
    registry.add(schema as never, { id: `verb_${name}`, title: name })
    return schema
  })
  const step = z.union(kinds as [z.ZodType, z.ZodType])
  registry.add(step as never, { id: 'step', title: 'a step: exactly one verb, and its properties' })
  const names = z.string().regex(NAME)
  const small = situation.extend({ steps: z.array(step).min(1).optional() })
  registry.add(small as never, { id: 'situation' })
  const parts = { steps: z.record(names, step), situations: z.record(names, small).optional() }
  const flow = flowFile.extend({ ...parts, on_hangup: z.array(step).optional() })
  const library = libraryFile.extend({ ...parts, steps: parts.steps.optional() })
  registry.add(flow as never, { id: 'flow', title: 'a flow: one conversation' })
  registry.add(library as never, { id: 'library', title: 'a library: situations and steps that flows include' })
  const { anyOf: _either, ...schema } = z.toJSONSchema(z.union([flow, library]), {
    target: 'draft-7',
    metadata: registry,
    unrepresentable: 'any',
    io: 'input',
  }) as Record<string, unknown>
  const definitions = { ...(schema.definitions as Record<string, unknown>), step: byVerb() }
  return {
    ...schema,
    title: 'A flow of apel, or a library for flows',
    ...either('flow', 'flow', 'library'),
    definitions,
  }
}

const to = (definition: string) => ({ $ref: `#/definitions/${definition}` })

function either(key: string, yes: string, no: string): Record<string, unknown> {
  // biome-ignore lint/suspicious/noThenProperty: JSON Schema names it so, and a schema is never awaited.
  return { if: { required: [key] }, then: to(yes), else: to(no) }
}

/**
 * A step is of the kind of the verb that it has: told this way an editor names the one fault, and not those of all kinds.
 * A word that is a verb and also a property of another (`record` of `dial`) is the verb only where the other is not there.
 */
function byVerb(): Record<string, unknown> {
  const names = [...verbs.keys()]
  const having = (name: string) => ({ required: [name] })
  const kind = (name: string) => {
    const others = names.filter((other) => other !== name && verbs.get(other)!.properties.includes(name))
    return others.length === 0 ? having(name) : { ...having(name), not: { anyOf: others.map(having) } }
  }
  return {
    title: 'a step: exactly one verb, and its properties',
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, {}])),
    anyOf: names.map(having),
    // biome-ignore lint/suspicious/noThenProperty: JSON Schema names it so, and a schema is never awaited.
    allOf: names.map((name) => ({ if: kind(name), then: to(`verb_${name}`) })),
  }
}

/** As it lies in `docs/flow.schema.json`. */
export function flowSchemaText(): string {
  return `${JSON.stringify(flowSchema(), null, 2)}\n`
}
