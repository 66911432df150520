/** Letters to webhooks that nobody took: to be read, and to be sent again. */
import { z } from 'zod'
import { outward, outwardPage } from '../outward.ts'
import type { ApiPorts } from '../ports.ts'
import { failures, page, paging, time } from '../schemas/common.ts'
import type { Api } from '../validation.ts'

const tags = ['webhooks']

const deadLetter = z.object({
  id: z.string(),
  event: z.string(),
  at: time,
  url: z.string(),
  number: z.string().nullable(),
  tries: z.int(),
  reason: z.string(),
  died_at: time,
  data: z.record(z.string(), z.unknown()).nullable(),
})

export function webhookRoutes(api: Api, ports: ApiPorts): void {
  api.get(
    '/v1/webhooks/dead',
    {
      config: { scope: 'read', deadline: 10_000 },
      schema: {
        tags,
        summary: 'Letters that a webhook would not take for a day, newest first',
        querystring: z.strictObject(paging),
        response: { 200: page(deadLetter), ...failures },
      },
    },
    async (request) => outwardPage(await ports.webhooks.dead(request.query)),
  )

  api.post(
    '/v1/webhooks/dead/:id/replay',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Sends one again, under the same delivery id',
        params: z.object({ id: z.string().min(1).max(100) }),
        body: z.strictObject({}).nullish(),
        response: { 200: z.object({ id: z.string(), replayed: z.literal(true) }), ...failures },
      },
    },
    async (request) => {
      await ports.webhooks.replay(request.params.id)
      return outward({ id: request.params.id, replayed: true }) as { id: string; replayed: true }
    },
  )
}
