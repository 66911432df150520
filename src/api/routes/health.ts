/** Is the process alive, may it dial, and how is it doing. No token: what asks this has none. */
import { z } from 'zod'
import type { Metrics } from '../metrics.ts'
import type { ApiPorts } from '../ports.ts'
import type { Api } from '../validation.ts'

const part = z.object({ reason: z.string().nullable() })

const health = part.extend({
  ready: z.boolean(),
  redis: part.extend({ writable: z.boolean() }),
  ledger: part.extend({ loaded: z.boolean() }),
  nodes: z.array(part.extend({ name: z.string(), linked: z.boolean() })),
})

export function healthRoutes(api: Api, ports: ApiPorts, metrics: Metrics): void {
  const config = { scope: 'open' as const }
  const tags = ['health']

  api.get(
    '/health/live',
    { config, schema: { tags, summary: 'The process runs', response: { 200: z.object({ live: z.literal(true) }) } } },
    async () => ({ live: true }),
  )

  const readiness = { 200: health, 503: health }
  api.get(
    '/health/ready',
    { config, schema: { tags, summary: 'It may dial: Redis, ledger and a node are there', response: readiness } },
    async (_request, reply) => {
      const state = await ports.health()
      return reply.code(state.ready ? 200 : 503).send(state)
    },
  )

  api.get('/metrics', { config, schema: { tags, summary: 'For Prometheus' } }, async (_request, reply) => {
    const text = await metrics.registry.metrics()
    return reply.type(metrics.registry.contentType).send(text)
  })
}
