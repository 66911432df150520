/**
 * The dialer as one piece: what is dialled and when, over a store and a way to the line that are handed in.
 *
 *     const dialer = makeDialer({ store, another, settings, owner, clock, log, … })
 *     await dialer.start()
 *     …
 *     await dialer.stop()          // takes no new work; calls that are on go on and end through `dialer.ledger`
 *
 * `ledger` and `callbacks` are the `CallLedger` and `CallbackBook` of a live call.
 */
import type { Redis } from 'ioredis'
import type { Clock, Peer, ServiceEvent } from '../call/ports.ts'
import type { CallRecord } from '../call/record.ts'
import { ApelError } from '../errors.ts'
import type { CallContext } from '../flow/io.ts'
import type { Log } from '../log.ts'
import type { Attempt } from '../store/attempt-record.ts'
import { listen, type Ring } from '../store/bell.ts'
import type { Purpose } from '../store/connect.ts'
import type { Owner } from '../store/instance.ts'
import type { Store } from '../store/store.ts'
import { trunkView } from './breaker.ts'
import { CallbackDesk } from './callbacks.ts'
import type { Known } from './campaign.ts'
import { CampaignDesk } from './campaign-desk.ts'
import { ContactDesk } from './contact-desk.ts'
import { CALLBACKS, Definitions } from './definitions.ts'
import { Entrance, type InboundRequest } from './entrance.ts'
import { Explainer, type Explanation } from './explain.ts'
import { Feeder } from './feeder.ts'
import { type Forecast, Forecaster, type ForecastRequest } from './forecast.ts'
import { Gate } from './gate.ts'
import { Importer, type ImportReport, type ImportSource } from './import.ts'
import { Ledger } from './ledger.ts'
import { NumberDesk } from './number-desk.ts'
import type { DialSettings, Placement } from './plan.ts'
import { type ManualRequest, Planner } from './planner.ts'
import { type DialQueue, openQueue } from './queue.ts'
import { Schedules } from './schedules.ts'
import { Turns } from './turns.ts'
import { DialWorker } from './worker.ts'

export interface DialerPorts {
  store: Store
  /** Another connection of that purpose, closed by whoever made it. */
  another(purpose: Purpose): Promise<Redis>
  settings: DialSettings
  owner: Owner
  clock: Clock
  log: Log
  /** The flows and trunks that a campaign may name; null: not checked. */
  known(): Known
  /** Null when this node may be dialled on, else why not: no link, a foreign ledger, Redis away, shutting down. */
  closed(node: string): string | null
  /** Makes the texts of a call before it is reserved; a rejection (no such flow, no voice) holds the contact a minute. */
  prepare(flow: string, context: CallContext, nodes: string[]): Promise<void>
  /** Dials a reserved attempt. Resolves when the node has taken the call or never will; should not reject. */
  place(placement: Placement): Promise<void>
  /** Deletes a recording on its node. Rejects when that does not answer. */
  deleteRecording(node: string, name: string): Promise<void>
  /** Ends the calls of a campaign that ring; with `talking`, those that talk too. Called on every instance. */
  cut(campaign: string, talking: boolean): void
  emit(event: ServiceEvent): void
}

export interface Dialer {
  ledger: Ledger
  callbacks: CallbackDesk
  campaigns: CampaignDesk
  contacts: ContactDesk
  numbers: NumberDesk
  import(campaign: string, source: ImportSource): Promise<ImportReport>
  rejects(campaign: string, id: string): ReturnType<Importer['rejects']>
  /** Subscribes and begins to dial. */
  start(): Promise<void>
  /** Takes no new work. Items in hand go back in line. */
  stop(): Promise<void>
  /** A call of one's own, past the same gate. Throws an `ApelError` with the code of the rule that refuses. */
  reserveManual(request: ManualRequest): Promise<Placement>
  /** A second channel for a live call, past the same gate; see `Transfers` of `call/ports.ts`. */
  reserveLeg(call: CallRecord, id: string, to: Peer, ring: number): Promise<Placement | null>
  /** Writes an inbound call down; null when it was written down before. `again`: it may have been, by us, its answer lost. */
  reserveInbound(request: InboundRequest, again?: boolean): Promise<{ record: CallRecord; context: CallContext } | null>
  /** What the conversation of an inbound call starts from that was written down before. */
  inboundContext(attempt: Attempt): Promise<CallContext>
  /** Why this number is not being dialled, and when it will be; `campaign`: only as a contact of this one. */
  explain(to: string, campaign?: string | null): Promise<Explanation>
  /** What will become of a campaign, on a virtual clock by the rules as they stand. */
  forecast(campaign: string, request: ForecastRequest): Promise<Forecast>
  /** Stops all dialling on all instances, or lets it go on. */
  setPaused(paused: boolean): Promise<void>
  /** A node's link came up, or Redis came back: look again at once. */
  wake(): void
  queueDepth(): Promise<number>
}

export function makeDialer(ports: DialerPorts): Dialer {
  const { store, settings, clock, log, owner, emit } = ports
  const { policy } = settings
  let stopping = false
  let queue: DialQueue | null = null
  const releases: (() => void)[] = []

  const definitions = new Definitions(store, log)
  const planner = new Planner(store, settings)
  const turns = new Turns(clock)
  const closed = (node: string) => (stopping ? 'the service is stopping' : ports.closed(node))
  const gate = new Gate({ store, policy, owner, now: () => clock.now(), closed })
  const feeder: Feeder = new Feeder({
    store,
    definitions,
    planner,
    settings,
    clock,
    log,
    closed,
    expire: (campaign, ids) => ledger.expireAll(campaign, ids),
    enqueue: async (campaign, items) => await queue?.add(campaign, items),
  })
  const dueAt = (campaign: string, at: number) => feeder.dueAt(campaign, at)
  const ledger: Ledger = new Ledger({
    store,
    definitions,
    planner,
    clock,
    log,
    owner,
    emit,
    dueAt,
    closing: () => stopping,
  })
  const callbacks = new CallbackDesk({ store, definitions, planner, policy, clock, emit, dueAt })
  const entrance = new Entrance({ store, definitions, planner, gate, turns, policy, clock, log, owner })
  const explainer = new Explainer({ store, definitions, planner, gate, policy })
  const forecaster = new Forecaster({ store, definitions, planner, policy, now: () => clock.now() })
  const importer = new Importer(store, policy)
  const schedules = new Schedules(store, clock, log)
  const contacts = new ContactDesk({ store, definitions, planner, policy, clock })
  const worker = new DialWorker({
    store,
    definitions,
    planner,
    gate,
    turns,
    ledger,
    clock,
    log,
    prepare: (plan, context) => ports.prepare(plan.flow, context, [...new Set(plan.trunks.map(({ node }) => node))]),
    place: ports.place,
  })

  function heard(ring: Ring): void {
    switch (ring.bell) {
      case 'freed':
        turns.kick(true)
        break
      case 'state':
        if (ring.state !== 'running') turns.clear(ring.campaign)
        emit({ type: 'campaign.state', data: { name: ring.campaign, state: ring.state } })
        feeder.wake(ring.campaign)
        schedules.wake()
        break
      case 'definition':
        definitions.forget(ring.campaign)
        feeder.wake(ring.campaign)
        schedules.wake()
        break
      case 'work':
        feeder.wake(ring.campaign)
        break
      case 'cut':
        worker.cut(ring.campaign)
        ports.cut(ring.campaign, ring.talking)
        break
      case 'trunk':
        emit({ type: 'trunk.state', data: trunkView(ring, settings.trunks) })
        if (ring.state !== 'probing') wake()
        break
      case 'control':
        turns.clear()
        wake()
        break
      // Told to others than the dialer.
      case 'ask':
      case 'answer':
      case 'left':
      case 'listening':
      case 'event':
        break
      default: {
        const never: never = ring
        throw new Error(`unknown ring ${JSON.stringify(never)}`)
      }
    }
  }

  function wake(): void {
    turns.kick()
    queue?.look()
    const again = async (): Promise<void> => {
      await gate.takeBackLost()
      await worker.recover()
      await feeder.wakeAll()
      schedules.wake()
    }
    again().catch((error: Error) => log.warn({ error: error.message }, 'Redis cannot be read now'))
  }

  /** For calls that nobody queued: they stand in a row of their own. */
  return {
    ledger,
    callbacks,
    campaigns: new CampaignDesk({ store, definitions, clock, known: ports.known, timezone: policy.timezone }),
    contacts,
    numbers: new NumberDesk({ store, contacts, settings, clock, log, deleteRecording: ports.deleteRecording }),

    async import(name, source) {
      const campaign = await definitions.get(name)
      if (campaign === null || name === CALLBACKS) throw new ApelError('not_found', `There is no campaign ${name}.`)
      return await importer.import(campaign, source)
    },
    rejects: (campaign, id) => importer.rejects(campaign, id),

    async start() {
      await store.writable()
      await store.campaigns.put(CALLBACKS, { campaign: CALLBACKS, flow: CALLBACKS }, clock.now(), { builtin: true })
      releases.push(await listen(await ports.another('bell'), heard))
      // ioredis tells each time that the connection is back.
      store.db.redis.on('ready', wake)
      releases.push(() => store.db.redis.off('ready', wake))
      const open = () => settings.trunks.some(({ node }) => closed(node) === null)
      queue = openQueue(await ports.another('ledger'), await ports.another('queue'), log, open, (job) =>
        worker.work(job, () => feeder.used(job.campaign)),
      )
      await feeder.wakeAll()
      schedules.wake()
    },

    async stop() {
      stopping = true
      schedules.stop()
      feeder.stop()
      turns.clear()
      for (const release of releases.splice(0)) release()
      await queue?.close()
    },

    reserveManual: (request) => entrance.manual(request),
    reserveLeg: (call, id, to, ring) => entrance.leg(call, id, to, ring),
    inboundContext: (attempt) => entrance.context(attempt),
    reserveInbound: (request, again) => entrance.inbound(request, again),
    explain: (to, campaign = null) => explainer.explain(to, campaign),
    forecast: (campaign, request) => forecaster.forecast(campaign, request),
    setPaused: (paused) => store.campaigns.setPaused(paused),
    wake,
    queueDepth: async () => (await queue?.depth()) ?? 0,
  }
}
