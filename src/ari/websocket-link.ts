/**
 * A link over one websocket: events come up, requests go down (`RESTRequest`, answered by `RESTResponse`; Asterisk 20.14,
 * 21.9, 22.4 and later). A fifth of the CPU of `ari-client`, one connection, and one order of answers and events.
 *
 * Two traps. Asterisk works the requests of a socket off one after another, so one that waits for a sound to end stalls
 * all: those few go over plain HTTP. And an event filter drops the answers too unless it names `RESTResponse`.
 */

import type { Writable } from 'node:stream'
import { WebSocket } from 'ws'
import { ApelError } from '../errors.ts'
import { heardFrame, inOnePacket } from '../turn.ts'
import {
  ANSWER_WITHIN,
  type AriEvent,
  type AriLink,
  type LinkHandlers,
  type LinkTarget,
  nodeDown,
  OPEN_WITHIN,
  type Query,
} from './link.ts'
import { entersLobby } from './lobbies.ts'
import { makePending } from './pending.ts'
import { basic, knock, makePlainHttp, readBody } from './plain-http.ts'

/** How Asterisk begins an answer: who has asked, and the status. One that begins otherwise is read whole. */
const ANSWER = /^\{"type":"RESTResponse","transaction_id":"[^"\\]*","request_id":"(\d+)","status_code":(\d{3}),/

/** ms; a node that does not speak REST over its websocket says nothing at all. */
const SPEAKS_WITHIN = 2_000

/** Opens a link; see `OpenLink`. Rejects with `no_rest_over_websocket` when the node is too old for it. */
export async function openWebsocketLink(target: LinkTarget, handlers: LinkHandlers): Promise<AriLink> {
  await knock(target)
  const socket = new WebSocket(eventsUrl(target), {
    headers: { authorization: basic(target) },
    handshakeTimeout: OPEN_WITHIN,
    perMessageDeflate: false,
    // A name that is no UTF-8 must not end the link, and looking for one costs time at every event.
    skipUTF8Validation: true,
  })
  const pending = makePending(target.node)
  const http = makePlainHttp(target)
  let told = false
  let failure = 'closed by the node'
  let next = 0

  const end = (reason: string): void => {
    pending.end(reason)
    http.close()
    if (told) return
    told = true
    handlers.closed(reason)
  }
  let wire: Writable | null = null
  socket.once('upgrade', (response) => {
    wire = response.socket
  })
  socket.on('message', (data) => {
    heardFrame()
    receive(String(data))
  })
  socket.on('pong', () => told || handlers.alive())
  socket.on('error', (error: NodeJS.ErrnoException) => {
    failure = error.code ?? error.message
  })
  socket.on('close', () => end(failure))

  const receive = (text: string): void => {
    const head = ANSWER.exec(text)
    if (head !== null) {
      answered(head[1]!, Number(head[2]), () => readBody(text) as AriEvent)
      return
    }
    const event = readBody(text) as AriEvent | null
    if (typeof event !== 'object' || event === null || typeof event.type !== 'string') {
      handlers.odd(`no event: ${text.slice(0, 200)}`)
      return
    }
    if (event.type === 'RESTResponse') answered(String(event.request_id), Number(event.status_code ?? 0), () => event)
    else if (!told) handlers.event(event)
  }

  const answered = (id: string, status: number, event: () => AriEvent): void => {
    if (told) return
    handlers.alive()
    pending.answer(id, {
      status,
      // Read when it is looked at: nobody wants the picture of a channel that comes with most answers.
      get body() {
        const { message_body } = event()
        return readBody(typeof message_body === 'string' ? message_body : '')
      },
    })
  }

  const link: AriLink = {
    transport: 'websocket',
    request(method, path, query = {}, body, deadline = ANSWER_WITHIN) {
      const uri = `${path}${search(query)}`
      const text = body === undefined ? undefined : JSON.stringify(body)
      if (waitsForSound(path) && !entersLobby(path)) return http.request(method, uri, text, deadline)
      if (socket.readyState !== WebSocket.OPEN) {
        return Promise.reject(nodeDown(target.node, pending.ended() ?? 'closing', false))
      }
      next += 1
      const id = String(next)
      const answer = pending.wait(id, `${method} ${path}`, deadline)
      const content = text === undefined ? {} : { content_type: 'application/json', message_body: text }
      const message = { type: 'RESTRequest', request_id: id, method, uri: uri.slice(1), ...content }
      if (wire !== null) inOnePacket(wire)
      socket.send(JSON.stringify(message), () => undefined)
      return answer
    },
    ping() {
      if (socket.readyState === WebSocket.OPEN) socket.ping(undefined, undefined, () => undefined)
    },
    async close() {
      told = true
      end('closed by us')
      socket.terminate()
    },
  }

  await opened(socket, target)
  try {
    await speaks(link, target)
  } catch (error) {
    await link.close()
    throw error
  }
  return link
}

async function opened(socket: WebSocket, target: LinkTarget): Promise<void> {
  let failure = 'closed by the node'
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', (error: NodeJS.ErrnoException) => {
      failure = error.code ?? error.message
    })
    socket.once('close', () => reject(nodeDown(target.node, failure, false)))
  })
}

/** The application may still have the filter of an earlier owner, which drops answers: it is cleared over HTTP first. */
async function speaks(link: AriLink, target: LinkTarget): Promise<void> {
  const http = makePlainHttp(target)
  try {
    const path = `/applications/${encodeURIComponent(target.app)}/eventFilter`
    await http.request('PUT', path, '{}', ANSWER_WITHIN)
    await link.request('GET', '/asterisk/ping', {}, undefined, SPEAKS_WITHIN)
  } catch (error) {
    if (!(error instanceof ApelError) || error.code !== 'ari_no_answer') throw error
    throw new ApelError(
      'no_rest_over_websocket',
      `Asterisk node ${target.node} does not answer requests over its websocket (older than 20.14, 21.9 or 22.4); set transport to ari-client or auto`,
      { node: target.node },
    )
  } finally {
    http.close()
  }
}

/** Requests that Asterisk answers only after the channel's current sound. */
function waitsForSound(path: string): boolean {
  return (
    /^\/channels\/[^/]+\/(variable|answer|move)$/.test(path) || /^\/bridges\/[^/]+\/(add|remove)Channel$/.test(path)
  )
}

function eventsUrl(target: LinkTarget): string {
  const base = target.url.replace(/\/+$/, '').replace(/^http/, 'ws')
  return `${base}/ari/events?app=${encodeURIComponent(target.app)}`
}

function search(query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  if (given.length === 0) return ''
  return `?${given.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`).join('&')}`
}
