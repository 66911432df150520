/**
 * One call, one mailbox. What happens to a call comes from many sides at once (the line, timers, web servers, an
 * operator); here it becomes one line of events, each handled to its end before the next one is looked at, so that the
 * code behind it never meets itself half-way. A handler that throws is reported and the next event is handled all the same.
 */
export interface Mailbox<T> {
  /** Takes an event; returns at once. After `close` it is dropped. */
  post(event: T): void
  /** Takes nothing more and forgets what waits. What is being handled goes on to its end. */
  close(): void
  /** How many events wait or are being handled. */
  size(): number
}

/** Makes a mailbox. `fault` gets what the handler threw and must not throw itself. */
export function makeMailbox<T>(
  handle: (event: T) => Promise<void> | void,
  fault: (error: unknown, event: T) => void,
): Mailbox<T> {
  const waiting: T[] = []
  let busy = false
  let closed = false

  const work = async () => {
    busy = true
    while (waiting.length > 0) {
      const event = waiting.shift()!
      try {
        await handle(event)
      } catch (error) {
        fault(error, event)
      }
    }
    busy = false
  }

  return {
    post(event) {
      if (closed) return
      waiting.push(event)
      // Never from within: whoever posts goes on first.
      if (!busy) {
        busy = true
        queueMicrotask(() => void work())
      }
    },
    close() {
      closed = true
      waiting.length = 0
    },
    size: () => waiting.length + (busy ? 1 : 0),
  }
}
