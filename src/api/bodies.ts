/** How bodies are read: what kinds, how large, and for how long we wait for them. Uploads have their own way (`routes/uploads.ts`). */
import { Socket } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ApelError } from '../errors.ts'
import { tooDeep } from '../nesting.ts'

export const JSON_LIMIT = 1024 * 1024
/** How long nothing may move on the connection of a route that takes as long as it takes, ms. */
const LONG_SILENCE = 300_000

/**
 * JSON alone is read by default (a form of another site can send text/plain). An action may be sent with an empty body. A
 * body that comes byte by byte, to hold the connection, is cut off after `patience` ms.
 */
export function readJson(app: FastifyInstance, patience: number): void {
  app.removeAllContentTypeParsers()
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit: JSON_LIMIT }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else if (tooDeep(body as string)) done(new ApelError('bad_request', 'The body is nested deeper than 64 levels.'))
    else void parse(request, body as string, done)
  })
  const waits = new WeakMap<FastifyRequest, NodeJS.Timeout>()
  app.addHook('preParsing', async (request, _reply, payload) => {
    const { raw, headers, routeOptions } = request
    if (!/^(identity)?$/i.test(headers['content-encoding'] ?? ''))
      throw new ApelError(
        'unsupported_media_type',
        'Bodies are taken as they are; send this one without Content-Encoding.',
      )
    const { streamed, deadline } = routeOptions.config
    // The end of a large upload is answered when all of it is kept, a forecast when it is made; nothing moves meanwhile.
    if ((streamed || deadline === 0) && raw.socket instanceof Socket) raw.socket.setTimeout(LONG_SILENCE)
    if (!streamed && (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined)) {
      waits.set(
        request,
        setTimeout(() => raw.destroy(), patience),
      )
    }
    return payload
  })
  // The body is there when validation begins; one that failed to arrive ends with an answer.
  const arrived = async (request: FastifyRequest): Promise<void> => clearTimeout(waits.get(request))
  app.addHook('preValidation', arrived)
  app.addHook('onResponse', arrived)
  app.addHook('onRequestAbort', arrived)
}
