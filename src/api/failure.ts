/**
 * Every failure leaves the API in one shape, `{ code, message, details }`, with a code of the fixed table. What the framework
 * throws is translated here; what nobody foresaw is logged whole and answered as `internal`, with nothing of the inside in it.
 */
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { ApelError } from '../errors.ts'
import { type ErrorBody, type ErrorCode, errorTable, isErrorCode } from './errors.ts'
import { outward } from './outward.ts'

export function answerFailures(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const body = bodyOf(error)
    if (body.code === 'internal')
      request.log.error({ err: error, route: request.routeOptions.url, id: request.id }, 'A request failed unforeseen')
    return answer(reply, body)
  })
  app.setNotFoundHandler((request, reply) =>
    answer(reply, {
      code: 'not_found',
      message: `There is no ${request.method} ${request.url.split('?')[0]}; /docs lists the paths.`,
      details: null,
    }),
  )
}

export function answer(reply: FastifyReply, body: ErrorBody): FastifyReply {
  const after = (body.details as { retry_after?: unknown } | null)?.retry_after
  if (typeof after === 'number') reply.header('retry-after', String(after))
  else if (body.code === 'unavailable') reply.header('retry-after', '2')
  if (body.code === 'unauthorized') reply.header('www-authenticate', 'Bearer')
  return reply.code(errorTable[body.code].status).type('application/json; charset=utf-8').send(body)
}

/** Public for the streams, which can no longer change their status once they run. */
export function bodyOf(error: unknown): ErrorBody {
  const wrapped = error as { validation?: unknown; code?: unknown; statusCode?: unknown; message?: string }
  if (error instanceof ApelError) {
    if (isErrorCode(error.code)) {
      const details = Object.keys(error.facts).length > 0 ? outward(error.facts) : null
      return { code: error.code, message: error.message, details }
    }
    return error.again
      ? { code: 'unavailable', message: error.message, details: null }
      : { code: 'internal', message: 'The service failed at this request; its log says more.', details: null }
  }
  const code = framework[String(wrapped.code)]
  if (code) return { code, message: sentenceOf(code, wrapped.message), details: null }
  const status = Number(wrapped.statusCode)
  if (status >= 400 && status < 500)
    return { code: 'bad_request', message: wrapped.message ?? 'The request cannot be read.', details: null }
  return { code: 'internal', message: 'The service failed at this request; its log says more.', details: null }
}

/** Fastify's own codes that stand for one of ours. */
const framework: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad_request',
  FST_ERR_CTP_INVALID_JSON_BODY: 'bad_request',
  FST_ERR_BAD_URL: 'bad_request',
  FST_ERR_REOPENED_CLOSE_SERVER: 'unavailable',
}

function sentenceOf(code: ErrorCode, message = ''): string {
  if (code === 'too_large') return 'The body is larger than this path takes.'
  if (code === 'unsupported_media_type')
    return 'This path takes no such Content-Type; send application/json, or what /docs names for it.'
  return message
}

/** What is not even HTTP: one answer in our shape, and the end of the connection. */
export function rejectNoise(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const body = JSON.stringify({ code: 'bad_request', message: 'This is not an HTTP request.', details: null })
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
