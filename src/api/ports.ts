/**
 * What the HTTP API needs of the rest of the service, and nothing more. `service.ts` implements it over the ledger, the dialer
 * and the live calls; tests bring one that lives in memory.
 *
 * Inside, times are milliseconds since the epoch; the routes turn them into RFC 3339. Whatever cannot be done is thrown as an
 * `ApelError` whose `code` stands in `errors.ts` beside this file (`not_found`, `invalid_state`, a rule of the gate, …);
 * `unavailable` when Redis cannot be reached.
 */
import type { ServiceEvent } from '../call/ports.ts'
import type { CallbacksPort } from './ports/callbacks.ts'
import type { CallsPort } from './ports/calls.ts'
import type { CampaignsPort, RunsPort } from './ports/campaigns.ts'
import type { ContactsPort } from './ports/contacts.ts'
import type { ControlPort, FlowView, Health } from './ports/control.ts'
import type { IdempotencyPort } from './ports/idempotency.ts'
import type { DncPort, ExplanationView, NumbersPort } from './ports/numbers.ts'
import type { WebhooksPort } from './ports/webhooks.ts'

export interface ApiPorts {
  health(): Promise<Health>
  campaigns: CampaignsPort
  runs: RunsPort
  contacts: ContactsPort
  calls: CallsPort
  callbacks: CallbacksPort
  dnc: DncPort
  numbers: NumbersPort
  /** Every rule's verdict on the number; `campaign`: only as a contact of this one. */
  explain(number: string, campaign: string | null): Promise<ExplanationView>
  webhooks: WebhooksPort
  flows(): Promise<FlowView[]>
  /** The file behind a sound that an Asterisk without a shared folder fetches; null when there is none. */
  sound(name: string): string | null
  control: ControlPort
  events: {
    /** Returns the way to stop listening. The listener must not throw and must not block. */
    subscribe(listener: (event: ServiceEvent) => void): () => void
  }
  idempotency: IdempotencyPort
}
