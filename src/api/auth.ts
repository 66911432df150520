/**
 * Who may ask. A token is compared by its digest, against every known one, in constant time; the address of one who shows ten
 * wrong ones in a minute is answered 429 until the minute is over. A client that was let in before from that address is not
 * shut out with it: a stranger behind the same proxy must not be able to stop the operators.
 *
 * Without tokens the service listens on loopback, and a browser on this machine is the one stranger left: a page of another
 * site may not post here (`Origin`), nor reach us under another name (`Host`).
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { isLoopback } from '../config/values.ts'
import type { Config, Scope } from '../config.ts'
import { ApelError } from '../errors.ts'

type Tokens = Config['api']['tokens']

const WINDOW = 60_000
const TRIES = 10
/** Addresses remembered; beyond it the oldest is forgotten, so that a flood from many addresses costs no memory. */
const ADDRESSES = 10_000

export interface Caller {
  /** The token's name, `local` without tokens. */
  name: string
  scopes: readonly Scope[]
}

/** Makes the check of a request; it throws `unauthorized`, `scope`, `origin` or `too_many_requests`. */
export function makeAuth(
  tokens: Tokens,
  now: () => number = Date.now,
): (request: FastifyRequest, needed: Scope | null) => Caller {
  const digests = tokens.map((token) => ({ token, digest: digestOf(token.token) }))
  const failures = new Map<string, { count: number; since: number }>()
  const welcome = new Set<string>()

  const identify = (request: FastifyRequest): Caller => {
    const [, presented] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? []
    const given = digestOf(presented ?? '')
    let found: Tokens[number] | null = null
    for (const { token, digest } of digests) if (timingSafeEqual(digest, given)) found = token
    const failed = failures.get(request.ip)
    const open = failed !== undefined && now() - failed.since < WINDOW
    if (open && failed.count >= TRIES && !(found && welcome.has(`${request.ip} ${found.name}`))) {
      const wait = Math.ceil((failed.since + WINDOW - now()) / 1000)
      throw new ApelError('too_many_requests', `Too many wrong tokens from here; wait ${wait} s.`, {
        retry_after: wait,
      })
    }
    if (found) {
      welcome.add(`${request.ip} ${found.name}`)
      if (welcome.size > ADDRESSES) welcome.delete(welcome.values().next().value ?? '')
      return found
    }
    if (presented !== undefined) {
      failures.delete(request.ip)
      failures.set(request.ip, open ? { ...failed, count: failed.count + 1 } : { count: 1, since: now() })
      if (failures.size > ADDRESSES) failures.delete(failures.keys().next().value ?? '')
    }
    throw new ApelError(
      'unauthorized',
      presented === undefined
        ? 'This path needs a token; send the header `Authorization: Bearer TOKEN`.'
        : 'This token is not known; see `api.tokens` of the configuration.',
    )
  }

  return (request, needed) => {
    const caller = tokens.length === 0 ? local(request) : identify(request)
    if (needed !== null && !caller.scopes.includes(needed) && !caller.scopes.includes('admin'))
      throw new ApelError('scope', `The token ${caller.name} has no scope \`${needed}\`.`, { needed })
    return caller
  }
}

function local(request: FastifyRequest): Caller {
  const host = hostOf(`http://${request.headers.host ?? ''}`)
  const origin = request.headers.origin
  if (host !== null && !isLoopback(host))
    throw new ApelError('origin', 'Without tokens the API answers under a loopback address only.')
  if (origin !== undefined && origin !== `http://${request.headers.host}`)
    throw new ApelError('origin', 'Without tokens the API takes no request from a page of another site.')
  return { name: 'local', scopes: ['admin'] }
}

const hostOf = (url: string): string | null => (URL.canParse(url) ? new URL(url).hostname : null)

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()
