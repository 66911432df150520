/** The do-not-call list, of the whole service or of one campaign. An entry holds from the moment it is answered. */

import { Readable } from 'node:stream'
import { z } from 'zod'
import { outward, outwardPage } from '../outward.ts'
import type { ApiPorts } from '../ports.ts'
import { dncEntry, dncRequest } from '../schemas/calls.ts'
import { failures, importReport, name, number, page, paging, queryNumber } from '../schemas/common.ts'
import { type Api, withZod } from '../validation.ts'
import { charsetOf, outwardReport, readStreams, uploadOf } from './uploads.ts'

const tags = ['do-not-call']
const ofCampaign = { campaign: name.nullable().default(null) }

export async function dncRoutes(api: Api, ports: ApiPorts): Promise<void> {
  const { dnc } = ports

  api.get(
    '/v1/dnc',
    {
      config: { scope: 'read', list: true },
      schema: {
        tags,
        summary: 'The do-not-call list',
        querystring: z.strictObject({ ...paging, ...ofCampaign, number: queryNumber.nullable().default(null) }),
        response: { 200: page(dncEntry), ...failures },
      },
    },
    async (request) => outwardPage(await dnc.list(request.query)),
  )

  await api.register(async (plain) => {
    readStreams(plain, ['text/csv'])
    withZod(plain).post(
      '/v1/dnc',
      {
        config: { scope: 'dial', deadline: 0 },
        schema: {
          tags,
          summary: 'Adds a number, a prefix (`+4072*`), or a list as text/csv',
          consumes: ['application/json', 'text/csv'],
          querystring: z.strictObject(ofCampaign),
          body: z.union([dncRequest, z.custom<Readable>((value) => value instanceof Readable)]),
          response: { 200: z.union([dncEntry, importReport]), 201: dncEntry, ...failures },
        },
      },
      async (request, reply) => {
        const { body, query } = request
        if ('number' in body) {
          const { number, campaign, reason } = body
          const { created, entry } = await dnc.add({
            number,
            campaign: campaign ?? query.campaign,
            reason: reason ?? null,
          })
          return reply.code(created ? 201 : 200).send(outward(entry))
        }
        const charset = charsetOf(request)
        const stream = await uploadOf(request, reply, ports)
        if (stream === null) return reply
        const report = await dnc.import({ stream, charset }, query.campaign)
        return outwardReport({ ...report, import: null }, '')
      },
    )
  })

  api.delete(
    '/v1/dnc/:number',
    {
      config: { scope: 'dial' },
      schema: {
        tags,
        summary: 'Takes a number off the list',
        params: z.object({ number }),
        querystring: z.strictObject(ofCampaign),
      },
    },
    async (request, reply) => {
      await dnc.remove(request.params.number, request.query.campaign)
      return reply.code(204).send()
    },
  )
}
