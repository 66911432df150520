/** The service's own metrics, as `/metrics` shows them. The parts that count are handed these by `service.ts`. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = ReturnType<typeof makeMetrics>

/** A registry of its own for each service, so that several may live in one process (tests). */
export function makeMetrics() {
  const registry = new Registry()
  const registers = [registry]
  // A look at the loop's delay every 10 ms would be half of what an idle service costs.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 })
  const callsActive = new Gauge({
    name: 'apel_calls_active',
    help: 'Calls that are not ended.',
    labelNames: ['direction'] as const,
    registers,
  })
  // A rule of a monitor sees no change from nothing to 1.
  for (const direction of ['inbound', 'outbound']) callsActive.set({ direction }, 0)
  // Asked with every look at the metrics: a gate that has closed because Redis is away is not told by what Redis' beat measures.
  const gates = { look: (): { node: string; reason: string | null }[] => [] }
  const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
  return {
    registry,
    callsActive,
    attempts: new Counter({
      name: 'apel_attempts_total',
      help: 'Attempts that have ended, by disposition.',
      labelNames: ['disposition'] as const,
      registers,
    }),
    gates,
    gateOpen: new Gauge({
      name: 'apel_gate_open',
      help: '1 while this node may dial; the reason is empty then.',
      labelNames: ['node', 'reason'] as const,
      registers,
      collect() {
        this.reset()
        for (const { node, reason } of gates.look()) this.set({ node, reason: reason ?? '' }, reason === null ? 1 : 0)
      },
    }),
    queueDepth: new Gauge({ name: 'apel_queue_depth', help: 'Calls waiting in the queue.', registers }),
    callbacksDue: new Gauge({ name: 'apel_callbacks_due', help: 'Callbacks whose time has come.', registers }),
    webhookTries: new Counter({
      name: 'apel_webhook_tries_total',
      help: 'Tries to deliver a letter to a webhook: arrived, refused (to be tried again), given_up.',
      labelNames: ['result'] as const,
      registers,
    }),
    webhooksWaiting: new Gauge({
      name: 'apel_webhooks_waiting',
      help: 'Calls (campaigns, trunks) with letters that wait for a webhook.',
      registers,
    }),
    webhooksDead: new Gauge({ name: 'apel_webhooks_dead', help: 'Letters that were given up.', registers }),
    ariRequestSeconds: new Histogram({
      name: 'apel_ari_request_seconds',
      help: 'From a request to Asterisk to its answer.',
      buckets: seconds,
      registers,
    }),
    stepSeconds: new Histogram({
      name: 'apel_step_seconds',
      help: 'From an input of a call, over its journal, to its effects being asked for.',
      buckets: seconds,
      registers,
    }),
    takeovers: new Counter({
      name: 'apel_takeovers_total',
      help: 'Calls taken over from an instance that was gone.',
      registers,
    }),
  }
}
