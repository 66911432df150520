/** Runs of `apel batch`: the same id starts nothing twice and is answered the same. */
import { z } from 'zod'
import { outward } from '../outward.ts'
import type { ApiPorts } from '../ports.ts'
import { failures, name, time } from '../schemas/common.ts'
import type { Api } from '../validation.ts'

const tags = ['campaigns']
const byId = z.object({
  name,
  id: z.string().regex(/^[\x21-\x7e]{1,200}$/, 'must be printable characters without blanks'),
})

const run = z.object({
  id: z.string(),
  campaign: z.string(),
  at: time,
  started_at: time.nullable(),
  ended_at: time.nullable(),
  exit: z.int().nullable(),
})

export function runRoutes(api: Api, ports: ApiPorts): void {
  const path = '/v1/campaigns/:name/runs/:id'
  const config = { scope: 'campaign' as const }

  api.put(
    path,
    {
      config,
      schema: {
        tags,
        summary: 'Takes the id of a run; 200 when it was taken before',
        params: byId,
        body: z.strictObject({}).nullish(),
        response: { 200: run, 201: run, ...failures },
      },
    },
    async (request, reply) => {
      const { created, run } = await ports.runs.begin(request.params.name, request.params.id)
      return reply.code(created ? 201 : 200).send(outward(run))
    },
  )

  api.patch(
    path,
    {
      config,
      schema: {
        tags,
        summary: 'Says that the run has started its campaign, or how it ended',
        params: byId,
        body: z.strictObject({ started: z.literal(true).optional(), exit: z.int().min(0).max(3).optional() }),
        response: { 200: run, ...failures },
      },
    },
    async (request) => outward(await ports.runs.change(request.params.name, request.params.id, request.body)),
  )
}
