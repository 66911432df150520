/**
 * Why a number is not being dialled, and when it will be: the answer to `apel explain`.
 *
 * A number may be a contact of several campaigns, and have a callback of its own. Each of these is a plan, made as the
 * dialer makes it, and put before the gate without reserving; the one that would be dialled first speaks for the number.
 * A number that nobody plans to call is judged as a call by hand.
 */
import type { CallRecord } from '../call/record.ts'
import type { Callback } from '../store/callbacks.ts'
import type { ContactState } from '../store/campaigns.ts'
import type { Contact } from '../store/contacts.ts'
import type { Store } from '../store/store.ts'
import { CALLBACKS, type Definitions } from './definitions.ts'
import type { Foresight, Gate } from './gate.ts'
import { normalise } from './numbers.ts'
import type { DialPolicy, Plan } from './plan.ts'
import type { Planner } from './planner.ts'
import type { Rule, RuleVerdict } from './rules.ts'

/** Times in ms. */
export interface Explanation {
  /** E.164 or an extension; as it was asked for when it is neither. */
  number: string
  /** A call would be reserved now. */
  now: boolean
  /** The first time at which one would, if nobody changes anything; null when there is none, or nobody knows. */
  next_at: number | null
  held_by: Rule | null
  /** `key` null: a callback without a contact. */
  contacts: {
    campaign: string
    key: string | null
    state: ContactState
    now: boolean
    next_at: number | null
    held_by: Rule | null
  }[]
  rules: RuleVerdict[]
  /** Newest first; those of the number in all campaigns and directions. */
  attempts: CallRecord[]
}

export interface ExplainPorts {
  store: Store
  definitions: Definitions
  planner: Planner
  gate: Gate
  policy: DialPolicy
}

/** As many as the ledger keeps by number. */
const ATTEMPTS = 1000

type Candidate = Foresight & { campaign: string; key: string | null; state: ContactState }

export class Explainer {
  private readonly ports: ExplainPorts
  constructor(ports: ExplainPorts) {
    this.ports = ports
  }

  /** `campaign`: only as a contact of this one. */
  async explain(raw: string, campaign: string | null = null): Promise<Explanation> {
    const { store, planner, gate, policy } = this.ports
    // What may not be dialled has a history all the same.
    const number = normalise(raw, policy) ?? normalise(raw, { ...policy, allow: ['+'] })
    const candidates: Candidate[] = []
    for (const { plan, contact, name } of number === null ? [] : await this.plans(number, campaign)) {
      const state = contact?.progress.state ?? 'callback'
      candidates.push({ ...(await gate.foresee(plan)), campaign: name, key: contact?.key ?? null, state })
    }
    const speaks =
      candidates.sort(byTurn)[0] ??
      (await gate.foresee(await planner.manual({ to: raw, flow: '', vars: {}, trunk: null })))
    const attempts = number === null ? [] : await store.attempts.ofNumber(number, ATTEMPTS)
    return {
      number: number ?? raw,
      now: speaks.now,
      next_at: speaks.next_at,
      held_by: speaks.held_by,
      contacts: candidates.map(({ rules: _, ...contact }) => contact),
      rules: speaks.rules,
      attempts: attempts.map(({ record }) => record),
    }
  }

  /** Every call that is planned to this number. */
  private async plans(
    number: string,
    only: string | null,
  ): Promise<{ name: string; plan: Plan; contact: Contact | null }[]> {
    const { store, definitions, planner } = this.ports
    const found: { name: string; plan: Plan; contact: Contact | null }[] = []
    const open = await store.callbacks.ofNumber(number)
    for (const name of only === null ? await store.campaigns.names() : [only]) {
      const campaign = await definitions.get(name)
      if (campaign === null) continue
      const contact = name === CALLBACKS ? null : await store.contacts.find(name, { number })
      const callback = await this.callbackOf(name, contact, open)
      if (contact === null && callback === null) continue
      const item = callback !== null ? (`c${callback.id}` as const) : (`r${contact?.row ?? 0}` as const)
      const plan = planner.claimed(campaign, item, {
        ...{ row: contact?.row ?? null, contact, packed: null, callback, previous: null },
        failover: await store.lineUp.failover(callback?.last ?? contact?.progress.last ?? ''),
      })
      if (plan !== null) found.push({ name, plan, contact })
    }
    return found
  }

  /** A contact may have agreed on another number than its own. */
  private async callbackOf(name: string, contact: Contact | null, open: Callback | null): Promise<Callback | null> {
    if (contact?.progress.state === 'callback') return await this.ports.store.callbacks.get(contact.progress.rule)
    return contact === null && open?.campaign === name ? open : null
  }
}

/** Who would be dialled first stands first; then who waits for somebody, then who is done. */
function byTurn(a: Candidate, b: Candidate): number {
  const rank = ({ next_at, state }: Candidate): number =>
    next_at ?? (state === 'done' ? Number.POSITIVE_INFINITY : Number.MAX_SAFE_INTEGER)
  return rank(a) === rank(b) ? 0 : rank(a) - rank(b)
}
