/**
 * Who is to be called, with everything that does not depend on the moment: the number, where its owner lives, the hours
 * that bind the call, the flow and where it starts, the trunks that may carry it. The gate judges plans; a reserved plan
 * becomes a placement, which is all that the line and the conversation need.
 */
import type { DialOrder } from '../call/ports.ts'
import type { CallRecord } from '../call/record.ts'
import { isZone, zonesOf } from '../flow/calendar.ts'
import type { CallContext, Windows } from '../flow/io.ts'
import type { Callback } from '../store/callbacks.ts'
import type { Progress } from '../store/contacts.ts'
import type { Failover, Previous } from '../store/line-up.ts'
import type { Campaign } from './campaign.ts'
import { dialString, type NumberFormat, type NumberPolicy } from './numbers.ts'
import type { Hours } from './retry.ts'

/** `policy` of apel.yaml. */
export interface DialPolicy extends NumberPolicy {
  timezone: string
  windows: Windows
  per_number: { per_day: number | null; per_week: number | null }
}

/** A trunk and the node that it belongs to. */
export interface Trunk {
  name: string
  node: string
  endpoint: string
  number_format: NumberFormat
  channels: number
  cps: number
  caller_ids: readonly string[]
}

/** What the dialer reads of the configuration; `trunksOf` and the policy of apel.yaml fit as they are. */
export interface DialSettings {
  policy: DialPolicy
  trunks: Trunk[]
  /** How an extension of the PBX is reached, by node. */
  extensions: { node: string; endpoint: string }[]
}

export interface Plan {
  kind: CallRecord['kind']
  /** The id that the record is to have; without it a new one. */
  id?: string
  campaign: Campaign | null
  row: number | null
  key: string | null
  progress: Progress | null
  /** The contact's content as the plan read it; null without a contact. */
  packed: string | null
  callback: Callback | null
  /** As `normalise` gave it; null for one that is no number. `raw` is what was asked for. */
  number: string | null
  raw: string
  flow: string
  /** Null when no column is mapped: consent is not asked for. */
  consent: boolean | null
  hours: Hours
  trunks: Trunk[]
  ring: number
  amd: boolean
  data: Record<string, string>
  previous: Previous | null
  /** The attempt that it follows, when a trunk had refused that one. */
  failover: Failover | null
  vars: Record<string, unknown>
}

/** A reserved attempt: what to dial and what the conversation starts from. `order.absolute` is the caller's to add. */
export interface Placement {
  record: CallRecord
  node: string
  order: Omit<DialOrder, 'absolute'>
  context: CallContext
}

const RING = 25_000
const CONSENT = /^(yes|true|1|y|da)$/i

export function hasConsent(text: string | undefined): boolean {
  return CONSENT.test((text ?? '').trim())
}

/**
 * All zones in which the number's owner may be: the contact's own, else the number's, else the campaign's, else the
 * policy's. Of several, the campaign's stands first: times are spoken in it.
 */
export function zonesFor(own: string | undefined, number: string, campaign: string | null, policy: string): string[] {
  if (own !== undefined && own.trim() !== '') return [own.trim()]
  const found = zonesOf(number)
  const fallback = campaign ?? policy
  if (found.length === 0) return [fallback]
  return found.includes(fallback) ? [fallback, ...found.filter((zone) => zone !== fallback)] : found
}

/** The hours that bind a call of this campaign to somebody in these zones. */
export function hoursFor(campaign: Campaign | null, zones: string[], policy: DialPolicy): Hours {
  const windows = campaign?.window ? [policy.windows, campaign.window] : [policy.windows]
  return { zones, windows, holidays: campaign?.holidays ?? [] }
}

/** Are all zones known? A zone that is not is no reason to guess. */
export function hasZones(hours: Hours): boolean {
  return hours.zones.length > 0 && hours.zones.every(isZone)
}

/** The campaign's trunks in its order, all without a list; extensions go their own way. */
export function trunksFor(names: readonly string[] | null, number: string | null, settings: DialSettings): Trunk[] {
  if (number !== null && !number.startsWith('+'))
    return settings.extensions.map(({ node, endpoint }) => ({
      name: `extensions@${node}`,
      node,
      endpoint,
      number_format: 'digits',
      channels: 100,
      cps: 10,
      caller_ids: [],
    }))
  if (names === null) return settings.trunks
  return names.flatMap((name) => settings.trunks.filter((trunk) => trunk.name === name))
}

/** The dial defaults of a call without a campaign. */
export function dialOf(campaign: Campaign | null): { ring: number; amd: boolean } {
  return { ring: campaign?.dial.ring ?? RING, amd: campaign?.dial.amd ?? false }
}

/** The caller id that this number always sees on this trunk: a stable choice from the trunk's own list. */
export function callerId(trunk: Trunk, number: string): string | null {
  if (trunk.caller_ids.length === 0) return null
  let sum = 0
  for (const sign of number) sum = (sum * 31 + sign.charCodeAt(0)) % 65_521
  return trunk.caller_ids[sum % trunk.caller_ids.length] ?? null
}

/** What a flow may read as `contact.*`: the imported columns, the language's column under its own name. */
export function contactFacts(
  campaign: Campaign | null,
  data: Record<string, string>,
  number: string,
): Record<string, string> {
  const language = campaign?.contacts.language ? data[campaign.contacts.language] : undefined
  return { number, ...data, ...(language ? { language } : {}) }
}

/**
 * What a flow may read as `previous.*`. Whom it spoke with, and notes, a conversation leaves in variables of these names; the
 * note of the callback that is being carried out goes before.
 */
export function previousFacts(previous: Previous | null, callback: Callback | null): Record<string, unknown> {
  const note = callback?.note ? { notes: callback.note } : {}
  if (previous === null) return note
  const left = (name: string) => {
    const value = previous.vars[name]
    return typeof value === 'string' && value !== '' ? { [name]: value } : {}
  }
  return {
    outcome: previous.outcome ?? '',
    step: previous.step ?? '',
    at: previous.at,
    strategy: previous.strategy ?? '',
    agent: previous.agent ?? '',
    tasks: previous.tasks,
    ...left('spoke_with'),
    ...left('notes'),
    ...note,
  }
}

/** The conversation's side of a call, outbound. */
export function contextOf(plan: Plan, record: CallRecord): CallContext {
  return {
    id: record.id,
    direction: 'outbound',
    number: record.number,
    attempt: record.attempt,
    kind: record.kind as CallContext['kind'],
    amd: 'human',
    contact: contactFacts(plan.campaign, plan.data, record.number),
    campaign: plan.campaign === null ? {} : { name: plan.campaign.name },
    previous: previousFacts(plan.previous, plan.callback),
    vars: plan.vars,
    start_at: plan.callback?.at ?? null,
    zones: plan.hours.zones,
    windows: plan.hours.windows,
    holidays: plan.hours.holidays,
  }
}

export function placementOf(plan: Plan, record: CallRecord): Placement {
  const trunk = plan.trunks.find(({ name }) => name === record.trunk)
  if (trunk === undefined) throw new Error(`no trunk ${record.trunk} in the plan of ${record.id}`)
  return {
    record,
    node: trunk.node,
    order: {
      id: record.id,
      endpoint: dialString(trunk.endpoint, record.number, trunk.number_format),
      callerId: record.caller_id,
      ring: plan.ring,
      amd: plan.amd,
    },
    context: contextOf(plan, record),
  }
}
