/**
 * The small port between what we want of a node (`telephony.ts`) and how it is reached. A link is one registration of
 * our application: requests go down, events come up, a ping tells whether the far end still lives. It never mends
 * itself; when it breaks it says so once, and the supervisor opens a fresh one. Two transports stand behind it:
 * the `ari-client` package, and REST over the same websocket that brings the events.
 */
import { ApelError } from '../errors.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
export type Query = Record<string, string | number | undefined>

/** What the node answered, whatever its status. `body` is parsed JSON, else text; null when empty. */
export interface AriAnswer {
  status: number
  readonly body: unknown
}

/** An event as Asterisk sent it: nothing but `type` can be relied on. */
export interface AriEvent {
  type: string
  [field: string]: unknown
}

export interface AriLink {
  readonly transport: 'ari-client' | 'websocket'
  /**
   * `path` begins below `/ari`, e.g. `/channels/ID`, its parts encoded. Every status is an answer; rejects with an
   * `ApelError`: `ari_no_answer` when none came within `deadline` ms (5000: it may have been carried out all the same),
   * `node_down` when the link was lost meanwhile or before (then `facts.sent` tells which).
   */
  request(method: Method, path: string, query?: Query, body?: unknown, deadline?: number): Promise<AriAnswer>
  /** Asks for a sign of life, which comes by `alive`. Never throws. */
  ping(): void
  /** Ends the registration. Never rejects; no handler is called afterwards. */
  close(): Promise<void>
}

export interface LinkTarget {
  /** The node's name, for sentences. */
  node: string
  /** `http://HOST:PORT` or `https://…`; a prefix path is kept. */
  url: string
  username: string
  password: string
  /** The Stasis application to be registered. */
  app: string
}

export interface LinkHandlers {
  event(event: AriEvent): void
  /** Something came from the far end: a pong, an event. */
  alive(): void
  /** The link is gone for good; said once. */
  closed(reason: string): void
  /** Something came that could not be understood; the link goes on. */
  odd(what: string): void
}

/** Opens a link. Rejects with an `ApelError` (`node_down`, `node_refused`) within `OPEN_WITHIN` ms. */
export type OpenLink = (target: LinkTarget, handlers: LinkHandlers) => Promise<AriLink>

/** ms; a request over ARI takes 1 to 20. */
export const ANSWER_WITHIN = 5_000
/** ms; loading the resource files of ARI takes `ari-client` twelve requests. */
export const OPEN_WITHIN = 10_000

/** Settles as `promise` does, or rejects with `late()` after `ms`. A loser that rejects later is nobody's business. */
export function within<T>(ms: number, promise: PromiseLike<T>, late: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), ms)
    promise.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}

export function nodeDown(node: string, why: string, sent: boolean): ApelError {
  return new ApelError(
    'node_down',
    `the link to Asterisk node ${node} is down (${why}); it is being opened again by itself`,
    { node, sent, why },
    true,
  )
}

export function noAnswer(node: string, what: string, ms: number): ApelError {
  return new ApelError(
    'ari_no_answer',
    `Asterisk node ${node} did not answer ${what} within ${ms} ms; it may have done it all the same`,
    { node, sent: true },
    true,
  )
}
