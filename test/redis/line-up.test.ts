import { Readable } from 'node:stream'
import t from 'tap'
import { parseCampaign } from '../../src/dialer/campaign.ts'
import { Importer } from '../../src/dialer/import.ts'
import type { DialPolicy } from '../../src/dialer/plan.ts'
import { windows } from '../support/dialer.ts'
import { startTestRedis } from './server.ts'

t.setTimeout(60_000)
const redis = await startTestRedis()
t.teardown(() => redis.close())
const store = await redis.store()
const policy: DialPolicy = {
  default_country: 'RO',
  timezone: 'Europe/Bucharest',
  allow: ['+40'],
  windows: windows('00:00-24:00'),
  per_number: { per_day: null, per_week: null },
}
const importer = new Importer(store, policy)

async function campaign(name: string, contacts: Record<string, string> = { number: 'phone' }) {
  const definition = { campaign: name, flow: 'f', contacts }
  await store.campaigns.put(name, definition, 0)
  const parsed = parseCampaign(name, definition)
  if (!('campaign' in parsed)) throw new Error('faulty campaign')
  return parsed.campaign
}

const csv = (text: string) => ({ stream: Readable.from([text]), format: 'csv' as const, dry_run: false })

t.test(
  'the same file again changes nothing; a changed row is an update, a number under another key a duplicate',
  async (t) => {
    const c = await campaign('import', { number: 'Phone', key: 'id' })
    const file = 'ID;Phone;First Name\n1;0712345678;Ana\n2;0712345679;"Ion; Pop"\n'
    t.match(await importer.import(c, csv(file)), { accepted: 2, updated: 0, duplicate: 0, rejected: 0, import: null })
    t.match(await importer.import(c, csv(file)), { accepted: 0, updated: 0, duplicate: 2 })
    t.match(await importer.import(c, csv('ID;Phone;First Name\n1;0712345678;Anna\n3;+40712345679;X\n')), {
      accepted: 0,
      updated: 1,
      duplicate: 1,
    })
    t.match(await store.contacts.find('import', { key: '1' }), {
      number: '+40712345678',
      data: { id: '1', phone: '0712345678', first_name: 'Anna' },
      progress: { state: 'pending', total: 0 },
    })
    t.match(await store.contacts.find('import', { number: '+40712345679' }), {
      key: '2',
      data: { first_name: 'Ion; Pop' },
    })
    t.equal(await store.contacts.find('import', { key: '3' }), null)
    t.match((await store.campaigns.view('import'))?.counts, { contacts: 2, pending: 2 })
  },
)
