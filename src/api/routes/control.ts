/** The whole service: its flows, and the switch that stops all dialling. */
import { z } from 'zod'
import type { ApiPorts } from '../ports.ts'
import { failures, page, paging, problem } from '../schemas/common.ts'
import type { Api } from '../validation.ts'

const flow = z.object({
  name: z.string(),
  description: z.string().nullable(),
  version: z.string(),
  language: z.string(),
  file: z.string(),
  steps: z.array(z.string()),
  problems: z.array(problem),
})

export function controlRoutes(api: Api, ports: ApiPorts): void {
  const { control } = ports
  const nothing = z.strictObject({}).nullish()
  const tags = ['service']
  const paused = z.object({ paused: z.boolean() })

  api.get(
    '/v1/flows',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'The flows that are loaded, with what is wrong with them',
        querystring: z.strictObject(paging),
        response: { 200: page(flow), ...failures },
      },
    },
    async ({ query: { limit, cursor } }) => {
      const flows = (await ports.flows()).sort((a, b) => (a.name < b.name ? -1 : 1))
      const rest = flows.filter(({ name }) => cursor === null || name > cursor)
      const items = rest.slice(0, limit)
      return { items, next: rest.length > limit ? (items.at(-1)?.name ?? null) : null }
    },
  )

  api.post(
    '/v1/stop',
    {
      config: { scope: 'admin' },
      schema: { tags, summary: 'No new call anywhere', body: nothing, response: { 200: paused, ...failures } },
    },
    async () => control.stop(),
  )

  api.post(
    '/v1/resume',
    {
      config: { scope: 'admin' },
      schema: { tags, summary: 'Dialling goes on', body: nothing, response: { 200: paused, ...failures } },
    },
    async () => control.resume(),
  )

  const report = z.object({
    flows: z.int(),
    campaigns: z.int(),
    problems: z.array(problem),
    config_changed: z.boolean().describe('`apel.yaml` has changed since the start, and is read at the next one'),
  })
  api.post(
    '/v1/reload',
    {
      config: { scope: 'admin', deadline: 30_000 },
      schema: {
        tags,
        summary: 'Reads flows and campaigns again; a running call keeps its version',
        body: nothing,
        response: { 200: report, ...failures },
      },
    },
    async () => control.reload(),
  )
}
