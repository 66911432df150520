/** What happens in the service, told to whoever listens: the API's event stream, webhooks, metrics. */
import type { ServiceEvent } from '../call/ports.ts'
import type { Log } from '../log.ts'

export interface Events {
  publish(event: ServiceEvent): void
  /** Gives the way to stop listening. */
  subscribe(listener: (event: ServiceEvent) => void): () => void
}

/** A listener that throws is logged and stays: it must not take a call with it. */
export function makeEvents(log: Log): Events {
  const listeners = new Set<(event: ServiceEvent) => void>()
  return {
    publish(event) {
      for (const listener of listeners) {
        try {
          listener(event)
        } catch (error) {
          log.error({ event: event.type, err: error }, 'a listener of events threw')
        }
      }
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
