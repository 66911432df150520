/** Feeds the metrics: what happens is counted when it happens, what is a state is looked at with every beat. */
import type { Metrics } from '../api/metrics.ts'
import type { CallRecord } from '../call/record.ts'
import type { Dialer } from '../dialer/dialer.ts'
import type { Store } from '../store/store.ts'
import type { Events } from './events.ts'
import type { Heart } from './heart.ts'
import type { ServiceNode } from './nodes.ts'
import type { Webhooks } from './webhooks.ts'

export interface Metered {
  metrics: Metrics
  events: Events
  nodes: ServiceNode[]
  heart: Heart
  dialer: Dialer
  store: Store
  webhooks: Webhooks
  now(): number
}

export interface Meter {
  /** A call that has begun elsewhere goes on here. */
  takenOver(record: CallRecord): void
}

export function meter({ metrics, events, nodes, heart, dialer, store, webhooks, now }: Metered): Meter {
  const here = new Set<string>()
  const begins = ({ id, kind }: CallRecord): void => {
    here.add(id)
    metrics.callsActive.inc({ direction: directionOf(kind) })
  }
  events.subscribe((event) => {
    if (event.type !== 'call.started' && event.type !== 'call.ended') return
    const { id, kind, disposition } = event.data
    if (event.type === 'call.started') begins(event.data)
    else {
      // What was never dialled ends without having started here.
      if (here.delete(id)) metrics.callsActive.dec({ direction: directionOf(kind) })
      metrics.attempts.inc({ disposition: disposition ?? 'unknown' })
    }
  })
  metrics.gates.look = () =>
    nodes.map(({ name, telephony }) => ({ node: name, reason: heart.closed() ?? telephony.reason() }))
  heart.onBeat(async () => {
    metrics.queueDepth.set(await dialer.queueDepth())
    const names = await store.campaigns.names()
    const due = await Promise.all(names.map((name) => store.callbacks.due(name, now())))
    metrics.callbacksDue.set(due.reduce((sum, one) => sum + one, 0))
    metrics.webhooksWaiting.set(await webhooks.waiting())
    metrics.webhooksDead.set(await store.outbox.deadCount())
  })
  return {
    takenOver(record) {
      metrics.takeovers.inc()
      begins(record)
    },
  }
}

function directionOf(kind: CallRecord['kind']): 'inbound' | 'outbound' {
  return kind === 'inbound' ? 'inbound' : 'outbound'
}
