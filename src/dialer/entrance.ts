/**
 * Calls that no line-up hands out: one that somebody asks for, a second channel for a call that is on, one that comes in.
 * The first two pass the same gate as every other, and wait a moment for their turn; the last is there already.
 */
import type { Clock, Peer } from '../call/ports.ts'
import type { CallRecord } from '../call/record.ts'
import { ApelError, maskNumber } from '../errors.ts'
import type { CallContext } from '../flow/io.ts'
import type { Log } from '../log.ts'
import { type Attempt, blankRecord } from '../store/attempt-record.ts'
import type { Owner } from '../store/instance.ts'
import type { Store } from '../store/store.ts'
import type { Definitions } from './definitions.ts'
import type { Gate, Verdict } from './gate.ts'
import { normaliseInbound } from './numbers.ts'
import type { DialPolicy, Placement, Plan } from './plan.ts'
import type { ManualRequest, Planner } from './planner.ts'
import { SENT_AWAY, type Turns } from './turns.ts'

export interface InboundRequest {
  /** The channel's id, which becomes the record's. */
  id: string
  node: string
  /** As Asterisk gave them. */
  called: string
  caller: string
  /** Null: the number has no flow. */
  flow: string | null
  /** The campaign beside the flow. */
  campaign: string | null
}

export interface EntrancePorts {
  store: Store
  definitions: Definitions
  planner: Planner
  gate: Gate
  turns: Turns
  policy: DialPolicy
  clock: Clock
  log: Log
  owner: Owner
}

/** How long a call of one's own waits for a token of the trunk, ms. */
const MANUAL_PATIENCE = 5000
/** The same for a leg: somebody hears music meanwhile, ms. */
const LEG_PATIENCE = 5000

/** A call with this id stands in the ledger, and it is not clear yet whether it is dialled. */
export const unsettled = () =>
  new ApelError('unavailable', 'The call that this request asked for before is not settled yet; ask again.', {}, true)

export class Entrance {
  private readonly ports: EntrancePorts
  constructor(ports: EntrancePorts) {
    this.ports = ports
  }

  /** A call of one's own. Throws an `ApelError` with the code of the rule that refuses. */
  async manual(request: ManualRequest): Promise<Placement> {
    const verdict = await this.atTheGate(await this.ports.planner.manual(request), MANUAL_PATIENCE)
    if (verdict !== SENT_AWAY && verdict.verdict === 'reserved') return verdict.placement
    if (verdict !== SENT_AWAY && verdict.verdict === 'gone') throw unsettled()
    if (verdict === SENT_AWAY || !('reason' in verdict))
      throw new ApelError(
        'trunk_busy',
        'No trunk has a free channel, or a call left in this second; try again.',
        {},
        true,
      )
    const { rule, reason, until } = verdict
    throw new ApelError(rule, `This call is not made: ${reason}.`, { rule, until }, verdict.verdict === 'hold')
  }

  /** A second channel for a live call; null when it may not be. */
  async leg(call: CallRecord, id: string, to: Peer, ring: number): Promise<Placement | null> {
    const plan = this.ports.planner.leg(call, id, to, ring)
    const verdict = await this.atTheGate(plan, LEG_PATIENCE)
    if (verdict !== SENT_AWAY && verdict.verdict === 'reserved') return verdict.placement
    const why = verdict !== SENT_AWAY && 'rule' in verdict ? verdict.rule : 'trunk_busy'
    this.ports.log.warn({ call: call.id, to: maskNumber(plan.raw), rule: why }, 'a transfer is not made')
    return null
  }

  /** Writes an inbound call down; null when it was written down before. */
  /** `again`: it was asked before, and the answer was lost; what was written down then is this call. */
  async inbound(request: InboundRequest, again = false): Promise<{ record: CallRecord; context: CallContext } | null> {
    const { store, definitions, planner, policy, clock, owner } = this.ports
    const { id, node, called, caller, flow, campaign: name } = request
    const campaign = name === null ? null : await definitions.get(name)
    const number = normaliseInbound(caller, policy)
    const contact = campaign === null || number === '' ? null : await store.contacts.find(campaign.name, { number })
    const record = blankRecord({
      id,
      contact: contact?.key ?? null,
      number,
      called: normaliseInbound(called, policy) || called.slice(0, 32),
      kind: 'inbound',
      flow,
      node,
      queued_at: clock.now(),
    })
    if (!(await store.attempts.inbound(record, owner, campaign?.name ?? null, contact?.row ?? null))) {
      const written = again ? await store.attempts.get(id) : null
      if (written?.owner !== owner.app || written.state !== 'reserved') return null
    }
    return { record, context: await planner.inbound(id, number, campaign, contact) }
  }

  /** What the conversation of an inbound call starts from that was written down before. */
  async context({ record, home, row }: Attempt): Promise<CallContext> {
    const { store, definitions, planner } = this.ports
    const campaign = home === null ? null : await definitions.get(home)
    const contact = campaign === null || row === null ? null : await store.contacts.at(campaign.name, row)
    return await planner.inbound(record.id, record.number, campaign, contact)
  }

  private atTheGate(plan: Plan, patience: number): Promise<Verdict | typeof SENT_AWAY> {
    return this.ports.turns.join('', 0, 0).take<Verdict>(patience, async () => {
      const found = await this.ports.gate.reserve(plan)
      return found.verdict === 'busy' ? { wait: found.wait } : { done: found }
    })
  }
}
