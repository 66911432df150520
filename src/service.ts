/**
 * The one place where the parts meet. Opening goes from the ledger outwards (Redis, nodes, media, calls, dialer, API);
 * what was opened is closed in reverse. A drain takes no new work, lets the calls end until the deadline, ends the rest
 * as `cancelled`, and closes.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeApp } from './api/app.ts'
import { makeMetrics } from './api/metrics.ts'
import { notOpened } from './api/porch.ts'
import { type Calls, makeCalls } from './call/calls.ts'
import type { CallPorts, Clock, Telephony, Web } from './call/ports.ts'
import type { CallRecord } from './call/record.ts'
import { within } from './call/within.ts'
import type { Config } from './config.ts'
import { type Dialer, makeDialer } from './dialer/dialer.ts'
import type { DialSettings, Placement } from './dialer/plan.ts'
import { ensureTools, type Part, projectRoot, type Say, type Tools } from './embedded/tools.ts'
import { ApelError, type Problem } from './errors.ts'
import type { CallContext } from './flow/io.ts'
import type { Log } from './log.ts'
import { findSound } from './media/sounds.ts'
import { allowList, allowsHost } from './outgoing/allow-list.ts'
import { makeWeb } from './outgoing.ts'
import { loadCampaignFiles } from './service/campaign-files.ts'
import { makeCommands } from './service/commands.ts'
import { openDataFolder } from './service/data-folder.ts'
import { makeEnding } from './service/ending.ts'
import { makeEvents } from './service/events.ts'
import { shareEvents } from './service/far-events.ts'
import { makeHeart } from './service/heart.ts'
import { takeInbound } from './service/inbound.ts'
import { keepTexts } from './service/kept-texts.ts'
import { holderOfNames, takeName } from './service/lease.ts'
import { meter } from './service/meter.ts'
import { watchForNaps } from './service/nap.ts'
import { startNodes } from './service/nodes.ts'
import { patiently } from './service/patience.ts'
import { makePlace } from './service/place.ts'
import { apiPorts } from './service/ports/api.ts'
import { sweepHourly } from './service/recordings.ts'
import { openRedis } from './service/redis.ts'
import { keepRetention } from './service/retention.ts'
import { watchSettings } from './service/settings-file.ts'
import { openShelf, type Shelf, unknownFlow } from './service/shelf.ts'
import { lookForStrays } from './service/strays.ts'
import { openStudio } from './service/studio.ts'
import { makeTakeover } from './service/takeover.ts'
import { makeWebhooks } from './service/webhooks.ts'
import { makeReleasers, type Releasers } from './shutdown.ts'
import { ring } from './store/bell.ts'
import { exclusively } from './store/exclusively.ts'
import { living } from './store/instance.ts'

/**
 * Whoever rehearses conversations on a real line stands in these few places; all else is as in service. Nothing of it may
 * throw.
 */
export interface Rehearsal {
  /** A call or a leg that has been reserved, before it is dialled: what its conversation is to start from may be changed. */
  placed(placement: Placement): Placement
  /** The same for one that comes in. */
  came(record: CallRecord, context: CallContext): CallContext
  /** Stands before the way out to other web servers. */
  web(real: Web): Web
  hour: NonNullable<CallPorts['hour']>
  watch: NonNullable<CallPorts['watch']>
}

export interface Service {
  /** Where the API answers. */
  url: string
  /** Settles when everything is closed; `again`: its calls are another process' by now, and it is to be started anew. */
  closed: Promise<'over' | 'again'>
  /** No new work; calls end by themselves until `drain_timeout`; then everything closes. */
  drain(): Promise<void>
  /** As `drain`, but the calls that are on are ended now. */
  hurry(): Promise<void>
  /** Reads flows and campaigns again. What is sound is swapped, a bad file keeps its former version; calls that are on keep theirs. */
  reload(): Promise<Reloaded>
}

/** What a reload found: how many flows and campaigns there are, and every fault of their files. */
export interface Reloaded {
  /** `apel.yaml` is another one than at the start, and waits for the next one. */
  config_changed: boolean
  flows: number
  campaigns: number
  problems: Problem[]
}

/** ms that the dialer and the nodes get to stop taking new work. */
const STOPPING = 3_000

const clock: Clock = {
  now: () => Date.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
}

export interface StartOptions {
  rehearsal?: Rehearsal
  /** The start is given up while it still waits for Redis; it rejects with `stopped` then. */
  stopped?: AbortSignal
}

/**
 * Starts everything. While Redis cannot be reached, from the first or in the middle of it, all that was opened is closed again and the
 * start begins anew. Rejects, with everything closed, when another part cannot start.
 */
export async function startService(
  config: Config,
  log: Log,
  say: Say,
  { rehearsal, stopped = new AbortController().signal }: StartOptions = {},
): Promise<Service> {
  const holder = holderOfNames()
  return await patiently(
    async (atTheDoor) => {
      const releasers = makeReleasers()
      try {
        return await start({ config, log, say, rehearsal, releasers, holder, atTheDoor })
      } catch (error) {
        for (const fault of await releasers.closeAll()) log.warn({ err: fault }, 'closing after a failed start')
        throw error
      }
    },
    { api: config.api, stopped, clock, log, say },
  )
}

interface Start {
  config: Config
  log: Log
  say: Say
  rehearsal: Rehearsal | undefined
  releasers: Releasers
  /** What our lease is to say. */
  holder: string
  /** Called right before the API's address is opened. */
  atTheDoor(): Promise<void>
}

async function start({ config, log, say, rehearsal, releasers, holder, atTheDoor }: Start): Promise<Service> {
  const now = clock.now
  let up = false
  let lost = (): boolean => false
  // A start that failed must not end what another process may be using, nor one whose calls are another's.
  const leaves = (found: boolean): boolean => lost() || (found && !up)
  // What is spoken may hold names: only an Asterisk of one's own may have to read it as another user.
  await openDataFolder(config.data_dir, config.redis.kind === 'embedded' ? 0o700 : 0o777)
  const settingsChanged = await watchSettings(config.file)
  const tools = await toolsFor(config, say)
  const { store, foreign, another } = await openRedis(config, tools, {
    clock,
    log,
    say,
    releasers,
    leaves,
  })
  const lease = await takeName(store.db, config.instance, clock, say, holder)
  releasers.add('the lease', () => lease.release())
  const app = `apel-${config.instance}-${lease.epoch}`
  const owner = { instance: config.instance, app, holder: lease.holder }
  const metrics = makeMetrics()
  const events = makeEvents(log)

  const studio = openStudio(config, tools, releasers, log)
  const web = makeWeb({ allowHosts: config.http.allow_hosts })
  releasers.add('outgoing connections', () => web.close())
  const settings = settingsOf(config)
  const webhooks = makeWebhooks(config.webhooks, {
    ...{ outbox: store.outbox, instance: config.instance, web, clock, log, trunks: settings.trunks },
    tried: (result) => metrics.webhookTries.inc({ result }),
  })
  releasers.add('the webhooks', () => within(clock, STOPPING, webhooks.stop(), undefined))
  const list = allowList(config.http.allow_hosts)
  const shelf = await openShelf(config.flows, {
    sounds: (name, language) => findSound(join(config.flows, 'sounds'), name, language) !== null,
    allowHost: (host) => allowsHost(host, list),
  })
  tell(shelf, log)
  const kept = keepTexts(shelf, store, config.retention.journals, clock, log)
  releasers.add('the keeping of texts', () => kept.stop())
  await kept.keep()

  const nap = watchForNaps(clock)
  releasers.add('the watch for naps', () => nap.stop())
  const nodes = await startNodes({
    config,
    tools,
    app,
    exclusively: (node, run) => exclusively(store.db, `apps ${node}`, clock, run),
    folder: join(config.data_dir, 'sounds'),
    answeredAfter: (seconds) => metrics.ariRequestSeconds.observe(seconds),
    doubt: nap.doubt,
    clock,
    log,
    say,
    releasers,
    leaves,
  })
  releasers.add('the sweeping of recordings', sweepHourly(nodes, config.recordings.keep, clock, log))
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const voices = new Map(nodes.map((node) => [node.name, studio.at(node.sounds)]))
  const heart = makeHeart({ store, lease, foreign, nap, clock, log })
  releasers.add('the heart', () => heart.stop())

  const as = (placement: Placement): Placement => rehearsal?.placed(placement) ?? placement
  const calls: Calls = makeCalls({
    ledger: {
      update: (id, fields) => dialer.ledger.update(id, fields),
      async journal(id, entry, steps) {
        const keep = entry.type === 'begin' ? config.retention.journals : null
        if (!(await store.journals.add(id, app, entry, keep, steps)))
          throw new ApelError('not_ours', `The call ${id} is held by another process now.`, { call: id })
      },
      finish: (record, left) => dialer.ledger.finish(record, left),
    },
    book: {
      allowed: (context, to) => dialer.callbacks.allowed(context, to),
      schedule: (record, request) => dialer.callbacks.schedule(record, request),
    },
    web: rehearsal?.web(web) ?? web,
    clock,
    log,
    voice: (node) => voices.get(node)!,
    transfers: {
      async reserve(call, id, to, ring) {
        const placement = await dialer.reserveLeg(call, id, to, ring)
        return placement && as(placement)
      },
      async left(id) {
        const leg = await store.attempts.get(id)
        return leg && (leg.owner === app || leg.state === 'ended') ? leg.record : null
      },
    },
    optOuts: {
      async add({ number }, campaign) {
        if (number !== '') await store.dnc.add({ number, campaign, reason: 'opt_out', at: now() })
      },
    },
    recordsTalks: config.recordings.enabled,
    doubt: nap.doubt,
    texts: kept.nameOf,
    publish: events.publish,
    stepTook: (seconds) => metrics.stepSeconds.observe(seconds),
    ...(rehearsal && { hour: rehearsal.hour, watch: rehearsal.watch }),
  })
  // Of a start that fails: whoever starts next goes on with them.
  releasers.add('the calls', () => calls.registry.abandon())
  const flow = shelf.get
  const placeOne = makePlace(calls, flow, byName, settings, (trunk, rate) => store.attempts.depart(trunk, rate), clock)
  const place = (placement: Placement) => placeOne(as(placement))
  const sweeper = keepRetention(store.retention, config.retention, clock, log)
  releasers.add('the forgetting of old records', () => sweeper.stop())
  const known = () => ({
    flows: shelf.views().map(({ name }) => name),
    trunks: settings.trunks.map(({ name }) => name),
  })
  const dialer: Dialer = makeDialer({
    store,
    another,
    settings,
    owner,
    clock,
    log,
    known,
    closed(node) {
      const why = byName.get(node)!.telephony.reason()
      return heart.closed() ?? (why === null ? null : `Asterisk node ${node} cannot be dialled on: ${why}`)
    },
    prepare: async (name, context, on) => {
      const program = flow(name)
      if (!program) throw unknownFlow(name)
      for (const node of on) await calls.prepare(program, context, node)
    },
    place,
    async deleteRecording(node, name) {
      const found = byName.get(node)
      if (found === undefined || !found.telephony.ready())
        throw new ApelError(
          'unavailable',
          `The node ${node} has a recording of this number and is away.`,
          { node },
          true,
        )
      await found.telephony.deleteRecording(name)
    },
    cut: (campaign, talking) =>
      calls.registry.hangupAll(
        { by: 'operator', disposition: 'cancelled' },
        (call) => call.record.campaign === campaign && (talking || call.state !== 'up'),
      ),
    emit: events.publish,
  })

  const ending = makeEnding({
    registry: calls.registry,
    nap,
    stopWork() {
      heart.leave()
      return Promise.allSettled([dialer.stop(), ...nodes.map(({ telephony }) => telephony.stopInbound())])
    },
    async heirs() {
      const others = await living(store.db, config.instance)
      const shared = nodes.filter((node) => node.config.embedded === null).map(({ name }) => name)
      return new Set(others.length > 0 ? shared : [])
    },
    async bequeath() {
      await heart.stop()
      await lease.release()
      await ring(store.db, { bell: 'left', instance: config.instance })
    },
    ...{ releasers, drainTimeout: config.drain_timeout, clock, log },
  })
  lost = ending.lost
  heart.onLost(ending.startOver)
  for (const { telephony } of nodes)
    telephony.onChange(({ state, reason }) => state === 'replaced' && ending.startOver(reason ?? ''))

  await heart.start()
  const inbound = (telephony: Telephony): void =>
    takeInbound(telephony, { config, dialer, calls, flow, log, ...(rehearsal && { came: rehearsal.came }) })
  for (const { telephony } of nodes) inbound(telephony)
  await Promise.all(nodes.map(({ telephony }) => telephony.start()))
  const metered = meter({ metrics, events, nodes, heart, dialer, store, webhooks, now })
  const takeover = makeTakeover({
    ...{ store, dialer, calls, nodes, owner, flow, takeInbound: inbound, clock, log },
    awake: () => heart.closed() === null,
    lost: ending.startOver,
    taken({ record }) {
      metered.takenOver(record)
      commands.tasks(record.id).catch((err) => log.warn({ err, call: record.id }, 'its tasks cannot be read'))
    },
  })
  releasers.add('the lookout for dead instances', () => takeover.stop())
  const far = await shareEvents({ store, events, instance: config.instance, clock, log }, await another('bell'))
  releasers.add('the events of other instances', () => far.stop())
  const commands = await makeCommands({ store, registry: calls.registry, clock, log }, await another('bell'))
  releasers.add('the answering of other instances', () => commands.stop())
  // What was asked of a call while Redis was away, or nobody held it.
  heart.onRecovery(() => {
    for (const { id } of calls.registry.list()) void commands.tasks(id).catch(() => undefined)
  })
  const readCampaigns = async () => {
    const files = await loadCampaignFiles(config.flows, dialer, known())
    for (const problem of files.problems) log.warn({ ...problem }, 'a campaign file has a fault')
    return files
  }
  await takeover.ours()
  await readCampaigns()
  for (const { telephony } of nodes) telephony.onChange(({ ready }) => ready && dialer.wake())
  heart.onRecovery(() => dialer.wake())
  await webhooks.start(await another('bell'))
  await takeover.start(await another('bell'))
  const { sighted } = takeover
  releasers.add('the lookout for their callers', lookForStrays({ store, nodes, owner, sighted, clock, log }))
  releasers.add('the dialer', () => within(clock, STOPPING, dialer.stop(), undefined))
  await dialer.start()

  const reload = async (): Promise<Reloaded> => {
    const problems = await shelf.reload()
    tell(shelf, log)
    await kept.keep()
    const files = await readCampaigns()
    const config_changed = await settingsChanged()
    if (config_changed) log.warn({ file: config.file }, 'the configuration has changed; it is read at a start only')
    return {
      flows: shelf.views().length,
      campaigns: files.campaigns,
      problems: [...problems, ...files.problems],
      config_changed,
    }
  }
  const ports = apiPorts({
    ...{ config, store, dialer, calls, commands, shelf, heart, nodes, studio, events: far, place, reload },
    now,
  })
  const api = await makeApp({ ports, metrics, log, tokens: config.api.tokens, version: packageVersion() })
  releasers.add('the API', () => api.close())
  await atTheDoor()
  const url = await api.listen({ host: config.api.host, port: config.api.port }).catch(notOpened(config.api))
  if (config.api.tokens.length === 0)
    say('The API has no tokens: it listens on loopback only, and everybody here may use it.')

  up = true
  return { url, closed: ending.closed, drain: ending.drain, hurry: ending.hurry, reload }
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(projectRoot(), 'package.json'), 'utf8')) as { version: string }
  return version
}

/** What the embedded parts and the speech engine need, set up where it is missing. */
async function toolsFor(config: Config, say: Say): Promise<Tools> {
  const parts: Part[] = ['speech']
  if (config.redis.kind === 'embedded') parts.push('redis')
  if (config.asterisk.some(({ embedded }) => embedded !== null)) parts.push('asterisk')
  return await ensureTools(parts, say, config.cache_dir)
}

function tell(shelf: Shelf, log: Log): void {
  for (const problem of shelf.problems())
    log[problem.severity === 'error' ? 'error' : 'warn']({ ...problem }, 'a flow has a fault')
}

function settingsOf({ policy, asterisk }: Config): DialSettings {
  return {
    policy,
    trunks: asterisk.flatMap(({ name, trunks }) => trunks.map((trunk) => ({ ...trunk, node: name }))),
    extensions: asterisk.flatMap(({ name, extensions }) =>
      extensions === null ? [] : [{ node: name, endpoint: extensions }],
    ),
  }
}
