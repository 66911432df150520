/** Bodies that are read as they come: CSV and NDJSON. Only routes registered inside accept them. */
import { type Readable, Transform } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { ApelError } from '../../errors.ts'
import { claimStream } from '../idempotency.ts'
import type { ImportReport } from '../ports/contacts.ts'
import type { ApiPorts } from '../ports.ts'

/** A list of ten million rows; more comes in parts. */
export const UPLOAD_LIMIT = 1024 ** 3

/** For the description; what it really is, `uploadOf` finds out. */
export const upload = z.any().meta({ type: 'string', format: 'binary' })

export function readStreams(scope: FastifyInstance, types: string[]): void {
  scope.addContentTypeParser(types, { bodyLimit: UPLOAD_LIMIT }, (_request, payload, done) => done(null, payload))
}

/**
 * The encoding that `Content-Type` names. Null for UTF-8 as well: many clients say so of any text, and what it really is is
 * found out. Throws `unsupported_media_type` for one that cannot be read.
 */
export function charsetOf(request: FastifyRequest): string | null {
  const said = /;\s*charset="?([^\s";]+)/i.exec(request.headers['content-type'] ?? '')?.[1]
  if (said === undefined || /^utf-?8$/i.test(said)) return null
  try {
    return new TextDecoder(said).encoding
  } catch {
    throw new ApelError(
      'unsupported_media_type',
      `The encoding ${said} cannot be read; send UTF-8, or leave charset out.`,
    )
  }
}

/** The body of an upload, bounded; null when the reply has been given already (a repeated request). */
export async function uploadOf(
  request: FastifyRequest,
  reply: FastifyReply,
  ports: ApiPorts,
): Promise<Readable | null> {
  if (typeof (request.body as Readable | null | undefined)?.pipe !== 'function')
    throw new ApelError('unsupported_media_type', 'This path takes a body of text/csv or application/x-ndjson.')
  // An upload that fails half-way leaves bytes on the connection that nobody will read.
  reply.header('connection', 'close')
  const stream = await claimStream(request, reply, ports.idempotency)
  return stream && bounded(stream)
}

function bounded(source: Readable): Readable {
  let seen = 0
  const bound = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length
      if (seen <= UPLOAD_LIMIT) done(null, chunk)
      else done(new ApelError('too_large', 'An upload may be 1 GiB; send the rest in another one.'))
    },
  })
  source.on('error', (error) => bound.destroy(error))
  source.on('close', () => {
    if (!source.readableEnded) bound.destroy(new ApelError('bad_request', 'The upload broke off.'))
  })
  return source.pipe(bound)
}

/** `rejects` is where the whole list can be read. */
export function outwardReport({ import: id, ...report }: ImportReport, rejects: string): Record<string, unknown> {
  return { ...report, rejects_url: id === null ? null : `${rejects}/${encodeURIComponent(id)}` }
}
