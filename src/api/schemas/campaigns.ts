/** Campaigns and their contacts. */
import { z } from 'zod'
import { time } from './common.ts'

const tally = z.record(z.string(), z.int())

export const campaign = z.object({
  name: z.string(),
  state: z.enum(['ready', 'running', 'paused', 'stopping', 'stopped', 'finished']),
  definition: z.record(z.string(), z.unknown()),
  counts: z.object({
    contacts: z.int(),
    pending: z.int(),
    waiting: z.int(),
    callback: z.int(),
    dialing: z.int(),
    done: z.int(),
    held: z.int(),
  }),
  untried: z.int(),
  dispositions: tally,
  outcomes: tally,
  attempts: z.int(),
  started_at: time.nullable(),
  finished_at: time.nullable(),
  schedule: z
    .object({ next_at: time.nullable(), last_at: time.nullable(), last_result: z.string().nullable() })
    .nullable(),
})

export const definition = z.record(z.string(), z.unknown()).describe('A campaign file as JSON')

export const stopOptions = z.strictObject({ now: z.boolean().default(false) }).nullish()

export const stepCounts = z.object({
  flow: z.string(),
  steps: tally,
  edges: z.array(z.object({ from: z.string(), to: z.string(), event: z.string(), count: z.int() })),
  ended: tally,
})

export const contactState = z.enum(['pending', 'waiting', 'callback', 'dialing', 'done', 'held'])

export const contact = z.object({
  key: z.string(),
  number: z.string(),
  state: contactState,
  attempts: z.int(),
  next_at: time.nullable(),
  held_by: z.string().nullable(),
  priority: z.number(),
  data: z.record(z.string(), z.string()),
  last_disposition: z.string().nullable(),
})

export const contactChange = z
  .strictObject({
    state: z.enum(['pending', 'done']).optional(),
    priority: z.number().optional(),
    data: z.record(z.string().regex(/^[a-z0-9_]{1,64}$/), z.string().max(4096)).optional(),
  })
  .refine((change) => Object.values(change).some((value) => value !== undefined), 'must change something')
