/**
 * One Asterisk node as the rest of the service sees it: `Telephony` of `call/ports.ts`, and a little more for the gate,
 * the doctor and shutdown. Here the parts meet: the supervisor keeps the link, `readiness` and `app-list` make it
 * useful, `lines` holds the channels, `dial` makes new ones.
 */
import type { Clock, DialOrder, InboundCall, LeftLine, Line, LineEvent, Telephony } from '../call/ports.ts'
import { ApelError } from '../errors.ts'
import type { Log } from '../log.ts'
import { type Exclusively, listApp, unlistApp } from './app-list.ts'
import { makeBridges } from './bridges.ts'
import { dial } from './dial.ts'
import { sweepsBridges } from './empty-bridges.ts'
import { readChannel, readEvent } from './events.ts'
import { makeLines } from './lines.ts'
import { type AriLink, nodeDown, type OpenLink } from './link.ts'
import { CROWD, makeLobbies } from './lobbies.ts'
import type { Node } from './node.ts'
import { type Facts, filterEvents, missingEndpoint, readFacts, unfit } from './readiness.ts'
import { saidBy } from './refusals.ts'
import { makeSupervisor, type Standing } from './supervisor.ts'
import { openerFor, type Transport } from './transport.ts'

export interface TelephonyOptions {
  /** The node's name in the configuration. */
  node: string
  /** `http://HOST:PORT`. */
  url: string
  username: string
  password: string
  /** The Stasis application: `apel-INSTANCE-EPOCH`. One process may own a name. */
  app: string
  transport: Transport
  log: Log
  clock: Clock
  /** What the trunks dial through; an endpoint of each must be there. Default `['PJSIP']`. */
  technologies?: readonly string[]
  /** Longest inbound call, ms, as the dialplan sets it (APEL_MAX_INBOUND). Default an hour. */
  inboundLimit?: number
  /** The application is that of a process that is gone: no call is sent to it any more. */
  left?: boolean
  /** When that process had seen the node started; see `LineFacts`. */
  startedAt?: string
  /** Runs the change of APEL_APPS while no other instance does. */
  exclusively?: Exclusively
  /** See `CallPorts.doubt`: whether what is in the application is ours. */
  doubt?(): Promise<void> | null
  /** Told how long each request was answered after, seconds, whatever the answer was. */
  answeredAfter?(seconds: number): void
  /** For tests: from how many channels on each one is dialled in a lobby. */
  crowd?: number
  /** For tests: another way to open a link. */
  open?: OpenLink
}

/** A channel on the node, ours or not. */
export interface ListedChannel {
  id: string
  state: string
  /** The application that it is in, and what it was sent there with; empty when it is in none. */
  app: string
  args: string[]
}

export interface NodeTelephony extends Telephony {
  /** Begins to connect, for ever. Resolves when the link is up or first failed; never rejects. */
  start(): Promise<void>
  /** Takes no more inbound calls: the dialplan offers them to other instances, or rings and apologises. */
  stopInbound(): Promise<void>
  /** Ends the link. Calls still on are told as `ended` by `network`; on the node they go on to their time limit. */
  close(): Promise<void>
  /** e.g. `22.10.1`; null before the first link. */
  version(): string | null
  transport(): 'ari-client' | 'websocket' | null
  onChange(handler: (standing: Standing & { ready: boolean }) => void): void
  /** All channels on the node. Rejects as `AriLink.request` does. */
  channels(): Promise<ListedChannel[]>
  /** The names of all applications on the node. */
  applications(): Promise<string[]>
  /** Takes a channel that is in another application into ours, as if it had come here with `args`. */
  moveHere(id: string, args: readonly string[]): Promise<void>
  /** Ends a channel by its id; one that is gone already is success. */
  hangupById(id: string): Promise<void>
  /** See `Lines.hold`; to be called before `start`. */
  hold(id: string, left: LeftLine): void
  /** Settles when the node has told for the first time which channels are there. */
  readonly caughtUp: Promise<void>
  setVariable(id: string, name: string, value: string): Promise<void>
  /** The names of all recordings on the node, ours and others'. */
  recordings(): Promise<string[]>
  /** Deletes a recording; one that is gone already is success. */
  deleteRecording(name: string): Promise<void>
  /** How many channels are followed. */
  size(): number
}

const LIST_AGAIN = 5_000

export function makeTelephony(options: TelephonyOptions): NodeTelephony {
  const { log, clock } = options
  const technologies = options.technologies ?? ['PJSIP']
  const exclusively: Exclusively = options.exclusively ?? ((run) => run())
  const changed: ((standing: Standing & { ready: boolean }) => void)[] = []
  let inbound: ((call: InboundCall) => void) | null = null
  let takesInbound = !options.left
  let facts: Facts | null = null
  let listing: unknown = null
  let seen = (): void => {}
  const caughtUp = new Promise<void>((resolve) => {
    seen = resolve
  })

  const request: AriLink['request'] = (...args) => {
    const link = supervisor.link()
    if (link) return measured(link.request(...args))
    return Promise.reject(nodeDown(options.node, supervisor.standing().reason ?? 'closed', false))
  }
  const { answeredAfter } = options
  const measured = <T>(answer: Promise<T>): Promise<T> => {
    if (answeredAfter === undefined) return answer
    const asked = performance.now()
    const tell = () => answeredAfter((performance.now() - asked) / 1000)
    answer.then(tell, tell)
    return answer
  }
  const node: Node = { name: options.node, app: options.app, clock, log, request, doubt: options.doubt ?? (() => null) }
  const lobbies = makeLobbies(node)
  const empties = sweepsBridges(node)
  const crowd = options.crowd ?? CROWD

  const lines = makeLines(node, options.inboundLimit ?? 3_600_000, (call) => {
    if (!inbound) return false
    try {
      inbound(call)
      return true
    } catch (error) {
      log.error({ node: options.node, call: call.id, err: error }, 'the handler of inbound calls threw')
      return false
    }
  })

  const supervisor = makeSupervisor({
    target: options,
    open: options.open ?? openerFor(options.transport),
    doubt: node.doubt,
    prepare,
    onEvent(event) {
      const signal = readEvent(event)
      if (signal) lines.signal(signal)
    },
    onChange(standing) {
      clock.clearTimeout(listing)
      if (standing.state === 'up') listAgain()
      for (const handler of changed) handler({ ...standing, ready: standing.state === 'up' })
    },
    log,
    clock,
  })

  async function prepare(link: AriLink): Promise<string | null> {
    await filterEvents(link, options.app)
    const now = await readFacts(link, options.node)
    const before = facts?.startup ?? options.startedAt ?? now.startup
    const restarted = before !== now.startup
    facts = now
    await lines.reconcile(async () => {
      const { body } = await link.request('GET', '/channels')
      return Array.isArray(body) ? body : null
    }, restarted)
    seen()
    if (options.left) await unlistApp(link, options.app, exclusively)
    const missing = unfit(now.version) ?? (await missingEndpoint(link, technologies))
    if (missing === null && takesInbound) await listApp(link, options.app, exclusively)
    return missing
  }

  /** Another instance may have overwritten the list, a reload of the dialplan may have cleared it. */
  function listAgain(): void {
    listing = clock.setTimeout(async () => {
      const link = supervisor.link()
      if (link && takesInbound) await listApp(link, options.app, exclusively).catch(() => undefined)
      if (link) await empties.sweep(lines.size() === 0).catch(() => undefined)
      if (supervisor.standing().state === 'up') listAgain()
    }, LIST_AGAIN)
  }

  async function stopInbound(): Promise<void> {
    takesInbound = false
    const link = supervisor.link()
    if (link) await unlistApp(link, options.app, exclusively).catch(() => undefined)
  }

  const ask = async (
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    query = {},
    missing = false,
  ): Promise<unknown> => {
    const answer = await request(method, path, query)
    if (answer.status < 300 || (missing && answer.status === 404)) return answer.body
    throw new ApelError(
      'ari_refused',
      `Asterisk node ${options.node} refused ${method} ${path} with status ${answer.status}: ${saidBy(answer.body)}`,
      { node: options.node, status: answer.status },
    )
  }

  return {
    node: options.node,
    app: options.app,
    startup: () => facts?.startup ?? '',
    hold: lines.hold,
    caughtUp,
    start: () => supervisor.start(),
    ready: () => supervisor.fresh(),
    reason() {
      if (supervisor.fresh()) return null
      return supervisor.standing().reason ?? 'nothing was heard from Asterisk for too long'
    },
    dial(order: DialOrder, listener: (event: LineEvent) => void): Promise<Line> {
      if (!supervisor.fresh()) {
        return Promise.reject(nodeDown(options.node, supervisor.standing().reason ?? 'silent', false))
      }
      return dial(node, lines, lines.size() < crowd ? null : lobbies, order, listener)
    },
    ...makeBridges(node),
    attach: (id, listener) => lines.attach(id, listener).line,
    onInbound(handler) {
      inbound = handler
    },
    stopInbound,
    async close() {
      clock.clearTimeout(listing)
      await stopInbound()
      if (supervisor.link() && lines.size() === 0) await empties.sweep(true).catch(() => undefined)
      await supervisor.close()
      clock.clearTimeout(listing)
      lines.close()
    },
    version: () => facts?.version ?? null,
    transport: () => supervisor.link()?.transport ?? null,
    onChange(handler) {
      changed.push(handler)
    },
    async channels() {
      const body = await ask('GET', '/channels')
      return (Array.isArray(body) ? body : []).flatMap((listed) => {
        const found = readChannel(listed)
        if (!found) return []
        const plan = (listed as { dialplan?: { app_name?: unknown; app_data?: unknown } }).dialplan
        const app = plan?.app_name === 'Stasis' ? (String(plan.app_data).split(',')[0] ?? '') : ''
        return [{ id: found.channel, state: found.state, app, args: found.args }]
      })
    },
    async applications() {
      const body = await ask('GET', '/applications')
      return (Array.isArray(body) ? body : []).flatMap((each) => {
        const { name } = (each ?? {}) as { name?: unknown }
        return typeof name === 'string' ? [name] : []
      })
    },
    async moveHere(id, args) {
      await ask('POST', `/channels/${encodeURIComponent(id)}/move`, { app: options.app, appArgs: args.join(',') }, true)
    },
    async hangupById(id) {
      const live = lines.find(id)
      if (live) await live.line.hangup()
      else await ask('DELETE', `/channels/${encodeURIComponent(id)}`, {}, true)
    },
    async setVariable(id, name, value) {
      await ask('POST', `/channels/${encodeURIComponent(id)}/variable`, { variable: name, value })
    },
    async recordings() {
      const body = await ask('GET', '/recordings/stored')
      return (Array.isArray(body) ? body : []).flatMap((stored) => {
        const { name } = (stored ?? {}) as { name?: unknown }
        return typeof name === 'string' ? [name] : []
      })
    },
    async deleteRecording(name) {
      await ask('DELETE', `/recordings/stored/${encodeURIComponent(name)}`, {}, true)
    },
    size: () => lines.size(),
  }
}
