/**
 * Agreements to call again: what a flow may agree on (`CallbackBook`), and what operators do with them.
 *
 * A callback belongs to a campaign: the one that was calling, the one beside the flow of an inbound call, else the
 * built-in one. It is kept in the hours of that campaign, one open a number.
 */
import type { CallbackBook, Clock, ServiceEvent } from '../call/ports.ts'
import type { CallRecord } from '../call/record.ts'
import { ApelError } from '../errors.ts'
import { nextOpening } from '../flow/calendar.ts'
import type { CallbackRequest, CallContext } from '../flow/io.ts'
import type { Callback, NewCallback } from '../store/callbacks.ts'
import type { Store } from '../store/store.ts'
import { CALLBACKS, type Definitions } from './definitions.ts'
import { newId } from './ids.ts'
import { judgeNumber, normalise } from './numbers.ts'
import { type DialPolicy, hasConsent } from './plan.ts'
import type { Planner } from './planner.ts'

export interface CallbackPorts {
  store: Store
  definitions: Definitions
  planner: Planner
  policy: DialPolicy
  clock: Clock
  emit(event: ServiceEvent): void
  dueAt(campaign: string, at: number): void
}

/** What an operator asks for. Times in ms. */
export interface AskedCallback {
  number: string
  campaign: string | null
  contact: string | null
  due_at: number
  /** ms after `due_at`; null: the campaign's. */
  expires: number | null
  flow: string | null
  at: string | null
  note: string | null
}

const DAY = 86_400_000
const WEEK = 7 * DAY

export class CallbackDesk implements CallbackBook {
  private readonly ports: CallbackPorts
  constructor(ports: CallbackPorts) {
    this.ports = ports
  }

  async allowed(context: CallContext, to: string | null): Promise<boolean> {
    const campaign = typeof context.campaign.name === 'string' ? context.campaign.name : null
    const consent = campaign === null ? null : (await this.ports.definitions.get(campaign))?.contacts.consent
    // Nobody is promised a call that the gate would refuse.
    if (consent && Object.hasOwn(context.contact, consent) && !hasConsent(context.contact[consent])) return false
    return (await this.mayCall(to ?? context.number, campaign)) !== null
  }

  async schedule(record: CallRecord, request: CallbackRequest): Promise<boolean> {
    const { store, clock } = this.ports
    const attempt = await store.attempts.get(record.id)
    const campaign = record.campaign ?? attempt?.home ?? CALLBACKS
    const number = await this.mayCall(request.to ?? record.number, campaign)
    if (number === null) return false
    const expires = (await this.ports.definitions.get(campaign))?.callbacks.expires ?? DAY
    return await this.keep({
      id: newId(clock.now()),
      number,
      campaign,
      contact: record.contact,
      row: attempt?.row ?? null,
      due_at: request.due_at,
      expires_at: request.due_at + (request.expires ?? expires),
      note: request.note,
      flow: request.flow ?? record.flow,
      at: request.at,
      agent: request.agent,
      call: record.id,
      created_at: clock.now(),
    })
  }

  /** An operator's callback. Throws the rule's code for a number that may not be called, `not_found` for a contact. */
  async create(asked: AskedCallback): Promise<Callback> {
    const { store, definitions, planner, policy, clock } = this.ports
    const name = asked.campaign ?? CALLBACKS
    const campaign = await definitions.get(name)
    if (campaign === null) throw new ApelError('unknown_campaign', `There is no campaign ${name}.`)
    const number = normalise(asked.number, policy)
    const contact =
      asked.contact !== null
        ? await store.contacts.find(name, { key: asked.contact })
        : number === null
          ? null
          : await store.contacts.find(name, { number })
    if (asked.contact !== null && contact === null)
      throw new ApelError('not_found', `The campaign ${name} has no contact ${asked.contact}.`)
    const fault = judgeNumber(number, policy)
    if (fault !== null || number === null)
      throw new ApelError(fault?.rule ?? 'number', `This number cannot be called back: ${fault?.reason}.`)
    if ((await store.dnc.covering(number, name)) !== null)
      throw new ApelError('dnc', 'This number cannot be called back: it is on the do-not-call list.')
    const { consent } = campaign.contacts
    if (consent !== null && !hasConsent(contact?.data[consent]))
      throw new ApelError('consent', 'This number cannot be called back: nobody there has agreed to be called.')
    if (name === CALLBACKS && asked.flow === null)
      throw new ApelError('bad_request', 'Without a campaign the callback must name its flow.', { field: 'flow' })
    const { zones, windows, holidays } = planner.hours(campaign, contact ?? { number, data: {} })
    const due_at = nextOpening(Math.max(asked.due_at, clock.now()), zones, windows, holidays, WEEK)
    if (due_at === null) throw new ApelError('window', 'Nothing opens there within seven days of that time.')
    const callback: NewCallback = {
      id: newId(clock.now()),
      number,
      campaign: name,
      contact: contact?.key ?? null,
      row: contact?.row ?? null,
      due_at,
      expires_at: due_at + (asked.expires ?? campaign.callbacks.expires),
      note: asked.note,
      flow: asked.flow,
      at: asked.at,
      agent: null,
      call: null,
      created_at: clock.now(),
    }
    if (!(await this.keep(callback))) throw new ApelError('not_found', 'The contact was removed meanwhile.')
    return await this.get(callback.id)
  }

  async get(id: string): Promise<Callback> {
    const callback = await this.ports.store.callbacks.get(id)
    if (callback === null) throw new ApelError('not_found', `There is no callback ${id}.`)
    return callback
  }

  /** Puts an open one to another time, moved to an opening; it expires as long after it as before. */
  async move(id: string, to: number): Promise<Callback> {
    const { store, definitions, planner, clock } = this.ports
    const callback = await this.get(id)
    const campaign = await definitions.get(callback.campaign)
    const contact = callback.row === null ? null : await store.contacts.at(callback.campaign, callback.row)
    const { zones, windows, holidays } = planner.hours(campaign, contact ?? { number: callback.number, data: {} })
    const due = nextOpening(Math.max(to, clock.now()), zones, windows, holidays, WEEK)
    if (due === null) throw new ApelError('window', 'Nothing opens there within seven days of that time.')
    this.mustBeOpen(id, await store.callbacks.move(id, due, due + (callback.expires_at - callback.due_at)))
    this.ports.dueAt(callback.campaign, due)
    return await this.get(id)
  }

  /** Cancels an open one; its contact is as it was before. */
  async cancel(id: string): Promise<void> {
    const { store, clock } = this.ports
    this.mustBeOpen(id, await store.callbacks.close(id, 'cancelled', 'was', clock.now()))
  }

  private mustBeOpen(id: string, answer: string): void {
    if (answer === 'not_found') throw new ApelError('not_found', `There is no callback ${id}.`)
    if (answer !== 'ok')
      throw new ApelError('invalid_state', `The callback ${id} is ${answer}; only an open one can be changed.`, {
        state: answer,
      })
  }

  /** The number as it is dialled; null when it may not be. */
  private async mayCall(raw: string, campaign: string | null): Promise<string | null> {
    const { store, policy } = this.ports
    const number = normalise(raw, policy)
    if (number === null || judgeNumber(number, policy) !== null) return null
    return (await store.dnc.covering(number, campaign)) === null ? number : null
  }

  private async keep(callback: NewCallback): Promise<boolean> {
    const { store, clock, emit, dueAt } = this.ports
    if (!(await store.callbacks.schedule(callback, clock.now()))) return false
    emit({ type: 'callback.scheduled', data: { ...callback, state: 'open' } })
    dueAt(callback.campaign, callback.due_at)
    return true
  }
}
