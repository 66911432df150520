/** Is the service running, and is it ready? If it is not: are its ports free? */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { type Context, type Examination, type Finding, fail, ok, warn } from './finding.ts'

export const portsAndService: Examination = async function* (context) {
  const { config, remote, io } = context
  const own = `http://${config.api.host === '0.0.0.0' ? '127.0.0.1' : config.api.host}:${config.api.port}`
  const url = (remote.url ?? io.env.APEL_URL ?? own).replace(/\/+$/, '')
  const health = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(3000) })
    .then(async (response) => (await response.json()) as Health)
    .catch(() => null)
  if (health !== null && typeof health.ready === 'boolean') {
    context.running = url === own
    yield* readiness(url, health)
    return
  }
  yield ok('service', `it is not running at ${url}`)
  yield* ports(context)
}

interface Health {
  ready: boolean
  reason: string | null
  redis: { writable: boolean; reason: string | null }
  ledger: { loaded: boolean; reason: string | null }
  nodes: { name: string; linked: boolean; reason: string | null }[]
}

function* readiness(url: string, health: Health): Iterable<Finding> {
  if (health.ready) yield ok('service', `ready at ${url}`)
  else yield warn('service', `it runs at ${url} but is not ready: ${health.reason}`, 'What it waits for follows.')
  const mend = 'See what is said of it below.'
  if (!health.redis.writable) yield fail('service', `Redis: ${health.redis.reason ?? 'not writable'}`, mend)
  if (!health.ledger.loaded) yield fail('service', `ledger: ${health.ledger.reason ?? 'not loaded'}`, mend)
  for (const node of health.nodes)
    if (!node.linked) yield fail('service', `node ${node.name}: ${node.reason ?? 'no link'}`, mend)
}

async function* ports({ config }: Context): AsyncIterable<Finding> {
  const { host, port } = config.api
  if (port !== 0 && !(await free('tcp', host, port)))
    yield fail('ports', `${host}:${port} of the API is taken`, 'End what listens there, or set `api.port`.')
  for (const { name, embedded } of config.asterisk) {
    if (embedded === null) continue
    const { bind, sip_port, http_port } = embedded
    const left = 'It may be the Asterisk of a service that was killed; the next `apel serve` finds it and goes on.'
    if (!(await free('tcp', '127.0.0.1', http_port)))
      yield warn('ports', `http_port ${http_port} of ${name} is taken`, left)
    if (!(await free('udp', bind, sip_port))) yield warn('ports', `sip_port ${sip_port} of ${name} is taken`, left)
  }
}

function free(kind: 'tcp' | 'udp', host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    if (kind === 'tcp') {
      const server = createServer()
      server.once('error', () => resolve(false))
      server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
    } else {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
      socket.once('error', () => resolve(false))
      socket.bind({ address: host, port, exclusive: true }, () => socket.close(() => resolve(true)))
    }
  })
}
