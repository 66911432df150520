/**
 * `Idempotency-Key` on any POST: the first request takes the key, its answer is kept for 24 h, and the same request again gets
 * that answer without being performed. Another request under the same key is a conflict, and so is one that comes while the
 * first is under way. An answer that says "again" (429, 503) gives the key back. A request whose answer never came, since its
 * process died on it, is performed again after some time, with the same id for what it makes.
 *
 * A streamed body cannot be known before it has been read, and must not be kept in memory: its fingerprint is taken while it
 * passes, and a repeated upload is read only to be compared.
 */
import { createHash, type Hash } from 'node:crypto'
import { type Readable, Transform } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ApelError } from '../errors.ts'
import { DEADLINE, within } from './deadline.ts'
import type { IdempotencyPort, KeptAnswer } from './ports/idempotency.ts'

interface Claimed {
  key: string
  hash: Hash
  /** For what the request makes. */
  id: string
}

/** How long a request may be under way before its process is taken for dead, ms: no route answers later. */
const UNDER_WAY = 15_000
/** The same for an upload. A longer one may be performed twice at once then, which does no harm: the same row changes nothing. */
const UPLOADING = 120_000
/** Stands for the fingerprint of an upload until it has been read. */
const STREAMED = 'streamed'

declare module 'fastify' {
  interface FastifyRequest {
    claimed: Claimed | null
  }
}

export function keepAnswers(app: FastifyInstance, store: IdempotencyPort): void {
  app.decorateRequest('claimed', null)

  app.addHook('preHandler', async (request, reply) => {
    const key = keyOf(request)
    if (key === null || isStream(request)) return
    const hash = begin(request).update(JSON.stringify(request.body ?? null))
    const found = await claim(store, key, hash.copy().digest('base64url'), UNDER_WAY)
    if ('id' in found) request.claimed = { key, hash, id: found.id }
    else return answerAgain(reply, found.kept, hash.digest('base64url'))
  })

  app.addHook('onSend', async (request, reply, payload) => {
    const { claimed } = request
    if (claimed === null) return
    request.claimed = null
    // Of an upload that failed the rest was not read: there is no fingerprint to hold a repetition against.
    const unread = isStream(request) && reply.statusCode >= 400
    const { key, hash, id } = claimed
    if (reply.statusCode === 503 || reply.statusCode === 429 || unread)
      return store.release(key, isStream(request) ? STREAMED : hash.digest('base64url'), id)
    await store.keep(key, {
      fingerprint: hash.digest('base64url'),
      answer: {
        status: reply.statusCode,
        body: typeof payload === 'string' ? payload : '',
        type: String(reply.getHeader('content-type') ?? 'application/json; charset=utf-8'),
      },
    })
  })
}

/**
 * For a route with a streamed body: hands on the body to read, or null when the request is a repetition and `reply` has been
 * given the first answer.
 */
export async function claimStream(
  request: FastifyRequest,
  reply: FastifyReply,
  store: IdempotencyPort,
): Promise<Readable | null> {
  const body = request.body as Readable
  const key = keyOf(request)
  if (key === null) return body
  const hash = begin(request)
  const found = await claim(store, key, STREAMED, UPLOADING)
  if ('id' in found) {
    request.claimed = { key, hash, id: found.id }
    const passing = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk)
        done(null, chunk)
      },
    })
    body.on('error', (error) => passing.destroy(error))
    return body.pipe(passing)
  }
  for await (const chunk of body) hash.update(chunk as Buffer)
  answerAgain(reply, found.kept, hash.digest('base64url'))
  return null
}

function answerAgain(reply: FastifyReply, kept: KeptAnswer, fingerprint: string): FastifyReply {
  if (kept.answer === null && [fingerprint, STREAMED].includes(kept.fingerprint))
    throw new ApelError('idempotency_conflict', 'The first request under this key is still under way; ask again later.')
  if (kept.answer === null || kept.fingerprint !== fingerprint)
    throw new ApelError(
      'idempotency_conflict',
      'This key was used for another request; take a new key for a new request.',
    )
  const { status, body, type } = kept.answer
  return reply.code(status).header('content-type', type).header('idempotency-replayed', 'true').send(body)
}

/** A path may take JSON and uploads: what came decides. */
const isStream = ({ body }: FastifyRequest): boolean =>
  typeof (body as Readable | null | undefined)?.pipe === 'function'

const claim = (
  store: IdempotencyPort,
  ...asked: Parameters<IdempotencyPort['claim']>
): ReturnType<IdempotencyPort['claim']> => within(store.claim(...asked), DEADLINE)

/** The key belongs to the one who sent it: two tokens may use the same one. */
function keyOf(request: FastifyRequest): string | null {
  const given = request.headers['idempotency-key']
  if (given === undefined || request.method !== 'POST') return null
  if (typeof given !== 'string' || !/^[\x21-\x7e]{1,200}$/.test(given))
    throw new ApelError('bad_request', 'An Idempotency-Key is 1 to 200 printable characters without blanks.')
  return `${request.caller?.name ?? ''}:${given}`
}

const begin = (request: FastifyRequest): Hash => createHash('sha256').update(`${request.method} ${request.url}\n`)
