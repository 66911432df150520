/**
 * ARI over plain HTTP with connections that are kept: for the few requests that would hold up others behind them on the
 * websocket, since Asterisk answers them only when the channel's current sound has ended.
 */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { ApelError } from '../errors.ts'
import { type AriAnswer, type LinkTarget, type Method, noAnswer, nodeDown } from './link.ts'

export interface PlainHttp {
  request(method: Method, uri: string, body: string | undefined, deadline: number): Promise<AriAnswer>
  close(): void
}

/** `uri` is below `/ari`, with its query. */
export function makePlainHttp(target: LinkTarget): PlainHttp {
  const base = new URL(target.url)
  const secure = base.protocol === 'https:'
  const agent = secure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true })
  const send = secure ? httpsRequest : httpRequest
  const headers = { authorization: basic(target), 'content-type': 'application/json' }

  return {
    request: (method, uri, body, deadline) =>
      new Promise((resolve, reject) => {
        const url = `${target.url.replace(/\/+$/, '')}/ari${uri}`
        const timer = setTimeout(() => {
          reject(noAnswer(target.node, `${method} ${uri.replace(/\?.*/, '')}`, deadline))
          request.destroy()
        }, deadline)
        const failed = (error: NodeJS.ErrnoException): void => {
          clearTimeout(timer)
          reject(nodeDown(target.node, error.code ?? error.message, error.code !== 'ECONNREFUSED'))
        }
        const request: ClientRequest = send(url, { method, agent, headers }, (response) => {
          const pieces: Buffer[] = []
          response.on('data', (piece: Buffer) => pieces.push(piece))
          response.on('error', failed)
          response.on('end', () => {
            clearTimeout(timer)
            resolve({ status: response.statusCode ?? 0, body: readBody(Buffer.concat(pieces).toString()) })
          })
        })
        request.on('error', failed)
        request.end(body)
      }),
    close: () => agent.destroy(),
  }
}

/** The header with name and password: an address with them in it would end up in logs. */
export function basic({ username, password }: LinkTarget): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

/** JSON when it is that, else the text; null when empty. */
export function readBody(text: string): unknown {
  if (text === '') return null
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** ms; a node that is there answers in 1 or 2. */
const KNOCK_WITHIN = 3_000

/**
 * Asks whether somebody is there who knows us, before a transport is opened. Rejects with `node_down`, or `node_refused`
 * for a wrong account or a web server without ARI.
 */
export async function knock(target: LinkTarget): Promise<void> {
  const http = makePlainHttp(target)
  try {
    const { status } = await http.request('GET', '/asterisk/ping', undefined, KNOCK_WITHIN)
    if (status === 200) return
    const why =
      status === 401
        ? 'username or password is wrong (401)'
        : status === 404
          ? 'there is no ARI behind this url (404): check it, `enabled` in ari.conf and the modules res_ari'
          : `GET /ari/asterisk/ping gave status ${status}`
    throw new ApelError(
      'node_refused',
      `Asterisk node ${target.node}: ${why}`,
      { node: target.node, status, why },
      true,
    )
  } finally {
    http.close()
  }
}
