/** What will become of a campaign. */
import { z } from 'zod'
import { duration } from '../../config/values.ts'
import { ApelError } from '../../errors.ts'
import { lanes } from '../../lanes.ts'
import { outward } from '../outward.ts'
import type { ApiPorts } from '../ports.ts'
import { byName, failures, moment, time } from '../schemas/common.ts'
import type { Api } from '../validation.ts'

const share = z.coerce.number().min(0).max(1).nullable().default(null)
const counts = z.record(z.string(), z.int())

const forecast = z.object({
  campaign: z.string(),
  at: time,
  from: time,
  assumed: z.object({
    rates: z.record(z.string(), z.number()),
    talk_seconds: z.number(),
    ring_seconds: z.number(),
    learned_from: z.int().describe('attempts of the campaign; 0: these are the defaults'),
  }),
  contacts: z.object({
    ...{ total: z.int(), done: z.int(), reached: z.int(), exhausted: z.int(), never: z.int(), open: z.int() },
  }),
  ends_at: time.nullable(),
  attempts: z.int(),
  dispositions: counts,
  exhausted: counts,
  never: z.array(z.object({ rule: z.string(), reason: z.string(), contacts: z.int(), keys: z.array(z.string()) })),
  hours: z.array(z.object({ at: time, calls: z.int(), answered: z.int() })),
})

export function forecastRoutes(api: Api, ports: ApiPorts): void {
  // Each takes seconds of this thread, in slices; several at once would only all be late.
  const inTurn = lanes(1)
  api.get(
    '/v1/campaigns/:name/forecast',
    {
      config: { scope: 'read', deadline: 0 },
      schema: {
        tags: ['campaigns'],
        summary:
          'When it ends, its calls an hour, and who is never reached: the rules on a virtual clock, with assumed rates',
        params: byName,
        querystring: z.strictObject({
          answer: share.describe('share of attempts that are answered'),
          busy: share,
          no_answer: share,
          talk: duration.nullable().default(null).describe('mean length of a talk, such as 45s'),
          from: moment.nullable().default(null).describe('when it is started; now'),
          seed: z.coerce.number().int().min(0).max(0xffff_ffff).default(1),
        }),
        response: { 200: forecast, ...failures },
      },
    },
    async (request) => {
      const found = await inTurn(async () => {
        if (request.raw.socket.destroyed) throw new ApelError('unavailable', 'Nobody waits for it any more.', {}, true)
        return await ports.campaigns.forecast(request.params.name, request.query)
      })
      const { rates, talk, ring, learned_from } = found.assumed
      const seconds = (ms: number): number => Math.round(ms / 100) / 10
      return {
        ...outward(found),
        from: new Date(found.from).toISOString(),
        assumed: { rates, talk_seconds: seconds(talk), ring_seconds: seconds(ring), learned_from },
        hours: found.hours.map(outward),
      }
    },
  )
}
