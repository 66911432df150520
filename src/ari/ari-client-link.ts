/**
 * A link through the `ari-client` package (2.2.0). The package is old and kept from its own faults here:
 *
 * - It reconnects by itself, gives up for good after 42.8 s, and a late attempt would steal the registration from the link
 *   that replaced it. So its socket is marked as closed on purpose before it hears of an end; the supervisor opens a
 *   fresh client instead.
 * - Its requests never settle when the connection is refused, reset or silent: see `ari-client-requests.ts`.
 * - An event that it does not know, or that is not JSON, throws through its socket and leaves the receiver dead. So its
 *   receiver is wrapped.
 * - A listener per channel leaks. So there is one for each type of event, and a map of channels in `lines.ts`.
 * - Its credentials are global while it loads the description of a node, so nodes are opened one after another.
 *
 * It knows no path before `/ari` (a `prefix` in http.conf); the other transport does.
 */
import type { EventEmitter } from 'node:events'
import ari from 'ari-client'
import { ApelError } from '../errors.ts'
import { heardFrame } from '../turn.ts'
import { makeRequester, type Operation } from './ari-client-requests.ts'
import { EVENT_TYPES } from './events.ts'
import {
  type AriEvent,
  type AriLink,
  type LinkHandlers,
  type LinkTarget,
  nodeDown,
  OPEN_WITHIN,
  within,
} from './link.ts'
import { makePending } from './pending.ts'
import { knock } from './plain-http.ts'

/** What the package keeps to itself and we need; its version is pinned. */
interface Inside extends EventEmitter {
  _ws: EventEmitter & { terminate(): void }
  _wsClosed?: boolean
  _swagger: { apis: Record<string, { operations: Record<string, Operation> }> }
  start(app: string): PromiseLike<void>
  ping(): void
}

let opening: Promise<unknown> = Promise.resolve()

/** Opens a link; see `OpenLink`. */
export async function openAriClientLink(target: LinkTarget, handlers: LinkHandlers): Promise<AriLink> {
  // Outside the queue: a node that is away must not keep the others waiting.
  await knock(target)
  const opened = opening.then(async () => register(await load(target), target, handlers))
  opening = opened.catch(() => undefined)
  return await opened
}

async function load(target: LinkTarget): Promise<Inside> {
  try {
    const client = ari.connect(target.url, target.username, target.password)
    const late = (): ApelError => nodeDown(target.node, `no answer within ${OPEN_WITHIN / 1000} s`, false)
    return (await within(OPEN_WITHIN, client, late)) as unknown as Inside
  } catch (error) {
    throw error instanceof ApelError ? error : nodeDown(target.node, reasonOf(error), false)
  }
}

/** Registers the application by opening the socket, and wraps what the package put on it. */
async function register(client: Inside, target: LinkTarget, handlers: LinkHandlers): Promise<AriLink> {
  const pending = makePending(target.node)
  let silent = false
  let failure = 'closed by the node'
  const started = client.start(target.app)
  const socket = client._ws
  socket.prependListener('error', (error: Error) => {
    client._wsClosed = true
    failure = reasonOf(error)
  })
  const gone = new Promise<never>((_, reject) => {
    socket.prependListener('close', () => {
      client._wsClosed = true
      pending.end(failure)
      reject(nodeDown(target.node, failure, false))
      if (!silent) handlers.closed(failure)
      silent = true
    })
  })
  gone.catch(() => undefined)
  guardReceiver(socket, handlers)
  for (const type of EVENT_TYPES) client.on(type, (event: AriEvent) => silent || handlers.event(event))
  client.on('pong', () => silent || handlers.alive())

  const close = async (): Promise<void> => {
    silent = true
    pending.end('closed by us')
    client._wsClosed = true
    socket.terminate()
    client.removeAllListeners()
  }
  try {
    await within(OPEN_WITHIN, Promise.race([started, gone]), () =>
      nodeDown(target.node, 'its websocket stays shut', false),
    )
  } catch (error) {
    await close()
    throw error
  }
  const operations = Object.values(client._swagger.apis).flatMap((api) => Object.values(api.operations))
  return {
    transport: 'ari-client',
    request: makeRequester(operations, target, pending),
    ping() {
      try {
        client.ping()
      } catch {
        // It throws while the socket is not open; the silence that follows is what the supervisor acts on.
      }
    },
    close,
  }
}

/** No event, however odd, may throw into the socket's receiver. */
function guardReceiver(socket: EventEmitter, handlers: LinkHandlers): void {
  const receivers = socket.listeners('message') as ((...data: unknown[]) => void)[]
  socket.removeAllListeners('message')
  socket.on('message', (...data: unknown[]) => {
    heardFrame()
    for (const receive of receivers) {
      try {
        receive.apply(socket, data)
      } catch (error) {
        handlers.odd(`${reasonOf(error)} in ${String(data[0]).slice(0, 200)}`)
      }
    }
  })
}

/** The package rejects with errors, texts, and whole responses. */
function reasonOf(error: unknown): string {
  if (error instanceof Error) return (error as NodeJS.ErrnoException).code ?? error.message
  return typeof error === 'string' ? error : 'the node refused'
}
