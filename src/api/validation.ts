/**
 * One zod schema a shape: it checks the request, types the handler and becomes the OpenAPI description. Fastify's own
 * validator would turn a number into a text where a text is wanted, and drop keys that it does not know; a caller who
 * mistypes `trunk` should hear of it.
 */
import type { FastifyInstance, FastifySchema, FastifyTypeProvider } from 'fastify'
import { z } from 'zod'
import { ApelError } from '../errors.ts'

export interface ZodProvider extends FastifyTypeProvider {
  validator: this['schema'] extends z.ZodType ? z.output<this['schema']> : unknown
  serializer: unknown
}

export type Api = ReturnType<typeof typed>

const typed = (app: FastifyInstance) => app.withTypeProvider<ZodProvider>()

/** Sets the compilers; `app` is then typed by zod. */
export function withZod(app: FastifyInstance) {
  app.setValidatorCompiler(({ schema, httpPart }) => (data) => {
    const result = (schema as unknown as z.ZodType).safeParse(httpPart === 'querystring' ? given(data) : data)
    if (result.success) return { value: result.data }
    const issues = result.error.issues.flatMap((issue) =>
      issue.code === 'invalid_union' ? (issue.errors[0] ?? []) : issue,
    )
    const faults = issues.map((issue) => ({ path: [httpPart, ...issue.path].join('.'), message: issue.message }))
    const first = faults[0]
    return {
      error: new ApelError('bad_request', `The request is not as described: ${first?.path}: ${first?.message}.`, {
        problems: faults,
      }),
    }
  })
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  return typed(app)
}

/** `?state=&kind=first`: what is left empty is not asked for. */
const given = (query: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(query ?? {}).filter(([, value]) => value !== ''))

/** The schemas of a route as JSON Schema, for `@fastify/swagger`. */
export function describe({ schema, url }: { schema: FastifySchema | undefined; url: string }): {
  schema: FastifySchema
  url: string
} {
  if (!schema) return { schema: {} as FastifySchema, url }
  const described: Record<string, unknown> = { ...schema }
  for (const part of ['body', 'querystring', 'params'] as const) {
    const value = schema[part]
    if (value instanceof z.ZodType) described[part] = jsonSchema(value)
  }
  const response = schema.response as Record<string, unknown> | undefined
  if (response)
    described.response = Object.fromEntries(
      Object.entries(response).map(([status, value]) => [
        status,
        value instanceof z.ZodType ? jsonSchema(value) : value,
      ]),
    )
  return { schema: described as FastifySchema, url }
}

/** As a client sends or reads it; an answer may grow fields, so none is described as closed. */
function jsonSchema(schema: z.ZodType): unknown {
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', unrepresentable: 'any' })
  return rest
}
