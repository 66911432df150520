/**
 * What a fault test acts on: one or two instances of the service, one or two Asterisk nodes and a Redis as a user's own beside
 * them, a receiver of webhooks, and a carrier full of phones. At the end it gathers what each of them has seen, from outside,
 * and holds it to the promises (`checker.ts`).
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Exchange } from '../../src/phones/exchange.ts'
import { freePort } from '../../src/phones/ports.ts'
import { keepJournalsOf } from '../support/journals.ts'
import { type Held, heldBy } from '../support/memory.ts'
import { type OwnRedis, startOwnRedis } from '../support/own-redis.ts'
import { startSecond } from '../support/second-instance.ts'
import type { ServiceProcess } from '../support/service-process.ts'
import { type System, startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'
import { type Account, broken, type Evidence, type Survivor } from './checker.ts'
import { type SceneNode, startNode } from './node.ts'
import { type Receiver, startReceiver } from './receiver.ts'
import { type SlowWay, slowWay } from './slow-way.ts'

export interface SceneOptions {
  /** YAML by name. */
  flows: Record<string, string>
  instances?: 1 | 2
  /** The program of the second one, of another build than ours. */
  secondMain?: string
  nodes?: 1 | 2
  /** Of each node's trunk. */
  trunk?: { channels: number; cps: number }
  /** Names of more trunks of the first node, each as its own. */
  trunks?: string[]
  /** Other keys of `apel.yaml`. */
  config?: Record<string, unknown>
}

export interface Instance {
  name: string
  service: ServiceProcess
  api: System['api']
  inspectPort: number
  /** What it held when it had just started. */
  fresh: Held
}

const SECRET = 'a-secret-of-the-receiver'
/** ms: ring, `max_call_time` of the scenes' flows, and a minute. */
const LONGEST = 25_000 + 120_000 + 60_000

export async function startScene(options: SceneOptions): Promise<Scene> {
  const trunk = options.trunk ?? { channels: 30, cps: 20 }
  const nodes: SceneNode[] = []
  const receiver = await startReceiver()
  let redis!: OwnRedis
  let way!: SlowWay
  const names = ['first', ...(options.instances === 2 ? ['second'] : [])]
  const ports = await Promise.all(names.map(() => freePort('tcp')))
  const inspected = (n: number) => ({ NODE_OPTIONS: `--inspect-port=${ports[n]}` })
  try {
    const system = await startSystem({
      flows: options.flows,
      env: inspected(0),
      config: async ({ folder, exchange }) => {
        for (const name of ['a', 'b'].slice(0, options.nodes ?? 1))
          nodes.push(await startNode(name, join(folder, 'nodes'), exchange.uri))
        nodes[0]!.trunks.push(...(options.trunks ?? []))
        exchange.asterisk = nodes[0]!.sipPort
        redis = await startOwnRedis(join(folder, 'redis'))
        way = await slowWay(redis.port)
        return {
          redis: { url: `redis://127.0.0.1:${way.port}/0` },
          asterisk: nodes.map(({ name, trunks, proxy, password, sounds }) => ({
            ...{ name, url: proxy.url, username: 'apel', password, sounds: { shared: sounds } },
            trunks: trunks.map((own) => ({
              ...{ name: own, endpoint: 'PJSIP/{number}@carrier', ...trunk, caller_ids: ['+40311234567'] },
            })),
          })),
          http: { allow_hosts: [receiver.host] },
          webhooks: [{ url: `http://${receiver.host}/calls`, secret: SECRET, events: ['call.ended'] }],
          ...options.config,
        }
      },
    })
    const started = [{ service: system.service, api: system.api.bind(system) }]
    for (const [n, name] of names.entries())
      if (n > 0) started.push(await startSecond(system, name, { env: inspected(n), main: options.secondMain }))
    const instances: Instance[] = []
    for (const [n, each] of started.entries()) {
      const fresh = await heldBy(each.service.pid!, ports[n]!)
      instances.push({ ...each, name: names[n]!, inspectPort: ports[n]!, fresh })
    }
    return new Scene(system, instances, nodes, redis, way, receiver, trunk)
  } catch (fault) {
    await Promise.all(nodes.map((node) => node.stop()))
    await redis?.kill('SIGTERM')
    way?.stop()
    await receiver.stop()
    throw fault
  }
}

export class Scene {
  readonly exchange: Exchange
  readonly folder: string
  readonly instances: Instance[]
  readonly nodes: SceneNode[]
  readonly redis: OwnRedis
  /** From the instances to Redis. */
  readonly way: SlowWay
  readonly receiver: Receiver
  readonly pauses: { from: number; to: number }[] = []
  readonly #system: System
  readonly #trunk: { channels: number; cps: number }

  constructor(
    system: System,
    instances: Instance[],
    nodes: SceneNode[],
    redis: OwnRedis,
    way: SlowWay,
    receiver: Receiver,
    trunk: { channels: number; cps: number },
  ) {
    this.#system = system
    this.#trunk = trunk
    this.exchange = system.exchange
    this.folder = system.folder
    this.instances = instances
    this.nodes = nodes
    this.redis = redis
    this.way = way
    this.receiver = receiver
  }

  /** One request to whichever instance answers it. Throws what the last one said. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look at bodies field by field
  async api(method: string, path: string, body?: unknown): Promise<any> {
    let fault: unknown
    for (const { service, api } of this.instances) {
      if (service.pid === null) continue
      try {
        return await api(method, path, body)
      } catch (thrown) {
        fault = thrown
      }
    }
    throw fault ?? new Error('no instance is alive')
  }

  /** Sends contacts as CSV. */
  async contacts(campaign: string, csv: string): Promise<void> {
    const { service } = this.instances.find((instance) => instance.service.pid !== null) ?? this.instances[0]!
    const headers = { 'content-type': 'text/csv' }
    const url = `${service.url}/v1/campaigns/${campaign}/contacts`
    const answer = await fetch(url, { method: 'POST', body: csv, headers, signal: AbortSignal.timeout(10_000) })
    if (!answer.ok) throw new Error(`contacts of ${campaign}: ${answer.status} ${await answer.text()}`)
  }

  /** Every instance that lives says that it is ready. */
  async ready(timeout = 40_000): Promise<void> {
    for (const { service } of this.instances) if (service.pid !== null) await service.ready(timeout)
  }

  /** Every record, legs too. */
  async records(): Promise<Account[]> {
    const records: Account[] = []
    for (const kind of ['', '&kind=leg'])
      for (let cursor = ''; ; ) {
        const page = await this.api('GET', `/v1/calls?limit=1000${kind}${cursor}`)
        records.push(...page.items)
        if (page.next === null) break
        cursor = `&cursor=${encodeURIComponent(page.next)}`
      }
    return records
  }

  /** All that can be known from outside, once every call has ended and its result has been told. */
  async evidence(survivors: Survivor[] = [], timeout = 60_000): Promise<Evidence> {
    const quiet = async () => (await this.api('GET', '/v1/calls?state=live')).items.length === 0
    // What does not come to rest is told by the checker.
    await waitFor(quiet, { timeout, every: 200, what: 'the end of every call' }).catch(() => {})
    const records = await this.records()
    const told = () => {
      const calls = new Set(this.receiver.deliveries.map(({ call }) => call))
      return records.every(({ id, kind }) => kind === 'leg' || calls.has(id))
    }
    await waitFor(told, { timeout, every: 200, what: 'the webhooks' }).catch(() => {})
    const empty = async () => (await this.#left()).channels === 0
    await waitFor(empty, { timeout: 5000, every: 200, what: 'no channel' }).catch(() => {})
    const { channels, bridges } = await this.#left()
    if (channels > 0) for (const node of this.nodes) console.error(await node.cli('core show channels verbose'))
    const alive = this.instances.filter(({ service }) => service.pid !== null)
    const processes = await Promise.all(
      alive.map(async ({ name, service, inspectPort, fresh }) => {
        return { name, fresh, now: await heldBy(service.pid!, inspectPort) }
      }),
    )
    return {
      ...{ dialogs: await this.exchange.dialogs(), records: await this.records(), longest: LONGEST },
      trunks: Object.fromEntries(this.nodes.flatMap(({ trunks }) => trunks.map((name) => [name, this.#trunk]))),
      deaths: this.nodes.flatMap(({ trunks, deaths }) => deaths.map((at) => ({ at, trunks }))),
      ...{
        forbidden: [],
        pauses: this.pauses,
        deliveries: this.receiver.deliveries,
        channels,
        bridges,
        survivors,
        processes,
      },
      logs: this.instances.map(({ service }) => service.log()).join('\n'),
      secrets: [SECRET, ...this.nodes.map(({ password }) => password)],
    }
  }

  /** Holds the scene to P1 to P11; one assertion. */
  async holds(t: Test, survivors: Survivor[] = []): Promise<Evidence> {
    const evidence = await this.evidence(survivors)
    t.same(broken(evidence), [], 'every promise holds')
    return evidence
  }

  async #left(): Promise<{ channels: number; bridges: number }> {
    const all = await Promise.all(this.nodes.map((node) => node.left()))
    const sum = (pick: (each: { channels: number; bridges: number }) => number) =>
      all.reduce((total, each) => total + pick(each), 0)
    return { channels: sum(({ channels }) => channels), bridges: sum(({ bridges }) => bridges) }
  }

  /** Ends everything; throws when an instance that lives does not end with 0 or a phone had a fault of its own. */
  async stop(): Promise<void> {
    const faults: string[] = []
    await keepJournalsOf((method, path) => this.api(method, path)).catch(() => faults.push('no journals'))
    const codes = await Promise.all(
      this.instances.map(({ service }) => (service.pid === null ? 0 : service.end('SIGTERM', 30_000))),
    )
    codes.forEach((code, n) => {
      if (code !== 0) faults.push(`${this.instances[n]!.name} ended with ${code}`)
    })
    await Promise.all(this.nodes.map((node) => node.stop()))
    await this.redis.kill('SIGTERM')
    this.way.stop()
    await this.receiver.stop()
    // Whose Asterisk dies before the ACK waits for it in vain.
    const died = this.nodes.flatMap(({ deaths }) => deaths)
    const own = this.exchange.calls.filter(({ fault, invitedAt, endedAt }) => {
      return fault !== null && !died.some((at) => at > invitedAt - 1000 && at < (endedAt ?? Number.POSITIVE_INFINITY))
    })
    faults.push(...own.map(({ fault }) => String(fault)))
    await this.#system.stop({ strict: false })
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 })
    if (faults.length > 0) throw new Error(`the scene did not stop cleanly: ${faults.join('; ')}`)
  }
}
