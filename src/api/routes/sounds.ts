/** Sounds for an Asterisk that shares no folder with the service. It sends no token; a name is a hash that nobody guesses. */
import { createReadStream } from 'node:fs'
import { z } from 'zod'
import { ApelError } from '../../errors.ts'
import type { ApiPorts } from '../ports.ts'
import type { Api } from '../validation.ts'

export function soundRoutes(api: Api, ports: ApiPorts): void {
  api.get(
    '/sounds/:name',
    {
      config: { scope: 'open', deadline: 0 },
      schema: { hide: true, params: z.object({ name: z.string().regex(/^[0-9a-z]+\.[0-9a-z]+$/) }) } as {
        params: z.ZodObject<{ name: z.ZodString }>
      },
    },
    async (request, reply) => {
      const path = ports.sound(request.params.name)
      if (path === null) throw new ApelError('not_found', 'There is no such sound.')
      return reply.type('audio/basic').send(createReadStream(path))
    },
  )
}
