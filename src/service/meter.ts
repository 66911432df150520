/** Feeds the metrics: what happens is counted when it happens, what is a state is looked at with every beat. */
import type { Metrics } from '../api/metrics.ts'
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

export function meter({ metrics, events, nodes, heart, dialer, store, webhooks, now }: Metered): void {
  const started = new Set<string>()
  events.subscribe((event) => {
    if (event.type !== 'call.started' && event.type !== 'call.ended') return
    const { id, kind, disposition } = event.data
    const direction = kind === 'inbound' ? 'inbound' : 'outbound'
    if (event.type === 'call.started') {
      started.add(id)
      metrics.callsActive.inc({ direction })
    } else {
      // What was never dialled, or began on another instance, ends without having started here.
      if (started.delete(id)) metrics.callsActive.dec({ direction })
      metrics.attempts.inc({ disposition: disposition ?? 'unknown' })
    }
  })
  heart.onBeat(async () => {
    metrics.gateOpen.reset()
    for (const { name, telephony } of nodes) {
      const reason = heart.closed() ?? telephony.reason()
      metrics.gateOpen.set({ node: name, reason: reason ?? '' }, reason === null ? 1 : 0)
    }
    metrics.queueDepth.set(await dialer.queueDepth())
    const names = await store.campaigns.names()
    const due = await Promise.all(names.map((name) => store.callbacks.due(name, now())))
    metrics.callbacksDue.set(due.reduce((sum, one) => sum + one, 0))
    metrics.webhooksWaiting.set(await webhooks.waiting())
    metrics.webhooksDead.set(await store.outbox.deadCount())
  })
}
