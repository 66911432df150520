/** The contacts of a campaign: imported as a stream, looked at and changed one by one. */
import { z } from 'zod'
import { csvLine } from '../csv.ts'
import { outward, outwardPage } from '../outward.ts'
import type { ApiPorts } from '../ports.ts'
import { contact, contactChange, contactState } from '../schemas/campaigns.ts'
import { byName, failures, importReport, name, page, paging } from '../schemas/common.ts'
import { sendLines } from '../streams.ts'
import { type Api, withZod } from '../validation.ts'
import { charsetOf, outwardReport, readStreams, upload, uploadOf } from './uploads.ts'

const tags = ['contacts']
const base = '/v1/campaigns/:name/contacts'
const byKey = z.object({ name, key: z.string().min(1).max(200) })
const flag = z.enum(['true', 'false', '1', '0']).transform((value) => value === 'true' || value === '1')

export async function contactRoutes(api: Api, ports: ApiPorts): Promise<void> {
  const { contacts } = ports

  await api.register(async (plain) => {
    readStreams(plain, ['text/csv', 'application/x-ndjson'])
    withZod(plain).post(
      base,
      {
        config: { scope: 'campaign', streamed: true },
        schema: {
          tags,
          summary: 'Imports contacts, as text/csv or application/x-ndjson',
          consumes: ['text/csv', 'application/x-ndjson'],
          params: byName,
          body: upload,
          querystring: z.strictObject({ dry_run: flag.optional() }),
          response: { 200: importReport, ...failures },
        },
      },
      async (request, reply) => {
        const charset = charsetOf(request)
        const stream = await uploadOf(request, reply, ports)
        if (stream === null) return reply
        const format = request.headers['content-type']?.includes('ndjson') ? 'ndjson' : 'csv'
        const { name } = request.params
        const report = await contacts.import(name, { stream, format, dry_run: request.query.dry_run ?? false, charset })
        return outwardReport(report, `/v1/campaigns/${encodeURIComponent(name)}/rejects`)
      },
    )
  })

  api.get(
    '/v1/campaigns/:name/rejects/:import',
    {
      config: { scope: 'read', deadline: 0 },
      schema: {
        tags,
        summary: 'All rejects of an import, as CSV',
        params: z.object({ name, import: z.string().max(100) }),
      },
    },
    async (request, reply) => {
      const rejects = contacts.rejects(request.params.name, request.params.import)
      async function* lines(): AsyncGenerator<string> {
        let first = true
        for await (const { row, column, reason } of rejects) {
          if (first) yield csvLine(['row', 'column', 'reason'])
          first = false
          yield csvLine([row, column, reason])
        }
        if (first) yield csvLine(['row', 'column', 'reason'])
      }
      return sendLines(reply, 'text/csv; charset=utf-8', lines())
    },
  )

  api.get(
    base,
    {
      config: { scope: 'read', list: true },
      schema: {
        tags,
        summary: 'The contacts of a campaign',
        params: byName,
        querystring: z.strictObject({ ...paging, state: contactState.nullable().default(null) }),
        response: { 200: page(contact), ...failures },
      },
    },
    async (request) => outwardPage(await contacts.list(request.params.name, request.query)),
  )

  api.get(
    `${base}/:key`,
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'One contact', params: byKey, response: { 200: contact, ...failures } },
    },
    async (request) => outward(await contacts.get(request.params.name, request.params.key)),
  )

  api.patch(
    `${base}/:key`,
    {
      config: { scope: 'campaign' },
      schema: {
        tags,
        summary: 'Changes a contact; `state: pending` lets it be tried again',
        params: byKey,
        body: contactChange,
        response: { 200: contact, ...failures },
      },
    },
    async (request) => outward(await contacts.change(request.params.name, request.params.key, request.body)),
  )

  api.delete(
    `${base}/:key`,
    { config: { scope: 'campaign' }, schema: { tags, summary: 'Removes a contact', params: byKey } },
    async (request, reply) => {
      await contacts.remove(request.params.name, request.params.key)
      return reply.code(204).send()
    },
  )
}
