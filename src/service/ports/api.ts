/** All that the HTTP API asks of the service, over the parts that `service.ts` has opened. */
import type { ControlPort } from '../../api/ports/control.ts'
import type { ApiPorts } from '../../api/ports.ts'
import type { Calls } from '../../call/calls.ts'
import type { Config } from '../../config.ts'
import type { Dialer } from '../../dialer/dialer.ts'
import { newId } from '../../dialer/ids.ts'
import { normalise } from '../../dialer/numbers.ts'
import type { Placement } from '../../dialer/plan.ts'
import type { Studio } from '../../media/voice.ts'
import { Runs } from '../../store/runs.ts'
import type { Store } from '../../store/store.ts'
import type { Commands } from '../commands.ts'
import type { Events } from '../events.ts'
import type { Heart } from '../heart.ts'
import type { ServiceNode } from '../nodes.ts'
import type { Shelf } from '../shelf.ts'
import { callsPort } from './calls.ts'
import { callbacksPort, campaignsPort, contactsPort, viewOf } from './campaigns.ts'
import { dncPort } from './dnc.ts'
import { webhooksPort } from './webhooks.ts'

export interface PortParts {
  config: Config
  store: Store
  dialer: Dialer
  calls: Calls
  commands: Commands
  shelf: Shelf
  heart: Heart
  nodes: ServiceNode[]
  studio: Studio
  events: Pick<Events, 'subscribe'>
  now(): number
  /** Dials what was reserved. */
  place(placement: Placement): Promise<void>
  reload: ControlPort['reload']
}

/** Puts them together; each area has its own file beside this one. */
export function apiPorts(parts: PortParts): ApiPorts {
  const { config, store, dialer, shelf, heart, nodes, events, now } = parts
  const runs = new Runs(store.db)
  // What stands on a list need not be allowed to be dialled.
  const anyNumber = (number: string): string | null => normalise(number, { ...config.policy, allow: ['+'] })
  const shared = { ...parts, normalise: anyNumber }
  return {
    async health() {
      const links = nodes.map(({ name, telephony }) => ({
        name,
        linked: telephony.ready(),
        reason: telephony.reason(),
      }))
      const reason = heart.closed() ?? (links.some(({ linked }) => linked) ? null : 'no Asterisk can be dialled on')
      return {
        ...{ ready: reason === null, reason },
        redis: { writable: heart.redis() === null, reason: heart.redis() },
        ledger: { loaded: heart.foreign() === null, reason: heart.foreign() },
        nodes: links,
      }
    },
    campaigns: campaignsPort(shared),
    contacts: contactsPort(shared),
    callbacks: callbacksPort({ ...shared, flow: shelf.get }),
    calls: callsPort({ ...parts, flow: shelf.get }),
    dnc: dncPort({ store, now, normalise: anyNumber, country: config.policy.default_country }),
    runs: {
      begin: (campaign, id) => runs.begin(campaign, id, now()),
      change: (campaign, id, change) => runs.change(campaign, id, change, now()),
    },
    numbers: {
      async export(number) {
        const found = await dialer.numbers.export(number)
        return { ...found, callbacks: found.callbacks.map(viewOf) }
      },
      erase: (number) => dialer.numbers.erase(number),
    },
    explain: (number, campaign) => dialer.explain(number, campaign),
    webhooks: webhooksPort({ outbox: store.outbox, trunks: trunksOf(config) }, now),
    flows: async () => shelf.views(),
    sound: (name) => parts.studio.file(name),
    control: {
      async stop() {
        await dialer.setPaused(true)
        return { paused: true }
      },
      async resume() {
        await dialer.setPaused(false)
        return { paused: false }
      },
      reload: parts.reload,
    },
    events: { subscribe: events.subscribe },
    idempotency: {
      claim: (key, fingerprint, patience) => store.idempotency.claim(key, fingerprint, newId(now()), patience),
      keep: (key, kept) => store.idempotency.keep(key, kept),
      release: (key, fingerprint, id) => store.idempotency.release(key, fingerprint, id),
    },
  }
}

const trunksOf = ({ asterisk }: Config) =>
  asterisk.flatMap(({ name: node, trunks }) => trunks.map(({ name }) => ({ name, node })))
