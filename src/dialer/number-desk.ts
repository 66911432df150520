/**
 * Everything that is kept of one number: told to whoever asks for it, or erased (GDPR, articles 15, 17 and 20).
 *
 * What stays after an erasure is the counters of campaigns, which name nobody, and the number's entries on the do-not-call
 * lists: they are what keeps us from calling it again, and so kept for its owner's sake (article 17, paragraph 3b).
 */

import type { Clock } from '../call/ports.ts'
import type { StepTrace } from '../call/record.ts'
import { ApelError, maskNumber } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Attempt } from '../store/attempt-record.ts'
import type { Callback } from '../store/callbacks.ts'
import type { DncEntry } from '../store/dnc.ts'
import type { Store } from '../store/store.ts'
import type { ContactDesk, ContactView } from './contact-desk.ts'
import { normalise } from './numbers.ts'
import type { DialSettings } from './plan.ts'

export interface NumberPorts {
  store: Store
  contacts: ContactDesk
  settings: DialSettings
  clock: Clock
  log: Log
  /** Deletes a recording where it lies. Rejects when the node does not answer. */
  deleteRecording(node: string, name: string): Promise<void>
}

/** A call with all that is kept of it. `journal`: what it began with and each of its inputs, as long as that is kept. */
export type KeptCall = Attempt['record'] & { state: Attempt['state']; steps: StepTrace[]; journal: unknown[] }

export interface KeptOfNumber {
  number: string
  /** Newest first; the legs of a call behind it. */
  attempts: KeptCall[]
  contacts: (ContactView & { campaign: string })[]
  callbacks: Callback[]
  /** Entries that hold it: itself, and prefixes of it. */
  dnc: DncEntry[]
}

/** As many as the ledger keeps by number. */
const ATTEMPTS = 1000

export class NumberDesk {
  private readonly ports: NumberPorts
  constructor(ports: NumberPorts) {
    this.ports = ports
  }

  /** Throws `bad_request` for what is no number. */
  async export(raw: string): Promise<KeptOfNumber> {
    const { store, contacts } = this.ports
    const number = this.number(raw)
    const attempts: KeptCall[] = []
    for (const { record, state } of await this.attempts(number)) {
      const [steps, journal] = [await store.attempts.steps(record.id), await store.journals.read(record.id)]
      attempts.push({ ...record, state, steps, journal })
    }
    const found: KeptOfNumber['contacts'] = []
    const dnc = await store.dnc.on(null, number)
    for (const campaign of await store.campaigns.names()) {
      const contact = await store.contacts.find(campaign, { number })
      if (contact !== null) found.push({ ...(await contacts.get(campaign, contact.key)), campaign })
      dnc.push(...(await store.dnc.on(campaign, number)))
    }
    return { number, attempts, contacts: found, callbacks: await store.callbacks.allOf(number), dnc }
  }

  /**
   * Contacts first, so that nobody calls it any more, then recordings, so that a node that is away leaves the records that
   * name them. Throws `invalid_state` while the number is on the telephone; may be asked again whatever it threw.
   */
  async erase(raw: string): Promise<void> {
    const { store, clock, settings, log, deleteRecording } = this.ports
    const number = this.number(raw)
    const attempts = await this.attempts(number)
    if (attempts.some(({ state }) => state !== 'ended')) throw onThePhone()
    for (const campaign of await store.campaigns.names()) {
      const contact = await store.contacts.find(campaign, { number })
      if (contact !== null && !(await store.contacts.remove(campaign, contact.row, clock.now()))) throw onThePhone()
    }
    const open = await store.callbacks.ofNumber(number)
    if (open !== null) await store.callbacks.close(open.id, 'cancelled', 'was', clock.now())
    for (const { record } of attempts)
      for (const name of record.recordings) await deleteRecording(record.node ?? '', name)
    const callbacks = (await store.callbacks.allOf(number)).map(({ id }) => id)
    const left = await store.retention.forget({ attempts: attempts.map(({ record }) => record.id), callbacks })
    await store.retention.forgetRuns(
      number,
      settings.trunks.map(({ name }) => name),
    )
    await store.outbox.erase(number)
    if (left > 0) throw onThePhone()
    log.info(
      { number: maskNumber(number), attempts: attempts.length, callbacks: callbacks.length },
      'a number is erased',
    )
  }

  /** What is erased need not be allowed to be dialled. */
  private number(raw: string): string {
    const { policy } = this.ports.settings
    const number = normalise(raw, policy) ?? normalise(raw, { ...policy, allow: ['+'] })
    if (number === null) throw new ApelError('bad_request', 'This is not a number in E.164, such as +40722000001.')
    return number
  }

  /** With the legs of each call behind it: they show whom they were for. */
  private async attempts(number: string): Promise<Attempt[]> {
    const { store } = this.ports
    const found: Attempt[] = []
    for (const attempt of await store.attempts.ofNumber(number, ATTEMPTS)) {
      found.push(attempt)
      if (attempt.record.kind !== 'leg') found.push(...(await store.attempts.legs(attempt.record.id)))
    }
    return found
  }
}

function onThePhone(): ApelError {
  return new ApelError('invalid_state', 'A call with this number is on; ask again when it has ended.', {}, true)
}
