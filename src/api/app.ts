/**
 * The HTTP API as a fastify application that does not listen: `service.ts` opens the port, tests inject requests. It knows the
 * service only through `ports.ts`. A request passes, in this order: who is asking (`auth`), is it well formed (`validation`),
 * was it asked before (`idempotency`), and then one handler that calls one port.
 */

import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { Config, Scope } from '../config.ts'
import { ApelError } from '../errors.ts'
import type { Log } from '../log.ts'
import { type Caller, makeAuth } from './auth.ts'
import { JSON_LIMIT, readJson } from './bodies.ts'
import { holdDeadlines } from './deadline.ts'
import { answer, answerFailures, bodyOf, rejectNoise } from './failure.ts'
import { keepAnswers } from './idempotency.ts'
import type { Metrics } from './metrics.ts'
import type { ApiPorts } from './ports.ts'
import { callbackRoutes } from './routes/callbacks.ts'
import { callRoutes } from './routes/calls.ts'
import { campaignRoutes } from './routes/campaigns.ts'
import { contactRoutes } from './routes/contacts.ts'
import { controlRoutes } from './routes/control.ts'
import { dncRoutes } from './routes/dnc.ts'
import { eventRoutes } from './routes/events.ts'
import { explainRoutes } from './routes/explain.ts'
import { forecastRoutes } from './routes/forecast.ts'
import { healthRoutes } from './routes/health.ts'
import { numberRoutes } from './routes/numbers.ts'
import { resultRoutes } from './routes/results.ts'
import { runRoutes } from './routes/runs.ts'
import { soundRoutes } from './routes/sounds.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import { describe, withZod } from './validation.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a token needs; `open`: no token at all. Without it a path is for any known token. */
    scope?: Scope | 'open'
    /** The body is a stream that the handler reads. */
    streamed?: boolean
    /** ms until the client hears 503; 0: as long as it takes. Default 1,500. */
    deadline?: number
    /** A page of many records: only so many at once. */
    list?: boolean
  }
  interface FastifyRequest {
    caller: Caller | null
  }
}

export interface ApiParts {
  ports: ApiPorts
  metrics: Metrics
  log: Log
  tokens: Config['api']['tokens']
  version: string
  /** How long a JSON body may take to arrive, ms. Default 15,000. */
  patience?: number
}

const PATIENCE = 15_000
/** ms that the requests which are on get when the service goes away. */
const PARTING = 3_000

/** Builds the application. `close()` ends the streams of events, too. */
export async function makeApp(parts: ApiParts): Promise<FastifyInstance> {
  const { ports, metrics, log, tokens, version } = parts
  const app = fastify({
    loggerInstance: log.child({ part: 'api' }) as FastifyBaseLogger,
    // Paths hold telephone numbers: what is logged of a request is its route.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: JSON_LIMIT,
    routerOptions: { maxParamLength: 256 },
    forceCloseConnections: 'idle',
    // A client that says nothing for half a minute is let go; uploads and events are never that quiet.
    connectionTimeout: 30_000,
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 5000, maxHeaderSize: 16 * 1024 },
    // Its own 503 has another shape; `refuseAtClose` says it in ours.
    return503OnClosing: false,
    frameworkErrors: (error, _request, reply) => answer(reply, bodyOf(error)),
    clientErrorHandler: rejectNoise,
  })
  app.server.maxConnections = 2000

  const auth = makeAuth(tokens)
  app.decorateRequest('caller', null)
  app.addHook('onRequest', async (request) => {
    const { scope } = request.routeOptions.config
    if (scope === 'open') return
    request.caller = auth(request, request.is404 ? null : (scope ?? null))
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = `${request.method} ${request.routeOptions.url ?? 'unknown'}`
    request.log.debug({ route, status: reply.statusCode, ms: Math.round(reply.elapsedTime) }, 'A request was answered')
  })
  refuseAtClose(app)
  closeInTime(app)
  readJson(app, parts.patience ?? PATIENCE)
  answerFailures(app)
  holdDeadlines(app)
  keepAnswers(app, ports.idempotency)

  await app.register(swagger, {
    openapi: {
      openapi: '3.0.3',
      info: { title: 'apel', description: 'Campaigns, calls and callbacks of the telephony service.', version },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: tokens.length > 0 ? [{ token: [] }] : [],
    },
    transform: describe as never,
  })
  const api = withZod(app)
  await app.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, scope: 'open' }
      route.schema = { ...route.schema, hide: true } as never
    })
    await scope.register(swaggerUi, { routePrefix: '/docs' })
  })
  healthRoutes(api, ports, metrics)
  campaignRoutes(api, ports)
  await contactRoutes(api, ports)
  resultRoutes(api, ports)
  runRoutes(api, ports)
  callRoutes(api, ports)
  callbackRoutes(api, ports)
  await dncRoutes(api, ports)
  controlRoutes(api, ports)
  explainRoutes(api, ports)
  forecastRoutes(api, ports)
  numberRoutes(api, ports)
  eventRoutes(api, ports)
  webhookRoutes(api, ports)
  soundRoutes(api, ports)
  return app
}

/** A connection on which nothing was ever asked (a load balancer's) counts as busy for Node, and would be waited for. */
function closeInTime(app: FastifyInstance): void {
  let timer: NodeJS.Timeout
  app.addHook('preClose', async () => {
    timer = setTimeout(() => app.server.closeAllConnections(), PARTING)
  })
  app.addHook('onClose', async () => clearTimeout(timer))
}

/** What arrives while the service goes away is told so, and asks again elsewhere or later. */
function refuseAtClose(app: FastifyInstance): void {
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
  })
  app.addHook('onRequest', async () => {
    if (closing) throw new ApelError('unavailable', 'The service is shutting down.', {}, true)
  })
}
