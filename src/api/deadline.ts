/**
 * No client waits for a part of the service that does not answer: after 1.5 s it hears 503 and may ask again. The handler goes
 * on behind it (Redis may take the command after all); what it then says is dropped. A route that takes longer by its nature
 * names its own deadline.
 */
import type { FastifyInstance, RouteHandlerMethod } from 'fastify'
import { ApelError } from '../errors.ts'

export const DEADLINE = 1500

export function holdDeadlines(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    const deadline = route.config?.deadline ?? DEADLINE
    if (deadline === 0 || route.config?.streamed) return
    const { handler } = route
    route.handler = function (this: FastifyInstance, request, reply) {
      const result: unknown = handler.call(this, request, reply)
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
