/** Calls, callbacks and the do-not-call list. */
import { z } from 'zod'
import { moment, name, number, record, time } from './common.ts'

export const dialRequest = z.strictObject({
  to: number,
  flow: name,
  vars: z.record(z.string(), z.unknown()).nullish(),
  trunk: name.nullish(),
})

export const callState = z.enum(['reserved', 'dialing', 'ringing', 'up', 'ended'])

export const call = record.extend({
  state: callState,
  steps: z.array(z.object({ at: time, step: z.string(), event: z.string(), flow: z.string().optional() })),
  legs: z.array(record),
})

export const journal = z.object({
  id: z.string(),
  entries: z.array(z.looseObject({ type: z.string(), at: z.number().describe('ms since the epoch') })),
  texts: z.array(z.object({ path: z.string(), text: z.string() })).nullable(),
})

export const taskResult = z.strictObject({ status: z.enum(['done', 'failed']), result: z.unknown().optional() })

export const callback = z.object({
  id: z.string(),
  number: z.string(),
  campaign: z.string(),
  contact: z.string().nullable(),
  due_at: time,
  expires_at: time,
  state: z.string(),
  note: z.string().nullable(),
  agent: z.enum(['any', 'same']).nullable(),
  flow: z.string().nullable(),
  at: z.string().nullable(),
  attempts: z.int(),
  call: z.string().nullable(),
})

export const callbackRequest = z.strictObject({
  number,
  campaign: name.nullish(),
  contact: z.string().max(200).nullish(),
  due_at: moment,
  expires: z
    .string()
    .regex(/^\d{1,6}(s|m|h|d)$/, 'must be a duration such as 24h')
    .nullish(),
  flow: name.nullish(),
  at: name.nullish(),
  note: z.string().max(1000).nullish(),
})

export const callbackMove = z.strictObject({ due_at: moment })

export const dncEntry = z.object({
  number: z.string(),
  campaign: z.string().nullable(),
  reason: z.string().nullable(),
  at: time,
})

export const dncRequest = z.strictObject({
  number,
  campaign: name.nullish(),
  reason: z.string().max(500).nullish(),
})
