/**
 * What is asked of a call that another instance holds: its end, a situation, the end of a task. It is rung out to all, and
 * whoever holds the call does it and answers. Nobody answers for a call whose instance has just gone: the client is told to ask
 * again. A task's result is kept in the ledger first, so it outlives everybody.
 */
import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Clock } from '../call/ports.ts'
import type { Registry } from '../call/registry.ts'
import { within } from '../call/within.ts'
import type { Log } from '../log.ts'
import { type Asking, listen, ring } from '../store/bell.ts'
import type { Store } from '../store/store.ts'

export interface Commands {
  /** What its holder says: done, or not (no such situation); null when nobody answers. */
  ask(id: string, what: Asking): Promise<boolean | null>
  /** Tells whoever holds the call that a task of it was finished; the result is in the ledger already. */
  finished(id: string): Promise<void>
  /** Tells a call that is held here what was finished for it elsewhere, or while nobody held it. */
  tasks(id: string): Promise<void>
  stop(): void
}

/** ms that an answer takes at most, and how often it is asked. */
const ANSWER_WITHIN = 500
const TRIES = 2

/** `bell` is a connection that listens. */
export async function makeCommands(
  { store, registry, clock, log }: { store: Store; registry: Registry; clock: Clock; log: Log },
  bell: Redis,
): Promise<Commands> {
  const waiting = new Map<string, (done: boolean) => void>()

  async function tasks(id: string): Promise<void> {
    const call = registry.get(id)
    if (call === undefined) return
    for (const [name, { status, result }] of Object.entries(await store.attempts.tasks(id)))
      call.finishTask(name, status, result)
  }

  async function obey(id: string, what: Asking): Promise<boolean | null> {
    const call = registry.get(id)
    if (call === undefined) return null
    switch (what.do) {
      case 'hangup':
        return registry.hangup(id)
      case 'raise':
        return call.raise(what.situation)
      case 'task':
        await tasks(id)
        return true
      default: {
        const never: never = what
        return never
      }
    }
  }

  const stop = await listen(bell, (heard) => {
    if (heard.bell === 'answer') waiting.get(heard.token)?.(heard.done)
    if (heard.bell !== 'ask') return
    obey(heard.id, heard.what)
      .then(async (done) => {
        if (done !== null) await ring(store.db, { bell: 'answer', token: heard.token, done })
      })
      .catch((error: unknown) =>
        log.warn({ call: heard.id, err: error }, 'what another instance asks could not be done'),
      )
  })

  return {
    async ask(id, what) {
      const token = randomUUID()
      const answer = new Promise<boolean>((resolve) => waiting.set(token, resolve))
      try {
        for (let turn = 0; turn < TRIES; turn += 1) {
          await ring(store.db, { bell: 'ask', token, id, what })
          const done = await within(clock, ANSWER_WITHIN, answer, null)
          if (done !== null) return done
        }
        return null
      } finally {
        waiting.delete(token)
      }
    },
    finished: (id) => ring(store.db, { bell: 'ask', token: randomUUID(), id, what: { do: 'task' } }),
    tasks,
    stop,
  }
}
