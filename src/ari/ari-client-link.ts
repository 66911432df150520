/**
 * A link through the `ari-client` package (2.2.0). The package is old and kept from its own faults here:
 *
 * - It reconnects by itself and gives up for good after 42.8 s, and a late attempt would steal the registration from the
 *   link that replaced it. So its socket is marked as closed on purpose before it hears of an end; the supervisor opens
 *   a fresh client instead.
 * - Its requests never settle when the connection is refused, reset or silent, and an error loses its status. So its
 *   described operations are called below that promise, each with a deadline, all given up when the socket goes.
 * - An event that it does not know, or that is not JSON, throws through its socket and leaves the receiver dead. So its
 *   receiver is wrapped.
 * - The password is global in the process: two nodes with different credentials would use each other's. So ours is set
 *   around each request (building one is synchronous), and nodes are opened one after another.
 * - A listener per channel leaks. So there is one for each type of event, and a map of channels in `lines.ts`.
 */
import type { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import ari from 'ari-client'
import { ApelError } from '../errors.ts'
import { EVENT_TYPES } from './events.ts'
import {
  ANSWER_WITHIN,
  type AriAnswer,
  type AriEvent,
  type AriLink,
  type LinkHandlers,
  type LinkTarget,
  type Method,
  noAnswer,
  nodeDown,
  OPEN_WITHIN,
  type Query,
  within,
} from './link.ts'
import { type Described, operationTable } from './operations.ts'

interface Operation extends Described {
  do(
    args: Record<string, unknown>,
    done: (answer: RawAnswer) => void,
    failed: (answer: RawAnswer | undefined) => void,
  ): void
}

interface RawAnswer {
  status?: number
  data?: { toString(): string } | null
}

/** What the package keeps to itself and we need; its version is pinned. */
interface Inside extends EventEmitter {
  _ws: EventEmitter & { terminate(): void }
  _wsClosed?: boolean
  _swagger: { apis: Record<string, { operations: Record<string, Operation> }> }
  start(app: string): Promise<void>
  stop(): void
  ping(): void
}

interface Authorizations {
  authz: Record<string, unknown>
}

/** More at once than this and Asterisk's `sessionlimit` (100 by default) drops connections without a word. */
const IN_FLIGHT = 48

const swagger = createRequire(createRequire(import.meta.url).resolve('ari-client'))('swagger-client') as {
  authorizations: Authorizations
  PasswordAuthorization: new (name: string, username: string, password: string) => unknown
}

let opening: Promise<unknown> = Promise.resolve()

/** Opens a link; see `OpenLink`. The URL may have no path: the package drops it. */
export function openAriClientLink(target: LinkTarget, handlers: LinkHandlers): Promise<AriLink> {
  const opened = opening.then(() => open(target, handlers))
  opening = opened.catch(() => undefined)
  return opened
}

async function open(target: LinkTarget, handlers: LinkHandlers): Promise<AriLink> {
  const late = (): ApelError => nodeDown(target.node, `no answer within ${OPEN_WITHIN} ms`, false)
  const client = await within(
    OPEN_WITHIN,
    ari.connect(target.url, target.username, target.password).then((made) => made as unknown as Inside),
    late,
  ).catch((error: unknown) => {
    throw error instanceof ApelError ? error : nodeDown(target.node, reasonOf(error), false)
  })
  return await register(client, target, handlers)
}

/** Registers the application by opening the socket, and wraps what the package put on it. */
async function register(client: Inside, target: LinkTarget, handlers: LinkHandlers): Promise<AriLink> {
  const pending = new Set<(why: string) => void>()
  let over: string | null = null
  const end = (reason: string, told: boolean): void => {
    if (over !== null) return
    over = reason
    for (const give of [...pending]) give(reason)
    if (told) handlers.closed(reason)
  }
  const started = client.start(target.app)
  const socket = client._ws
  let failure = 'closed by the node'
  socket.prependListener('error', (error: Error) => {
    client._wsClosed = true
    failure = reasonOf(error)
  })
  const gone = new Promise<never>((_, reject) => {
    socket.prependListener('close', () => {
      client._wsClosed = true
      reject(nodeDown(target.node, failure, false))
      end(failure, true)
    })
  })
  gone.catch(() => undefined)
  guardReceiver(socket, handlers)
  for (const type of EVENT_TYPES) client.on(type, (event: AriEvent) => over === null && handlers.event(event))
  client.on('pong', () => over === null && handlers.alive())
  try {
    await within(OPEN_WITHIN, Promise.race([started, gone]), () =>
      nodeDown(target.node, 'the socket did not open', false),
    )
  } catch (error) {
    end('not opened', false)
    socket.terminate()
    throw error
  }
  const request = requester(client, target, pending, () => over)
  return {
    transport: 'ari-client',
    request,
    ping() {
      try {
        client.ping()
      } catch {
        // It throws while the socket is not open; the silence that follows is what the supervisor acts on.
      }
    },
    async close() {
      end('closed by us', false)
      client.removeAllListeners()
      client._wsClosed = true
      socket.terminate()
    },
  }
}

/** No event, however odd, may throw into the socket's receiver. */
function guardReceiver(socket: EventEmitter, handlers: LinkHandlers): void {
  const receivers = socket.listeners('message') as ((...data: unknown[]) => void)[]
  socket.removeAllListeners('message')
  socket.on('message', (...data: unknown[]) => {
    for (const receive of receivers) {
      try {
        receive.apply(socket, data)
      } catch (error) {
        handlers.odd(`${reasonOf(error)} in ${String(data[0]).slice(0, 200)}`)
      }
    }
  })
}

function requester(
  client: Inside,
  target: LinkTarget,
  pending: Set<(why: string) => void>,
  over: () => string | null,
): AriLink['request'] {
  const find = operationTable(Object.values(client._swagger.apis).flatMap((api) => Object.values(api.operations)))
  const mine = new swagger.PasswordAuthorization(target.node, target.username, target.password)
  const waiting: (() => void)[] = []
  let flying = 0

  const send = (operation: Operation, args: Record<string, unknown>, settle: (answer: AriAnswer) => void): void => {
    const before = swagger.authorizations.authz['basic-auth']
    swagger.authorizations.authz['basic-auth'] = mine
    try {
      operation.do(
        args,
        (answer) => settle(read(answer)),
        (answer) => settle(read(answer)),
      )
    } finally {
      swagger.authorizations.authz['basic-auth'] = before
    }
  }

  return (method: Method, path: string, query: Query = {}, body?: unknown, deadline = ANSWER_WITHIN) => {
    const found = find(method, path)
    if (!found) {
      return Promise.reject(
        new ApelError('ari_refused', `Asterisk node ${target.node} has no operation ${method} ${path}`, { path }),
      )
    }
    return new Promise<AriAnswer>((resolve, reject) => {
      let sent = false
      const finish = (act: () => void): void => {
        if (!pending.delete(give)) return
        clearTimeout(timer)
        if (sent) flying -= 1
        act()
        while (flying < IN_FLIGHT && waiting.length > 0) waiting.shift()?.()
      }
      const give = (why: string): void => finish(() => reject(nodeDown(target.node, why, sent)))
      const timer = setTimeout(
        () => finish(() => reject(noAnswer(target.node, `${method} ${found.operation.path}`, deadline))),
        deadline,
      )
      pending.add(give)
      const go = (): void => {
        if (!pending.has(give)) return
        const down = over()
        if (down !== null) {
          give(down)
          return
        }
        sent = true
        flying += 1
        const args: Record<string, unknown> = { ...query, ...found.names }
        if (body !== undefined) args.body = JSON.stringify(body)
        try {
          send(found.operation, args, (answer) => finish(() => resolve(answer)))
        } catch (error) {
          finish(() => reject(new ApelError('ari_refused', `${method} ${path}: ${reasonOf(error)}`, { path })))
        }
      }
      if (flying < IN_FLIGHT) go()
      else waiting.push(go)
    })
  }
}

function read(answer: RawAnswer | undefined): AriAnswer {
  const text = answer?.data?.toString() ?? ''
  let body: unknown = text === '' ? null : text
  try {
    if (text !== '') body = JSON.parse(text)
  } catch {
    // Not JSON: a proxy's page, say. The status speaks for itself.
  }
  return { status: answer?.status ?? 0, body }
}

/** The package rejects with errors, texts, and whole responses. */
function reasonOf(error: unknown): string {
  if (error instanceof Error) return (error as NodeJS.ErrnoException).code ?? error.message
  return typeof error === 'string' ? error : 'the node refused'
}
