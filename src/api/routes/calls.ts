/** Calls: one by hand, those that live and those that were, and the tasks that a call on hold waits for. */
import { z } from 'zod'
import { outwardCall, outwardPage } from '../outward.ts'
import type { ApiPorts } from '../ports.ts'
import { call, callState, dialRequest, journal, taskResult } from '../schemas/calls.ts'
import { failures, name, page, paging, record } from '../schemas/common.ts'
import type { Api } from '../validation.ts'

const tags = ['calls']
const byId = z.object({ id: z.string().min(1).max(200) })

export function callRoutes(api: Api, ports: ApiPorts): void {
  const { calls } = ports

  api.post(
    '/v1/calls',
    {
      config: { scope: 'dial', deadline: 10_000 },
      schema: {
        tags,
        summary: 'Dials one number; refused by the gate with the code of the rule',
        body: dialRequest,
        response: { 202: byId, ...failures },
      },
    },
    async (request, reply) => {
      const { to, flow, vars, trunk } = request.body
      const asked = { to, flow, vars: vars ?? {}, trunk: trunk ?? null, id: request.claimed?.id ?? null }
      const { id } = await calls.dial(asked)
      return reply.code(202).send({ id })
    },
  )

  api.get(
    '/v1/calls',
    {
      config: { scope: 'read', list: true },
      schema: {
        tags,
        summary: 'Calls, the latest first; `state=live`: all that have not ended',
        querystring: z.strictObject({
          ...paging,
          state: z
            .enum([...callState.options, 'live'])
            .nullable()
            .default(null),
          kind: record.shape.kind.nullable().default(null),
          campaign: name.nullable().default(null),
        }),
        response: { 200: page(call), ...failures },
      },
    },
    async (request) => outwardPage(await calls.list(request.query), outwardCall),
  )

  api.get(
    '/v1/calls/:id',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'One call with its steps', params: byId, response: { 200: call, ...failures } },
    },
    async (request) => outwardCall(await calls.get(request.params.id)),
  )

  api.get(
    '/v1/calls/:id/journal',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'What went into the conversation of a call, and the flow as it was then: `apel replay` reads it',
        params: byId,
        response: { 200: journal, ...failures },
      },
    },
    async (request) => (await calls.journal(request.params.id)) as z.input<typeof journal>,
  )

  api.delete(
    '/v1/calls/:id',
    { config: { scope: 'dial', deadline: 6000 }, schema: { tags, summary: 'Hangs up', params: byId } },
    async (request, reply) => {
      await calls.hangup(request.params.id)
      return reply.code(204).send()
    },
  )

  api.post(
    '/v1/calls/:id/situations/:name',
    {
      config: { scope: 'dial' },
      schema: {
        tags,
        summary: 'Raises a situation of the flow in a call that is on',
        params: z.object({ id: z.string().min(1).max(200), name }),
        response: { 200: z.object({ situation: z.string() }), ...failures },
      },
    },
    async (request) => {
      const { id, name } = request.params
      await calls.raise(id, name)
      return { situation: name }
    },
  )

  api.post(
    '/v1/calls/:id/tasks/:name',
    {
      config: { scope: 'dial' },
      schema: {
        tags,
        summary: 'Finishes the external task that a call on hold waits for',
        params: z.object({ id: z.string().min(1).max(200), name }),
        body: taskResult,
        response: { 200: taskResult, ...failures },
      },
    },
    async (request) => {
      const { status, result = null } = request.body
      await calls.finishTask(request.params.id, request.params.name, { status, result })
      return { status, result }
    },
  )
}
