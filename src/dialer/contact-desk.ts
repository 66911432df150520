/** What operators do with single contacts. */
import type { Clock } from '../call/ports.ts'
import { ApelError } from '../errors.ts'
import { isZone, nextOpening } from '../flow/calendar.ts'
import type { ContactState } from '../store/campaigns.ts'
import type { Contact } from '../store/contacts.ts'
import { positionOf } from '../store/cursor.ts'
import type { Store } from '../store/store.ts'
import type { Campaign } from './campaign.ts'
import type { Definitions } from './definitions.ts'
import { normalise } from './numbers.ts'
import type { DialPolicy } from './plan.ts'
import type { Planner } from './planner.ts'

export interface ContactView {
  key: string
  number: string
  state: ContactState
  attempts: number
  /** ms; null when nothing is planned. */
  next_at: number | null
  held_by: string | null
  priority: number
  data: Record<string, string>
  last_disposition: string | null
}

export interface ContactChange {
  state?: 'pending' | 'done'
  priority?: number
  data?: Record<string, string>
}

export interface ContactPorts {
  store: Store
  definitions: Definitions
  planner: Planner
  policy: DialPolicy
  clock: Clock
}

const YEAR = 366 * 86_400_000

/** A contact's priority, higher first; empty or unreadable is 0. */
export function priorityOf(campaign: Campaign, data: Record<string, string>): number {
  const column = campaign.contacts.priority
  const value = Number.parseInt((column && data[column]) || '0', 10)
  return Number.isFinite(value) ? Math.max(-1_000_000, Math.min(1_000_000, value)) : 0
}

export class ContactDesk {
  private readonly ports: ContactPorts
  constructor(ports: ContactPorts) {
    this.ports = ports
  }

  /** In the order of the file; `cursor` as `next` gave it. */
  async list(
    name: string,
    { limit, cursor, state }: { limit: number; cursor: string | null; state: ContactState | null },
  ): Promise<{ items: ContactView[]; next: string | null }> {
    const campaign = await this.campaign(name)
    const from = positionOf(cursor)
    const { contacts, next } = await this.ports.store.contacts.list(name, from, limit, state)
    const items = await Promise.all(contacts.map((contact) => this.view(campaign, contact)))
    return { items, next: next === null ? null : String(next) }
  }

  async get(name: string, key: string): Promise<ContactView> {
    const campaign = await this.campaign(name)
    return await this.view(campaign, await this.find(name, key))
  }

  /** Changes data and priority, then the state: `pending` puts it in front with a fresh budget, `done` has done with it. */
  async change(name: string, key: string, { data, priority, state }: ContactChange): Promise<ContactView> {
    const campaign = await this.campaign(name)
    const contact = await this.find(name, key)
    if (data !== undefined || priority !== undefined) await this.rewrite(campaign, contact, data ?? {}, priority)
    if (state !== undefined) {
      const done = await this.ports.store.contacts.setState(name, contact.row, state, this.ports.clock.now())
      if (!done)
        throw new ApelError('invalid_state', `The contact ${key} is being called; ask again when the call has ended.`)
    }
    return await this.get(name, key)
  }

  async remove(name: string, key: string): Promise<void> {
    await this.campaign(name)
    const contact = await this.find(name, key)
    if (!(await this.ports.store.contacts.remove(name, contact.row, this.ports.clock.now())))
      throw new ApelError('invalid_state', `The contact ${key} is being called; ask again when the call has ended.`)
  }

  private async rewrite(
    campaign: Campaign,
    contact: Contact,
    data: Record<string, string>,
    priority: number | undefined,
  ): Promise<void> {
    const { contacts } = campaign
    const next = { key: contact.key, number: contact.number, data: { ...contact.data, ...data } }
    const fault = (field: string, message: string) => new ApelError('bad_request', message, { field })
    if (priority !== undefined) {
      if (contacts.priority === null)
        throw fault('priority', `The campaign ${campaign.name} maps no column \`priority\`.`)
      next.data[contacts.priority] = String(priority)
    }
    if (contacts.key !== null && data[contacts.key] !== undefined && data[contacts.key] !== contact.key)
      throw fault(contacts.key, 'The key of a contact cannot be changed; remove it and add another.')
    const zone = contacts.timezone === null ? undefined : data[contacts.timezone]
    if (zone && !isZone(zone))
      throw fault(contacts.timezone ?? '', `${zone} is not a time zone such as Europe/Bucharest.`)
    const raw = data[contacts.number]
    if (raw !== undefined) {
      const number = normalise(raw, this.ports.policy)
      if (number === null) throw fault(contacts.number, 'This is not a number that can be called.')
      if (contact.key === contact.number && number !== contact.number)
        throw fault(contacts.number, 'The number is the key of this contact; remove it and add another.')
      next.number = number
      next.data[contacts.number] = number
    }
    const lane = String(priorityOf(campaign, next.data))
    if (!(await this.ports.store.contacts.change(campaign.name, contact, next, lane, contacts)))
      throw fault(contacts.number, 'Another contact of the campaign has this number.')
  }

  private async campaign(name: string): Promise<Campaign> {
    const campaign = await this.ports.definitions.get(name)
    if (campaign === null) throw new ApelError('not_found', `There is no campaign ${name}.`)
    return campaign
  }

  private async find(name: string, key: string): Promise<Contact> {
    const contact = await this.ports.store.contacts.find(name, { key })
    if (contact === null) throw new ApelError('not_found', `The campaign ${name} has no contact with this key.`)
    return contact
  }

  /** Those who sleep wait together for their zone, and have no time of their own. */
  private opening(campaign: Campaign, contact: Contact): number | null {
    const { state, rule } = contact.progress
    if (state !== 'held' || (rule !== 'window' && rule !== 'holiday')) return null
    const { zones, windows, holidays } = this.ports.planner.hours(campaign, contact)
    return nextOpening(this.ports.clock.now(), zones, windows, holidays, YEAR)
  }

  private async view(campaign: Campaign, contact: Contact): Promise<ContactView> {
    const { progress } = contact
    const callback = progress.state === 'callback' ? await this.ports.store.callbacks.ofNumber(contact.number) : null
    return {
      key: contact.key,
      number: contact.number,
      state: progress.state,
      attempts: progress.total,
      next_at: callback?.due_at ?? (progress.due > 0 ? progress.due : this.opening(campaign, contact)),
      held_by: progress.state === 'held' ? progress.rule : null,
      priority: priorityOf(campaign, contact.data),
      data: contact.data,
      last_disposition: progress.disposition || null,
    }
  }
}
