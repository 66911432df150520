/** Later calls that were agreed on: listed, made, moved, cancelled. */
import { z } from 'zod'
import { outward, outwardPage } from '../outward.ts'
import type { ApiPorts } from '../ports.ts'
import { callback, callbackMove, callbackRequest } from '../schemas/calls.ts'
import { failures, name, page, paging, queryNumber } from '../schemas/common.ts'
import type { Api } from '../validation.ts'

const tags = ['callbacks']
const byId = z.object({ id: z.string().min(1).max(200) })
const units: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** ms. Rules are asked one after another before it is written: over a slow Redis that takes longer than a look, and is done all the same. */
const SEVERAL_LOOKS = 6000

export function callbackRoutes(api: Api, ports: ApiPorts): void {
  const { callbacks } = ports

  api.get(
    '/v1/callbacks',
    {
      config: { scope: 'read', list: true },
      schema: {
        tags,
        summary: 'Callbacks, the newest first; of a number, all that were ever made',
        querystring: z.strictObject({
          ...paging,
          state: z.string().max(40).nullable().default(null),
          campaign: name.nullable().default(null),
          number: queryNumber.nullable().default(null),
        }),
        response: { 200: page(callback), ...failures },
      },
    },
    async (request) => outwardPage(await callbacks.list(request.query)),
  )

  api.post(
    '/v1/callbacks',
    {
      config: { scope: 'dial', deadline: SEVERAL_LOOKS },
      schema: {
        tags,
        summary: 'Agrees on a call; an open one for the same number is replaced',
        body: callbackRequest,
        response: { 201: callback, ...failures },
      },
    },
    async (request, reply) => {
      const { number, campaign, contact, due_at, expires, flow, at, note } = request.body
      const made = await callbacks.create({
        number,
        campaign: campaign ?? null,
        contact: contact ?? null,
        due_at,
        expires: expires ? Number.parseInt(expires, 10) * (units[expires.slice(-1)] ?? 0) : null,
        flow: flow ?? null,
        at: at ?? null,
        note: note ?? null,
      })
      return reply.code(201).send(outward(made))
    },
  )

  api.get(
    '/v1/callbacks/:id',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'One callback', params: byId, response: { 200: callback, ...failures } },
    },
    async (request) => outward(await callbacks.get(request.params.id)),
  )

  api.patch(
    '/v1/callbacks/:id',
    {
      config: { scope: 'dial', deadline: SEVERAL_LOOKS },
      schema: {
        tags,
        summary: 'Moves a callback',
        params: byId,
        body: callbackMove,
        response: { 200: callback, ...failures },
      },
    },
    async (request) => outward(await callbacks.move(request.params.id, request.body.due_at)),
  )

  api.delete(
    '/v1/callbacks/:id',
    { config: { scope: 'dial' }, schema: { tags, summary: 'Cancels a callback', params: byId } },
    async (request, reply) => {
      await callbacks.cancel(request.params.id)
      return reply.code(204).send()
    },
  )
}
