/**
 * No client waits for a part of the service that does not answer: after 1.5 s it hears 503 and may ask again. The handler goes
 * on behind it (Redis may take the command after all); what it then says is dropped. A route that takes longer by its nature
 * names its own deadline.
 *
 * Lists are read a few at a time, the others wait in their order: their long answers come over the connection to Redis that the
 * calls write over, and a hundred of them at once would be taken for a Redis that does not answer.
 */
import type { FastifyInstance, RouteHandlerMethod } from 'fastify'
import { ApelError } from '../errors.ts'
import { lanes } from '../lanes.ts'

export const DEADLINE = 1500
const LISTS = 4

export function holdDeadlines(app: FastifyInstance): void {
  const inTurn = lanes(LISTS)
  app.addHook('onRoute', (route) => {
    const deadline = route.config?.deadline ?? DEADLINE
    if (deadline === 0 || route.config?.streamed) return
    const { handler } = route
    route.handler = function (this: FastifyInstance, request, reply) {
      const answer = (): unknown => handler.call(this, request, reply)
      const begun = performance.now()
      // Who comes to it too late has been told so.
      const unlessLate = async () => (performance.now() - begun < deadline ? await answer() : undefined)
      const result = route.config?.list ? inTurn(unlessLate) : answer()
      return result instanceof Promise ? within(result, deadline) : result
    } as RouteHandlerMethod
  })
}

/** Rejects with `unavailable` when `promise` has not settled after `ms`. */
export function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new ApelError('unavailable', 'The service did not answer in time; ask again.', {}, true))
    }, ms)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
