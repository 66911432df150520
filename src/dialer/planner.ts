/** Makes plans: of what the line-up handed out, of a call that somebody asks for, of a call that came in. */
import type { Peer } from '../call/ports.ts'
import type { CallRecord } from '../call/record.ts'
import type { CallContext } from '../flow/io.ts'
import type { Claim, Item } from '../store/line-up.ts'
import type { Row } from '../store/rows.ts'
import type { Store } from '../store/store.ts'
import type { Campaign } from './campaign.ts'
import { normalise } from './numbers.ts'
import {
  contactFacts,
  type DialSettings,
  dialOf,
  hasConsent,
  hoursFor,
  type Plan,
  previousFacts,
  trunksFor,
  zonesFor,
} from './plan.ts'
import type { Hours } from './retry.ts'

export interface ManualRequest {
  to: string
  flow: string
  vars: Record<string, unknown>
  trunk: string | null
  /** Of the call. Left out or null: a new one. */
  id?: string | null
}

export class Planner {
  private readonly store: Store
  private readonly settings: DialSettings

  constructor(store: Store, settings: DialSettings) {
    this.store = store
    this.settings = settings
  }

  /** When this contact of the campaign may be called. */
  hours(campaign: Campaign | null, contact: Pick<Row, 'number' | 'data'>): Hours {
    const { policy } = this.settings
    const own = campaign?.contacts.timezone ? contact.data[campaign.contacts.timezone] : undefined
    const zones = zonesFor(own, contact.number, campaign?.timezone ?? null, policy.timezone)
    return hoursFor(campaign, zones, policy)
  }

  /** The trunks that may carry a call of this campaign, in their order. */
  trunks(campaign: Campaign, number: string): string[] {
    return trunksFor(campaign.dial.trunks, number, this.settings).map(({ name }) => name)
  }

  /** Null when there is nobody to call any more. */
  claimed(campaign: Campaign, item: Item, claim: Claim): Plan | null {
    const { contact, callback, previous } = claim
    const raw = callback?.number ?? contact?.number
    if (raw === undefined || (item.startsWith('c') && callback === null)) return null
    const data = contact?.data ?? {}
    const number = normalise(raw, this.settings.policy)
    const consent = campaign.contacts.consent
    const agreed = callback?.call ? null : false
    const trunks = trunksFor(campaign.dial.trunks, number, this.settings)
    const others = trunks.filter(({ name }) => !claim.failover?.tried.includes(name))
    return {
      kind: callback === null ? 'first' : 'callback',
      campaign,
      row: claim.row,
      key: contact?.key ?? null,
      progress: contact?.progress ?? null,
      packed: claim.packed,
      callback,
      number,
      raw,
      flow: callback?.flow ?? campaign.flow,
      // Who agreed on it in a call wished for it; an operator's word is not the callee's.
      consent: consent === null ? null : contact === null ? agreed : hasConsent(data[consent]),
      hours: this.hours(campaign, { number: number ?? raw, data }),
      trunks: others.length > 0 ? others : trunks,
      ...dialOf(campaign),
      data,
      previous,
      failover: others.length > 0 ? claim.failover : null,
      vars: {},
    }
  }

  async manual({ to, flow, vars, trunk, id }: ManualRequest): Promise<Plan> {
    const number = normalise(to, this.settings.policy)
    return {
      kind: 'manual',
      ...(id ? { id } : {}),
      campaign: null,
      row: null,
      key: null,
      progress: null,
      packed: null,
      callback: null,
      number,
      raw: to,
      flow,
      consent: null,
      hours: this.hours(null, { number: number ?? '', data: {} }),
      trunks: trunksFor(trunk === null ? null : [trunk], number, this.settings),
      ...dialOf(null),
      data: {},
      previous: number === null ? null : await this.store.lineUp.previous(number, null, null),
      failover: null,
      vars,
    }
  }

  /**
   * Somebody whom a live call is to be connected to, on its node. Of an extension the whole text must be one that is
   * listed. Our own PBX is shown who is calling; elsewhere only the trunk's own numbers may be shown.
   */
  leg(call: CallRecord, id: string, to: Peer, ring: number): Plan {
    const raw = 'extension' in to ? to.extension : to.number
    const found = normalise(raw, this.settings.policy)
    const number = 'extension' in to && found !== raw.trim() ? null : found
    const trunks = trunksFor(null, number, this.settings).filter(({ node }) => node === call.node)
    const shown = number?.startsWith('+') || call.number === '' ? null : [call.number]
    return {
      kind: 'leg',
      id,
      campaign: null,
      row: null,
      key: null,
      progress: null,
      packed: null,
      callback: null,
      number,
      raw,
      flow: call.flow ?? '',
      consent: null,
      hours: this.hours(null, { number: number ?? '', data: {} }),
      trunks: shown === null ? trunks : trunks.map((trunk) => ({ ...trunk, caller_ids: shown })),
      ring,
      amd: false,
      data: {},
      previous: null,
      failover: null,
      vars: {},
    }
  }

  /** What the conversation of an inbound call starts from; the caller is `contact` of the campaign beside the flow. */
  async inbound(
    id: string,
    number: string,
    campaign: Campaign | null,
    contact: (Row & { row: number }) | null,
  ): Promise<CallContext> {
    const hours = this.hours(campaign, contact ?? { number, data: {} })
    const previous =
      number === ''
        ? null
        : await this.store.lineUp.previous(number, contact ? (campaign?.name ?? null) : null, contact?.row ?? null)
    return {
      id,
      direction: 'inbound',
      number,
      attempt: 1,
      kind: 'inbound',
      amd: 'human',
      contact: contactFacts(campaign, contact?.data ?? {}, number),
      campaign: campaign === null ? {} : { name: campaign.name },
      previous: previousFacts(previous, null),
      vars: {},
      start_at: null,
      ...hours,
    }
  }
}
