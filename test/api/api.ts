/** An API over memory, for the tests of this folder. */
import type { FastifyInstance } from 'fastify'
import { makeApp } from '../../src/api/app.ts'
import { makeMetrics } from '../../src/api/metrics.ts'
import type { Config } from '../../src/config.ts'
import { makeLog } from '../../src/log.ts'
import { type Memory, memoryPorts } from './memory-ports.ts'

export interface TestApi {
  app: FastifyInstance
  memory: Memory
}

export async function anApi(tokens: Config['api']['tokens'] = [], patience?: number): Promise<TestApi> {
  const memory = memoryPorts()
  const parts = {
    ports: memory.ports,
    metrics: makeMetrics(),
    log: makeLog('silent'),
    tokens,
    version: '0.0.0',
    patience,
  }
  return { app: await makeApp(parts), memory }
}

export async function withCampaign(tokens: Config['api']['tokens'] = []): Promise<TestApi> {
  const api = await anApi(tokens)
  await api.memory.ports.campaigns.put('renewals', { campaign: 'renewals', flow: 'renewal' })
  return api
}
