/** The results of a campaign, streamed in the order of their end. */
import { z } from 'zod'
import type { CallRecord } from '../../call/record.ts'
import { csvLine } from '../csv.ts'
import { outward } from '../outward.ts'
import type { ApiPorts } from '../ports.ts'
import { byName, record } from '../schemas/common.ts'
import { sendLines } from '../streams.ts'
import type { Api } from '../validation.ts'

/** The columns of the CSV: the record's fields, `vars` and `recordings` as JSON. */
export const columns = Object.keys(record.shape) as (keyof CallRecord)[]

export function resultRoutes(api: Api, ports: ApiPorts): void {
  api.get(
    '/v1/campaigns/:name/results',
    {
      config: { scope: 'read', deadline: 0 },
      schema: {
        tags: ['campaigns'],
        summary: 'One record an attempt that has ended',
        params: byName,
        querystring: z.strictObject({
          format: z.enum(['ndjson', 'csv']).default('ndjson'),
          after: z.string().min(1).max(200).nullable().default(null),
        }),
      },
    },
    async (request, reply) => {
      const { format, after } = request.query
      const records = ports.campaigns.results(request.params.name, after)
      return format === 'csv'
        ? sendLines(reply, 'text/csv; charset=utf-8', asCsv(records))
        : sendLines(reply, 'application/x-ndjson; charset=utf-8', asJson(records))
    },
  )
}

async function* asJson(records: AsyncIterable<CallRecord>): AsyncGenerator<string> {
  for await (const record of records) yield `${JSON.stringify(outward(record))}\n`
}

async function* asCsv(records: AsyncIterable<CallRecord>): AsyncGenerator<string> {
  const header = csvLine(columns)
  let begun = false
  for await (const record of records) {
    if (!begun) yield header
    begun = true
    const values = outward(record)
    yield csvLine(columns.map((column) => values[column]))
  }
  if (!begun) yield header
}
