/**
 * Requests through the operations that `ari-client` has built from the node's own description. They are called below the
 * package's promises, which lose the status of an error and never settle when no answer comes; and each with our own
 * credentials, which the package keeps in one place for the whole process (building a request is synchronous, so they
 * are put there for just that moment).
 */
import { createRequire } from 'node:module'
import { ApelError } from '../errors.ts'
import { ANSWER_WITHIN, type AriAnswer, type AriLink, type LinkTarget, type Query } from './link.ts'
import { type Described, operationTable } from './operations.ts'
import type { Pending } from './pending.ts'
import { readBody } from './plain-http.ts'

export interface Operation extends Described {
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

/** More at once than this and Asterisk's `sessionlimit` (100 by default) drops connections without a word. */
const IN_FLIGHT = 48

const swagger = createRequire(createRequire(import.meta.url).resolve('ari-client'))('swagger-client') as {
  authorizations: { authz: Record<string, unknown> }
  PasswordAuthorization: new (name: string, username: string, password: string) => unknown
}
// The package makes a global `log`, which prints to standard output and keeps every line for ever.
Object.assign(globalThis, { log: () => undefined })

/** Makes `AriLink.request` over the operations of one client. */
export function makeRequester(operations: Operation[], target: LinkTarget, pending: Pending): AriLink['request'] {
  const find = operationTable(operations)
  const mine = new swagger.PasswordAuthorization(target.node, target.username, target.password)
  const queue: (() => boolean)[] = []
  let flying = 0
  let last = 0

  const perform = (operation: Operation, args: Record<string, unknown>, done: (answer: AriAnswer) => void): void => {
    const { authz } = swagger.authorizations
    const before = authz['basic-auth']
    authz['basic-auth'] = mine
    try {
      operation.do(
        args,
        (answer) => done(read(answer)),
        (answer) => done(read(answer)),
      )
    } finally {
      authz['basic-auth'] = before
    }
  }
  const landed = (): void => {
    flying -= 1
    while (flying < IN_FLIGHT && queue.length > 0) if (queue.shift()?.()) flying += 1
  }

  return async (method, path, query: Query = {}, body?: unknown, deadline = ANSWER_WITHIN) => {
    const found = find(method, path)
    if (!found) throw cannot(target.node, `${method} ${path}`, 'it has no such operation')
    const args: Record<string, unknown> = { ...query, ...found.names }
    if (body !== undefined) args.body = JSON.stringify(body)
    last += 1
    const id = String(last)
    const answer = pending.wait(id, `${method} ${found.operation.path}`, deadline)
    let sent = false
    /** False when its deadline has passed in the queue. */
    const go = (): boolean => {
      if (!pending.waits(id)) return false
      sent = true
      try {
        perform(found.operation, args, (given) => pending.answer(id, given))
      } catch (error) {
        pending.fail(id, cannot(target.node, `${method} ${path}`, String(error)))
      }
      return true
    }
    if (flying >= IN_FLIGHT) queue.push(go)
    else if (go()) flying += 1
    try {
      return await answer
    } finally {
      if (sent) landed()
    }
  }
}

function cannot(node: string, what: string, why: string): ApelError {
  return new ApelError('ari_refused', `Asterisk node ${node} cannot be asked for ${what}: ${why}`, {
    node,
    sent: false,
  })
}

function read(answer: RawAnswer | undefined): AriAnswer {
  return { status: answer?.status ?? 0, body: readBody(answer?.data?.toString() ?? '') }
}
