/**
 * The ledger as a live call knows it (`CallLedger`), and the end of every attempt: here the rules of retry and of
 * callbacks meet what is stored. An attempt ends once; whoever comes second changes nothing.
 */
import type { CallLedger, Clock, ServiceEvent } from '../call/ports.ts'
import type { CallRecord, Disposition } from '../call/record.ts'
import { ApelError } from '../errors.ts'
import type { Left } from '../flow/io.ts'
import type { Log } from '../log.ts'
import { type Attempt, blankRecord } from '../store/attempt-record.ts'
import type { Basis, FinishInput } from '../store/attempts.ts'
import type { Callback } from '../store/callbacks.ts'
import { type Contact, triesText } from '../store/contacts.ts'
import type { Owner } from '../store/instance.ts'
import type { Ending } from '../store/line-up.ts'
import type { Store } from '../store/store.ts'
import { mayFailOver, signOf } from './breaker.ts'
import type { Campaign } from './campaign.ts'
import type { Definitions } from './definitions.ts'
import { newId } from './ids.ts'
import { remembered } from './memory.ts'
import type { Plan } from './plan.ts'
import type { Planner } from './planner.ts'
import { type Agreement, afterCall, afterCallback, type Ended, missed, type Next, type NextAgreement } from './retry.ts'
import type { Rule } from './rules.ts'

export interface LedgerPorts {
  store: Store
  definitions: Definitions
  planner: Planner
  clock: Clock
  log: Log
  owner: Owner
  emit(event: ServiceEvent): void
  /** Something of this campaign falls due at that time. */
  dueAt(campaign: string, at: number): void
  /** The service is ending its calls. */
  closing(): boolean
}

const NOTHING: Left = { tasks: {} }
const OVER: NonNullable<FinishInput['next']> = { state: 'x', due: 0, rule: '', tries: '' }

export class Ledger implements Omit<CallLedger, 'journal'> {
  private readonly ports: LedgerPorts
  constructor(ports: LedgerPorts) {
    this.ports = ports
  }

  async update(id: string, fields: Partial<CallRecord> & { state?: 'dialing' | 'ringing' | 'up' }): Promise<void> {
    const { state, ...record } = fields
    const { attempts } = this.ports.store
    const kept = await attempts.update(id, record, state ?? null, this.ports.owner.app)
    if (kept === true) return
    if (kept !== false) {
      if (kept === 'held') await attempts.unreserve(id, this.ports.owner.app)
      else await this.takeBack(id, kept)
      throw new ApelError('invalid_state', `The call ${id} is not made: it was held back at the last moment.`, {
        call: id,
      })
    }
    throw new ApelError('not_found', `The ledger has no call ${id} that is on.`, { call: id })
  }

  /** Somebody has been told its id, so its record says what has become of it. */
  private async takeBack(id: string, disposition: 'cancelled' | 'dnc'): Promise<void> {
    const { store, clock, emit } = this.ports
    const found = await store.attempts.get(id)
    if (found === null) return
    const attempt = disposition === 'dnc' ? 0 : found.record.attempt
    const record: CallRecord = { ...found.record, attempt, ended_at: clock.now(), disposition }
    if (disposition === 'cancelled') record.hangup_by = 'operator'
    if (await this.finish(record)) emit({ type: 'call.ended', data: record })
  }

  /** A reserved call that could not even be put on its way. Never rejects. */
  async unplaced(record: CallRecord, error: Error): Promise<void> {
    const { clock, log, emit } = this.ports
    log.error({ call: record.id, error: error.message }, 'a reserved call could not be placed')
    const over: CallRecord = { ...record, ended_at: clock.now(), disposition: 'trunk_error', hangup_by: 'network' }
    const done = await this.finish(over).catch((err: unknown) => {
      log.error({ call: record.id, err }, 'its record could not be written')
      return false
    })
    if (done) emit({ type: 'call.ended', data: over })
  }

  /** False when the attempt had ended before, or was never made. */
  async finish(record: CallRecord, left: Left = NOTHING): Promise<boolean> {
    const known = await this.recall(record)
    const done = known === null ? 'stale' : await this.endBy(known.ending, known.basis, record, left)
    if (done !== 'stale') return done
    const read = await this.ports.store.lineUp.ending(record.id)
    return (await this.endBy(read, null, record, left)) === true
  }

  /** What its end depends on, as far as we know it without asking. */
  private async recall(record: CallRecord): Promise<{ ending: Ending; basis: Basis } | null> {
    const found = remembered(record)
    if (found === null) return null
    const { attempt, callback, basis } = found
    const { row, record: reserved } = attempt
    const { contact: line, packed } = basis
    const contact =
      reserved.campaign === null || row === null || packed === null
        ? null
        : await this.ports.store.contacts.read(reserved.campaign, row, packed, line ?? undefined)
    return { ending: { attempt, contact, callback }, basis }
  }

  /** `basis`: the ledger is to be as this says; `stale` when it is not. */
  private async endBy(
    ending: Ending | null,
    basis: Basis | null,
    record: CallRecord,
    left: Left,
  ): Promise<boolean | 'stale'> {
    const { store, clock, definitions } = this.ports
    const now = clock.now()
    const attempt = ending?.attempt ?? null
    const campaign = attempt?.record.campaign ? await definitions.get(attempt.record.campaign) : null
    const dialed = (record.dialed_at ?? attempt?.record.dialed_at ?? null) !== null
    // Nobody knows of an `unknown` whether it was dialled, so it counts.
    const plain = {
      record,
      now,
      counts: dialed || record.disposition === 'unknown',
      create: null,
      owner: this.ports.owner.app,
      left,
      known: attempt?.record ?? null,
      sign: attempt === null ? null : signOf({ ...attempt.record, ...record }),
      failover: false,
      basis,
    }
    if (ending === null || attempt === null || campaign === null)
      return await store.attempts.finish({ ...plain, next: OVER, callback: null })

    const { contact, callback } = ending
    const hours = this.ports.planner.hours(campaign, contact ?? { number: record.number, data: {} })
    const ended: Ended = {
      disposition: record.disposition ?? 'unknown',
      chance: Math.random(),
      dialed,
      answered: record.answered_at !== null || attempt.record.answered_at !== null,
      interrupted: await this.interrupted(campaign, record),
    }
    const failover = this.failsOver(campaign, attempt, record)
    const agreement =
      callback &&
      (failover
        ? { ...agreementOf(callback), state: 'open' as const, next_at: now }
        : afterCallback(campaign, ended, agreementOf(callback), now, hours))
    const next = failover
      ? again(contact)
      : contact && packed(afterCall(campaign, ended, agreement, contact.progress, now, hours))
    const done = await store.attempts.finish({ ...plain, next, callback: agreement && stored(agreement), failover })
    if (done === 'stale') return done
    for (const at of [failover ? now : null, next?.due, agreement?.next_at]) if (at) this.ports.dueAt(campaign.name, at)
    return done
  }

  /** Refused by its trunk before any telephone rang, and there is another trunk that has not been asked. */
  private failsOver(campaign: Campaign, { tried, record: known }: Attempt, record: CallRecord): boolean {
    if (!mayFailOver({ ...known, ...record })) return false
    return this.ports.planner
      .trunks(campaign, known.number)
      .some((name) => name !== known.trunk && !tried.includes(name))
  }

  /** Did we end it ourselves, with more to come? Then a call that nobody had answered is still to be made. */
  private async interrupted(campaign: Campaign, record: CallRecord): Promise<boolean> {
    if (record.disposition !== 'cancelled') return false
    if (this.ports.closing()) return true
    const state = await this.ports.store.campaigns.state(campaign.name)
    return state === 'stopping' || state === 'stopped'
  }

  /** A rule that time does not lift: one record that nobody was called, and the contact is done. */
  async refuse(plan: Plan, rule: Rule): Promise<void> {
    if (rule === 'budget' && plan.row !== null && plan.campaign !== null) {
      await this.ports.store.contacts.setState(plan.campaign.name, plan.row, 'done', this.ports.clock.now())
      return
    }
    const disposition: Disposition = rule === 'dnc' ? 'dnc' : 'blocked'
    const record = this.undialled(plan.campaign, plan.callback, disposition, {
      contact: plan.key,
      number: plan.number ?? plan.raw,
      flow: plan.flow,
      kind: plan.callback !== null ? 'callback' : (plan.progress?.total ?? 0) > 0 ? 'retry' : 'first',
    })
    const create = { instance: this.ports.owner.instance, row: plan.row, callback: plan.callback?.id ?? null }
    const over = plan.callback && stored({ ...agreementOf(plan.callback), state: 'done', next_at: 0 })
    await this.write({ record, create, next: OVER, callback: over && { ...over, state: 'cancelled' } })
  }

  /** An agreement whose time ran out before it could be dialled, by the campaign's `on_missed`. */
  async expire(campaign: Campaign, callback: Callback): Promise<void> {
    const now = this.ports.clock.now()
    const contact = callback.row === null ? null : await this.ports.store.contacts.at(campaign.name, callback.row)
    const hours = this.ports.planner.hours(campaign, contact ?? { number: callback.number, data: {} })
    const agreement = missed(campaign, agreementOf(callback), now, hours)
    if (agreement.state === 'open') {
      await this.ports.store.callbacks.move(callback.id, agreement.due_at, agreement.expires_at, true)
      this.ports.dueAt(campaign.name, agreement.next_at)
    } else if (agreement.state === 'retry') {
      await this.ports.store.callbacks.close(callback.id, 'expired', 'pending', now)
    } else if (callback.tries > 0) {
      await this.ports.store.callbacks.close(callback.id, 'missed', 'done', now)
    } else {
      const known = {
        contact: callback.contact,
        number: callback.number,
        flow: callback.flow,
        kind: 'callback' as const,
      }
      const record = this.undialled(campaign, callback, 'expired', known)
      const create = { instance: this.ports.owner.instance, row: callback.row, callback: callback.id }
      await this.write({ record, create, next: OVER, callback: { ...stored(agreement), state: 'expired' } })
    }
  }

  /** As `expire`, for many at once. */
  async expireAll(campaign: Campaign, ids: string[]): Promise<void> {
    const callbacks = await this.ports.store.callbacks.many(ids)
    await Promise.all(callbacks.map((callback) => this.expire(campaign, callback)))
  }

  private undialled(
    campaign: Campaign | null,
    callback: Callback | null,
    disposition: Disposition,
    known: Partial<CallRecord>,
  ): CallRecord {
    const now = this.ports.clock.now()
    return blankRecord({
      ...known,
      id: newId(now),
      campaign: campaign?.name ?? null,
      attempt: 0,
      queued_at: now,
      ended_at: now,
      disposition,
      callback_at: callback?.due_at ?? null,
    })
  }

  private async write(input: Pick<FinishInput, 'record' | 'create' | 'next' | 'callback'>): Promise<void> {
    const done = await this.ports.store.attempts.finish({
      ...input,
      basis: null,
      now: this.ports.clock.now(),
      counts: false,
      owner: null,
      known: null,
      left: NOTHING,
      sign: null,
      failover: false,
    })
    if (done) this.ports.emit({ type: 'call.ended', data: input.record })
  }
}

/** Its turn comes at once, and nothing is counted. */
function again(contact: Contact | null): FinishInput['next'] {
  return contact === null ? OVER : { ...OVER, state: 'p', tries: triesText(contact.progress.tries) }
}

export function agreementOf(callback: Callback): Agreement {
  const tries = callback.retries.split(';').filter((part) => part !== '')
  return {
    due_at: callback.due_at,
    expires_at: callback.expires_at,
    moved: callback.moved,
    tries: Object.fromEntries(tries.map((part) => [part.split(':')[0], Number(part.split(':')[1])])),
  }
}

const packed = (next: Next): FinishInput['next'] => ({ ...next, tries: triesText(next.tries) })

function stored(agreement: NextAgreement): NonNullable<FinishInput['callback']> {
  return {
    state: agreement.state === 'retry' ? 'missed' : agreement.state,
    next_at: agreement.next_at,
    due_at: agreement.due_at,
    expires_at: agreement.expires_at,
    moved: agreement.moved ? '1' : '0',
    retries: triesText(agreement.tries),
  }
}
