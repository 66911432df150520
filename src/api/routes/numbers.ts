/** Everything that is kept of a number: told, and erased. */
import { z } from 'zod'
import { outward } from '../outward.ts'
import type { ApiPorts } from '../ports.ts'
import { callback, dncEntry } from '../schemas/calls.ts'
import { contact } from '../schemas/campaigns.ts'
import { failures, number, record, time } from '../schemas/common.ts'
import type { Api } from '../validation.ts'

const tags = ['numbers']
const byNumber = z.object({ number })

const kept = z.object({
  number: z.string(),
  attempts: z.array(
    record.extend({
      state: z.string(),
      steps: z.array(z.object({ at: time, step: z.string(), event: z.string() })),
      journal: z.array(z.unknown()),
    }),
  ),
  contacts: z.array(contact.extend({ campaign: z.string() })),
  callbacks: z.array(callback),
  dnc: z.array(dncEntry),
})

export function numberRoutes(api: Api, ports: ApiPorts): void {
  const path = '/v1/numbers/:number'

  api.get(
    path,
    {
      config: { scope: 'read', deadline: 30_000 },
      schema: {
        tags,
        summary:
          'Everything that is kept of a number: calls with steps and journals, contacts, callbacks, do-not-call entries',
        params: byNumber,
        response: { 200: kept, ...failures },
      },
    },
    async (request) => {
      const { attempts, contacts, callbacks, dnc, ...found } = await ports.numbers.export(request.params.number)
      return {
        ...found,
        attempts: attempts.map((attempt) => ({ ...outward(attempt), steps: attempt.steps.map(outward) })),
        contacts: contacts.map(outward),
        callbacks: callbacks.map(outward),
        dnc: dnc.map(outward),
      }
    },
  )

  api.delete(
    path,
    {
      config: { scope: 'admin', deadline: 30_000 },
      schema: {
        tags,
        summary: 'Erases everything that is kept of a number, but its do-not-call entries',
        params: byNumber,
      },
    },
    async (request, reply) => {
      await ports.numbers.erase(request.params.number)
      return reply.code(204).send()
    },
  )
}
