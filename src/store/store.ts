/** The ledger as a whole: every part over one fast-failing connection. */
import type { Redis } from 'ioredis'
import { Attempts } from './attempts.ts'
import { Callbacks } from './callbacks.ts'
import { Campaigns } from './campaigns.ts'
import { Contacts } from './contacts.ts'
import { Db } from './db.ts'
import { DoNotCall } from './dnc.ts'
import { Idempotency } from './idempotency.ts'
import { Journals } from './journals.ts'
import { LineUp } from './line-up.ts'
import { Outbox } from './outbox.ts'
import { Retention } from './retention.ts'
import { Survey } from './survey.ts'

export interface Store {
  db: Db
  campaigns: Campaigns
  contacts: Contacts
  lineUp: LineUp
  attempts: Attempts
  journals: Journals
  callbacks: Callbacks
  dnc: DoNotCall
  idempotency: Idempotency
  retention: Retention
  outbox: Outbox
  survey: Survey
  /** Null when Redis takes writes now, else the reason in words. Also measures the difference of the clocks. */
  writable(): Promise<string | null>
}

/** `redis` is a connection for the purpose `ledger`; `now` our clock, ms since the epoch. */
export function openStore(redis: Redis, now: () => number): Store {
  const db = new Db(redis, now)
  const contacts = new Contacts(db)
  return {
    db,
    campaigns: new Campaigns(db),
    contacts,
    lineUp: new LineUp(db, (campaign, packed) => contacts.unpack(campaign, packed)),
    attempts: new Attempts(db),
    journals: new Journals(db),
    callbacks: new Callbacks(db),
    dnc: new DoNotCall(db),
    idempotency: new Idempotency(db),
    retention: new Retention(db),
    outbox: new Outbox(db),
    survey: new Survey(db, (campaign, packed) => contacts.unpack(campaign, packed)),
    writable: () => db.probe(),
  }
}
