/**
 * What happens, as it happens: server-sent events. A client that does not read is cut off once a megabyte waits for it, since
 * the calls must never wait for a spectator. A comment every ten seconds keeps proxies and idle timers calm.
 */
import type { ServerResponse } from 'node:http'
import { z } from 'zod'
import type { ServiceEvent } from '../../call/ports.ts'
import { outward } from '../outward.ts'
import type { ApiPorts } from '../ports.ts'
import type { Api } from '../validation.ts'

const HEARTBEAT = 10_000
const BACKLOG = 1024 * 1024
const names = ['call.started', 'call.step', 'call.ended', 'callback.scheduled', 'campaign.state', 'trunk.state']

export function eventRoutes(api: Api, ports: ApiPorts): void {
  const open = new Set<ServerResponse>()
  api.addHook('preClose', async () => {
    for (const response of open) response.end()
  })

  api.get(
    '/v1/events',
    {
      exposeHeadRoute: false,
      config: { scope: 'read', deadline: 0 },
      schema: {
        tags: ['service'],
        summary: 'Server-sent events; `types` keeps only those named, `campaign` and `call` only theirs',
        querystring: z.strictObject({
          types: z
            .string()
            .transform((text) => text.split(','))
            .refine((types) => types.every((type) => names.includes(type)), `must be of: ${names.join(', ')}`)
            .optional(),
          campaign: z.string().optional(),
          call: z.string().optional(),
        }),
      },
    },
    (request, reply) => {
      const { types, campaign, call } = request.query
      reply.hijack()
      const response = reply.raw
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      })
      const write = (text: string): void => {
        if (response.writableLength > BACKLOG) response.destroy()
        else response.write(text)
      }
      const wanted = (event: ServiceEvent): boolean => {
        const data = event.data as Record<string, unknown>
        if (types && !types.includes(event.type)) return false
        if (call !== undefined && data.id !== call) return false
        return (
          campaign === undefined ||
          data.campaign === campaign ||
          (event.type === 'campaign.state' && data.name === campaign)
        )
      }
      let id = 0
      const stop = ports.events.subscribe((event) => {
        if (wanted(event)) write(`id: ${++id}\nevent: ${event.type}\ndata: ${JSON.stringify(outward(event.data))}\n\n`)
      })
      const beat = setInterval(() => write(': here\n\n'), HEARTBEAT)
      open.add(response)
      response.on('close', () => {
        clearInterval(beat)
        stop()
        open.delete(response)
      })
      response.on('error', () => response.destroy())
      write(': connected\n\n')
    },
  )
}
