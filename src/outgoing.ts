/**
 * Everything that the service asks of other web servers goes through here: a flow's `http`, a task on hold, a webhook.
 * Only what the allow-list names is reached. It is held against the addresses that the connection then goes to, so a
 * second answer of the name server cannot slip past it. No redirects, at most 1 MiB of an answer, one deadline over all.
 */
import { lookup as resolve } from 'node:dns'
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { Web } from './call/ports.ts'
import { ApelError } from './errors.ts'
import type { HttpRequest } from './flow/io.ts'
import { tooDeep } from './nesting.ts'
import { type AllowList, allowedUrl, allowList, hostOf, portOf } from './outgoing/allow-list.ts'

/** Bytes of an answer that are read. */
const most = 1024 * 1024
/** Bytes and ms of an answer's body that are read for the sake of the connection alone. */
const LEFTOVER = 64 * 1024
const LEFTOVER_TIME = 1_000

export interface Outgoing {
  method: string
  url: string
  headers: Record<string, string>
  body: string | null
  /** ms, over the look-up, the connection and the whole answer. */
  timeout: number
  /**
   * Asked for again it does no harm, and only the status of the answer matters: the connection is kept open, and the request is
   * answered as soon as the status is there, without the body.
   */
  repeatable?: boolean
}

export interface Answer {
  status: number
  contentType: string
  body: string
}

export interface OutgoingWeb extends Web {
  /** One request as it is; any status is an answer. Rejects with `http_refused`, `http_failed` or `http_timeout`. */
  send(request: Outgoing): Promise<Answer>
  /** Closes the connections that are kept open. */
  close(): void
}

/** Makes the service's way out. Throws `bad_host` for an entry of the list that makes no sense. */
export function makeWeb({ allowHosts }: { allowHosts: readonly string[] }): OutgoingWeb {
  const list = allowList(allowHosts)
  const agents = {
    http: new HttpAgent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 16 }),
    https: new HttpsAgent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 16 }),
  }
  const send = (request: Outgoing) => sendOne(request, list, agents)
  return {
    send,
    request: (request, timeout) => ask(send, request, timeout),
    close() {
      agents.http.destroy()
      agents.https.destroy()
    },
  }
}

/** A flow's request: JSON out, JSON or text back; 2xx is `ok`, and a failure is a result. */
async function ask(
  send: (request: Outgoing) => Promise<Answer>,
  { method, url, headers, json }: HttpRequest,
  timeout: number,
): ReturnType<Web['request']> {
  try {
    const body = json === null || json === undefined ? null : JSON.stringify(json)
    const typed = body === null ? headers : { 'Content-Type': 'application/json', ...headers }
    const answer = await send({ method, url, headers: { Accept: 'application/json, text/*', ...typed }, body, timeout })
    const good = answer.status >= 200 && answer.status < 300
    return { result: good ? 'ok' : 'error', status: answer.status, body: parsed(answer) }
  } catch (error) {
    const late = error instanceof ApelError && error.code === 'http_timeout'
    return { result: late ? 'timeout' : 'error', status: null, body: null }
  }
}

/** JSON when the answer says that it is; what is not JSON after all, or is nested too deep for us, stays the text that it is. */
function parsed({ contentType, body }: Answer): unknown {
  if (!/^application\/(json|[\w.+-]+\+json)\b/i.test(contentType) || tooDeep(body)) return body
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}

/** What the connection itself decides; a flow that sets them would lie about its own request. */
const ours = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'expect',
  'upgrade',
  'te',
  'trailer',
])

/**
 * A connection that was kept open may be closed by the other side just as it is used again. What only reads is asked once
 * more then; what changes something gets a connection of its own, since nobody could tell whether it had arrived.
 */
const reads = new Set(['GET', 'HEAD', 'OPTIONS'])

function sendOne(outgoing: Outgoing, list: AllowList, agents: { http: HttpAgent; https: HttpsAgent }): Promise<Answer> {
  const { method, url: address, headers, body, timeout, repeatable = false } = outgoing
  return new Promise((resolve, reject) => {
    const url = allowedUrl(address, list)
    const host = hostOf(url)
    if (isIP(host) && !list.reaches(host, host, portOf(url))) throw refused(host, url)
    let request: ClientRequest | null = null
    let over = false
    const end = (settle: () => void) => {
      over = true
      clearTimeout(timer)
      settle()
    }
    const fail = (error: unknown) => {
      // What our own giving up breaks off is no stale connection, and is not asked once more.
      if (over) return
      const stale = request?.reusedSocket === true && (error as { code?: unknown }).code === 'ECONNRESET'
      if (stale) return end(() => resolve(sendOne(outgoing, list, agents)))
      end(() => reject(error instanceof ApelError ? error : failed(url, error)))
      request?.destroy()
    }
    const timer = setTimeout(
      () => fail(new ApelError('http_timeout', `${url.host} did not answer within ${timeout} ms.`, {}, true)),
      timeout,
    )
    try {
      const secure = url.protocol === 'https:'
      request = (secure ? httpsRequest : httpRequest)(url, {
        method,
        agent: !repeatable && !reads.has(method.toUpperCase()) ? false : secure ? agents.https : agents.http,
        lookup: guarded(list, url),
        headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !ours.has(name.toLowerCase()))),
      })
    } catch (error) {
      return fail(error)
    }
    request.on('error', fail)
    request.on('response', (response) => {
      if (repeatable) {
        end(() => resolve({ status: response.statusCode ?? 0, contentType: '', body: '' }))
        return letGo(response)
      }
      const pieces: Buffer[] = []
      let size = 0
      response.on('data', (piece: Buffer) => {
        size += piece.length
        if (size > most) fail(new ApelError('http_failed', `${url.host} answered with more than ${most} bytes.`))
        else pieces.push(piece)
      })
      response.on('error', fail)
      // A connection that breaks off after the head gives `aborted` and no `end`.
      response.on('aborted', () => fail(new Error('the answer broke off')))
      response.on('end', () => {
        const text = Buffer.concat(pieces).toString('utf8')
        const contentType = String(response.headers['content-type'] ?? '')
        end(() => resolve({ status: response.statusCode ?? 0, contentType, body: text }))
      })
    })
    request.end(body ?? undefined)
  })
}

/** Reads the rest of an answer that nobody needs, so that the connection can be used again; a long or slow one is cut off. */
function letGo(response: IncomingMessage): void {
  const timer = setTimeout(() => response.destroy(), LEFTOVER_TIME)
  let size = 0
  response.on('data', (piece: Buffer) => {
    size += piece.length
    if (size > LEFTOVER) response.destroy()
  })
  response.on('error', () => undefined)
  response.on('close', () => clearTimeout(timer))
}

/** A name look-up that gives only addresses that may be reached; the connection goes to what it gives. */
function guarded(list: AllowList, url: URL): LookupFunction {
  return (name, options, done) => {
    resolve(name, { ...options, all: true }, (error, found) => {
      if (error) return done(error, '', 0)
      const good = found.filter(({ address }) => list.reaches(address, hostOf(url), portOf(url)))
      const first = good[0]
      if (first === undefined) done(refused(found[0]?.address ?? 'nothing', url), '', 0)
      else if (options.all) done(null, good)
      else done(null, first.address, first.family)
    })
  }
}

function refused(address: string, url: URL): ApelError {
  const port = portOf(url)
  const text = `${url.host} is at ${address}, which is not a public address; to reach it, list \`${hostOf(url)}:${port}\` or the address itself under \`http.allow_hosts\`.`
  return new ApelError('http_refused', text, { address })
}

function failed(url: URL, error: unknown): ApelError {
  const reason = error instanceof Error ? error.message : String(error)
  return new ApelError('http_failed', `The request to ${url.host} failed: ${reason}`, {}, true)
}
