/** Shapes that several routes share. */
import { z } from 'zod'
import { errorTable } from '../errors.ts'

/** Names of campaigns, flows, trunks and tasks. */
export const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'must be a name of letters, digits, -, _ and .')

/** A telephone number as people write it; the service makes E.164 of it or refuses it. */
export const number = z.string().min(1).max(40)

/** In a query string a bare `+` is a blank; nobody means a blank before a number. */
export const queryNumber = number.transform((text) => text.replace(/^ /, '+'))

export const time = z.iso.datetime({ offset: true }).describe('RFC 3339')

/** A moment asked for, as milliseconds. */
export const moment = z.iso
  .datetime({ offset: true, message: 'must be a time in RFC 3339, such as 2026-12-01T09:30:00Z' })
  .transform((text) => Date.parse(text))

export const paging = {
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().min(1).max(500).nullable().default(null),
}

export const page = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next: z.string().nullable() })

export const errorBody = z.object({
  code: z.enum(Object.keys(errorTable) as [string, ...string[]]),
  message: z.string(),
  details: z.unknown().nullable(),
})

/** What any route may answer beside its own. */
export const failures = { '4xx': errorBody, '5xx': errorBody }

export const byName = z.object({ name })

const maybeTime = time.nullable()

export const record = z.object({
  id: z.string(),
  campaign: z.string().nullable(),
  contact: z.string().nullable(),
  number: z.string(),
  called: z.string().nullable(),
  attempt: z.int(),
  kind: z.enum(['first', 'retry', 'callback', 'manual', 'inbound', 'leg']),
  flow: z.string().nullable(),
  flow_version: z.string().nullable(),
  node: z.string().nullable(),
  trunk: z.string().nullable(),
  caller_id: z.string().nullable(),
  queued_at: maybeTime,
  dialed_at: maybeTime,
  ringing_at: maybeTime,
  answered_at: maybeTime,
  ended_at: maybeTime,
  disposition: z.string().nullable(),
  cause: z.int().nullable(),
  sip_code: z.int().nullable(),
  amd: z.string().nullable(),
  hangup_by: z.string().nullable(),
  outcome: z.string().nullable(),
  last_step: z.string().nullable(),
  vars: z.record(z.string(), z.unknown()),
  recordings: z.array(z.string()),
  callback_at: maybeTime,
  failover_of: z.string().nullable(),
})

export const problem = z.object({
  file: z.string(),
  line: z.int(),
  column: z.int(),
  severity: z.enum(['error', 'warning']),
  code: z.string(),
  message: z.string(),
})

export const importReport = z.object({
  accepted: z.int(),
  updated: z.int(),
  duplicate: z.int(),
  rejected: z.int(),
  rejects: z.array(z.object({ row: z.int(), column: z.string().nullable(), reason: z.string() })),
  rejects_url: z.string().nullable(),
})
