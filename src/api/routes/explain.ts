/** Why a number is not being dialled, and when it will be. */
import { z } from 'zod'
import { outward } from '../outward.ts'
import type { ApiPorts } from '../ports.ts'
import { contactState } from '../schemas/campaigns.ts'
import { failures, name, number, record, time } from '../schemas/common.ts'
import type { Api } from '../validation.ts'

const next = { now: z.boolean(), next_at: time.nullable(), held_by: z.string().nullable() }

const explanation = z.object({
  number: z.string(),
  ...next,
  contacts: z.array(z.object({ campaign: z.string(), key: z.string().nullable(), state: contactState, ...next })),
  rules: z.array(
    z.object({
      rule: z.string(),
      verdict: z.enum(['pass', 'hold', 'refuse']),
      reason: z.string(),
      until: time.nullable(),
    }),
  ),
  attempts: z.array(record),
})

export function explainRoutes(api: Api, ports: ApiPorts): void {
  api.get(
    '/v1/explain/:number',
    {
      config: { scope: 'read', deadline: 10_000 },
      schema: {
        tags: ['numbers'],
        summary: 'Each rule of the gate with its verdict on this number, when it could be dialled, and every attempt',
        params: z.object({ number }),
        querystring: z.strictObject({ campaign: name.nullable().default(null) }),
        response: { 200: explanation, ...failures },
      },
    },
    async (request) => {
      const found = await ports.explain(request.params.number, request.query.campaign)
      const { contacts, rules, attempts } = found
      return {
        ...outward(found),
        contacts: contacts.map(outward),
        rules: rules.map(outward),
        attempts: attempts.map(outward),
      }
    },
  )
}
