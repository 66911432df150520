/** Live and past calls, as the API offers them. */
import type { CallsPort, DialRequest } from '../../api/ports/calls.ts'
import type { Calls } from '../../call/calls.ts'
import type { Dialer } from '../../dialer/dialer.ts'
import { unsettled } from '../../dialer/entrance.ts'
import type { Placement } from '../../dialer/plan.ts'
import { ApelError } from '../../errors.ts'
import type { Program, ValueType } from '../../flow/program.ts'
import type { Attempt } from '../../store/attempts.ts'
import type { Asking } from '../../store/bell.ts'
import { wholeCalls } from '../../store/call-pages.ts'
import type { Store } from '../../store/store.ts'
import type { Commands } from '../commands.ts'
import { unknownFlow } from '../shelf.ts'
import { listCalls, viewOf } from './call-list.ts'

export interface CallParts {
  store: Store
  dialer: Dialer
  calls: Calls
  commands: Commands
  /** The sound version of a flow. */
  flow(name: string): Program | undefined
  /** Dials what was reserved; see `service.ts`. */
  place(placement: Placement): Promise<void>
}

export function callsPort({ store, dialer, calls, commands, flow, place }: CallParts): CallsPort {
  const unknown = (id: string) => new ApelError('not_found', `There is no call ${id}.`)
  const attempt = async (id: string): Promise<Attempt> => {
    const found = await store.attempts.get(id)
    if (found) return found
    throw unknown(id)
  }
  /** What the instance that holds the call says to it. */
  const asked = async (id: string, what: Asking): Promise<boolean> => {
    const done = await commands.ask(id, what)
    if (done !== null) return done
    throw new ApelError(
      'unavailable',
      `The instance that holds the call ${id} does not answer; if it is gone, another one will hold the call in some seconds. Try again.`,
      {},
      true,
    )
  }
  return {
    async dial(request) {
      const program = flow(request.flow)
      if (!program) throw unknownFlow(request.flow)
      const { id } = request
      const before = id === null ? null : await store.attempts.get(id)
      if (before?.state === 'reserved') throw unsettled()
      // The request is performed again, since its first answer was lost: that call is this one.
      if (before !== null) return { id: before.record.id }
      const placement = await dialer.reserveManual({ ...request, vars: typedVars(program, request) })
      place(placement).catch((error: Error) => dialer.ledger.unplaced(placement.record, error))
      return { id: placement.record.id }
    },
    list: (query) => listCalls(store.db, query),
    async get(id) {
      const [call] = await wholeCalls(store.db, [id])
      if (call === undefined) throw unknown(id)
      return viewOf(call)
    },
    async journal(id) {
      const entries = await store.journals.read(id)
      const first = entries[0] as { texts?: unknown } | undefined
      if (first === undefined) {
        await attempt(id)
        throw new ApelError('not_found', `The call ${id} has no journal, or none any more.`)
      }
      return { id, entries, texts: typeof first.texts === 'string' ? await store.journals.texts(first.texts) : null }
    },
    async hangup(id) {
      if (calls.registry.hangup(id)) return
      const { state } = await attempt(id)
      if (state === 'ended') throw new ApelError('invalid_state', `The call ${id} is over already.`, { state })
      await asked(id, { do: 'hangup' })
    },
    async raise(id, situation) {
      const call = calls.registry.get(id)
      const { record, state } = await attempt(id)
      if ((call?.state ?? state) !== 'up') throw new ApelError('invalid_state', `Nobody talks in the call ${id}.`)
      if (!(call?.raise(situation) ?? (await asked(id, { do: 'raise', situation }))))
        throw new ApelError('not_found', `The flow ${record.flow} has no situation ${situation}.`, { situation })
    },
    async finishTask(id, name, { status, result }) {
      const { state } = await attempt(id)
      // Kept first, also for a call that is held here: whoever holds it may die in a moment, or have slept and lost it to another
      // without knowing yet. If it is over, a callback of it may be waiting for just this.
      await store.attempts.keepTask(id, name, { status, result })
      if (state !== 'ended') await commands.finished(id)
    },
  }
}

/** What came as text for a variable that is a number or true/false becomes one; a variable that is not there is refused. */
function typedVars(program: Program, { vars }: DialRequest): Record<string, unknown> {
  const typed: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(vars)) {
    // Every flow has it, undeclared.
    const type = name === 'language' ? 'text' : Object.hasOwn(program.types, name) ? program.types[name] : undefined
    if (type === undefined)
      throw new ApelError('bad_request', `The flow ${program.flow} has no variable ${name}.`, { field: `vars.${name}` })
    const taken = coerced(type, value)
    if (taken === undefined)
      throw new ApelError('bad_request', `The variable ${name} of the flow ${program.flow} is a ${type}.`, {
        field: `vars.${name}`,
      })
    typed[name] = taken
  }
  return typed
}

/** The value as this type, or undefined when it is none. */
function coerced(type: ValueType, value: unknown): unknown {
  switch (type) {
    case 'any':
      return value
    case 'text':
      return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined
    case 'number': {
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
      return typeof number === 'number' && Number.isFinite(number) ? number : undefined
    }
    case 'boolean':
      if (value === 'true' || value === 'false') return value === 'true'
      return typeof value === 'boolean' ? value : undefined
    case 'list':
      return Array.isArray(value) ? value : undefined
    case 'map':
      return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : undefined
    default: {
      const never: never = type
      return never
    }
  }
}
