import { Readable } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import { fnv } from '../../src/store/fnv.ts'
import { campaignOf, numbers, paperDialer } from '../support/dialer.ts'
import { waitFor } from '../support/wait.ts'
import { startTestRedis } from './server.ts'

t.setTimeout(120_000)
const redis = await startTestRedis()
const paper = await paperDialer(redis, { onPlace: (call, p) => p.end(call, 'completed') })
t.teardown(async () => {
  await paper.stop()
  await redis.close()
})
const { dialer, store } = paper

const source = (text: string, format: 'csv' | 'ndjson' = 'csv', dry_run = false) => ({
  stream: Readable.from([text]),
  format,
  dry_run,
})
const put = (name: string, contacts: Record<string, string>) => dialer.campaigns.put(name, { flow: 'f', contacts })

t.test(
  'the same file again changes nothing; a changed row is an update, a number under another key a duplicate',
  async (t) => {
    await put('import', { number: 'Phone', key: 'id' })
    const file = 'ID;Phone;First Name\n1;0712345678;Ana\n2;0712345679;"Ion; Pop"\n'
    t.match(await dialer.import('import', source(file)), {
      accepted: 2,
      updated: 0,
      duplicate: 0,
      rejected: 0,
      import: null,
    })
    t.match(await dialer.import('import', source(file)), { accepted: 0, updated: 0, duplicate: 2 })
    t.match(await dialer.import('import', source('ID;Phone;First Name\n1;0712345678;Anna\n3;+40712345679;X\n')), {
      accepted: 0,
      updated: 1,
      duplicate: 1,
    })
    t.match(await store.contacts.find('import', { key: '1' }), {
      number: '+40712345678',
      data: { id: '1', phone: '+40712345678', first_name: 'Anna' },
      progress: { state: 'pending', total: 0 },
    })
    t.match(await store.contacts.find('import', { number: '+40712345679' }), {
      key: '2',
      data: { first_name: 'Ion; Pop' },
    })
    t.equal(await store.contacts.find('import', { key: '3' }), null)
    t.match((await dialer.campaigns.get('import')).counts, { contacts: 2, pending: 2 })
    t.match(
      await dialer.import('import', source('ID;Phone\n1;0712345000\n4;0712345678\n')),
      { accepted: 1, updated: 1, duplicate: 0 },
      'a new number for a known key sets the old one free',
    )
  },
)

t.test('without a key column the number is the key', async (t) => {
  await put('plain', { number: 'phone' })
  t.match(await dialer.import('plain', source('phone,name\n0712345678,A\n+40 712 345 678,A\n0712345678,B\n')), {
    accepted: 1,
    updated: 1,
    duplicate: 1,
  })
  t.match(await dialer.contacts.get('plain', '+40712345678'), {
    key: '+40712345678',
    data: { phone: '+40712345678', name: 'B' },
  })
})

t.test('faulty rows are told with row, column and reason, and can be fetched whole', async (t) => {
  await put('dirty', { number: 'phone', key: 'id', timezone: 'tz', priority: 'prio' })
  const file = `id,phone,tz,prio
1,0712345678,Europe/Bucharest,5
2,12,,
3,,,
,0712345679,,
5,0712345680,Mars/Olympus,
6,0712345681,,high
7,1&PJSIP/2,,
8,0712345682,,-3
`
  const report = await dialer.import('dirty', source(file))
  t.match(report, { accepted: 2, rejected: 6 })
  const rejects = [
    { row: 2, column: 'phone', reason: /not a telephone number/ },
    { row: 3, column: 'phone', reason: /missing/ },
    { row: 4, column: 'id', reason: /key is missing/ },
    { row: 5, column: 'tz', reason: /time zone/ },
    { row: 6, column: 'prio', reason: /whole number/ },
    { row: 7, column: 'phone' },
  ]
  t.match(report.rejects, rejects)
  const kept = []
  for await (const reject of dialer.rejects('dirty', report.import!)) kept.push(reject)
  t.match(kept, rejects)
  await t.rejects(dialer.import('dirty', source('name\nAna\n')), { code: 'bad_request', message: /no column `phone`/ })
  await t.rejects(dialer.import('none', source('a\n1\n')), { code: 'not_found' })
  await t.rejects(dialer.rejects('dirty', 'none').next(), { code: 'not_found' })
})

t.test('a dry run tells the same and writes nothing', async (t) => {
  await put('dry', { number: 'phone' })
  await dialer.import('dry', source('phone,name\n0712345678,A\n'))
  const again = 'phone,name\n0712345678,B\n0712345679,C\n0712345679,C\nx,D\n'
  t.match(await dialer.import('dry', source(again, 'csv', true)), {
    accepted: 1,
    updated: 1,
    duplicate: 1,
    rejected: 1,
  })
  t.match((await dialer.campaigns.get('dry')).counts, { contacts: 1 })
  t.match(await dialer.contacts.get('dry', '+40712345678'), { data: { name: 'A' } })
})

t.test('NDJSON rows may differ in their fields', async (t) => {
  await put('json', { number: 'phone' })
  const rows = '{"phone":"0712345678","name":"Ana"}\n{"Phone":"0712345679","city":"Iași","age":40}\n{"name":"nobody"}\n'
  t.match(await dialer.import('json', source(rows, 'ndjson')), { accepted: 2, rejected: 1 })
  t.match(await dialer.contacts.get('json', '+40712345679'), {
    data: { phone: '+40712345679', city: 'Iași', age: '40' },
  })
  t.match(await dialer.contacts.get('json', '+40712345678'), { data: { name: 'Ana' } })
})

t.test('contacts are listed in the order of the file, page by page, by state', async (t) => {
  const list = numbers(300, 1000)
  await campaignOf(paper, 'list', list)
  const seen: string[] = []
  let cursor: string | null = null
  do {
    const page = await dialer.contacts.list('list', { limit: 70, cursor, state: null })
    seen.push(...page.items.map(({ number }) => number))
    cursor = page.next
  } while (cursor !== null)
  t.same(seen, list)
  await dialer.contacts.change('list', list[150]!, { state: 'done' })
  t.match(await dialer.contacts.list('list', { limit: 10, cursor: null, state: 'done' }), {
    items: [{ key: list[150] }],
    next: null,
  })
  await t.rejects(dialer.contacts.list('list', { limit: 10, cursor: 'x', state: null }), { code: 'bad_request' })
})

t.test('a contact is changed within the bounds of its campaign', async (t) => {
  await put('change', { number: 'phone', key: 'id', priority: 'prio', timezone: 'tz' })
  await dialer.import('change', source('id,phone,prio,tz,name\n1,0712345678,,,Ana\n2,0712345679,,,Ion\n'))
  const { contacts } = dialer
  t.match(await contacts.change('change', '1', { data: { name: 'Anna', new_column: 'x' }, priority: 7 }), {
    priority: 7,
    data: { name: 'Anna', prio: '7', new_column: 'x' },
  })
  t.match(await contacts.change('change', '1', { data: { phone: '0712345000' } }), { number: '+40712345000' })
  t.equal(await store.contacts.find('change', { number: '+40712345678' }), null)
  for (const [data, message] of [
    [{ phone: '0712345679' }, /another contact/i],
    [{ phone: '112' }, /not a number/],
    [{ id: '9' }, /key of a contact/],
    [{ tz: 'nowhere' }, /not a time zone/],
  ] as const)
    await t.rejects(contacts.change('change', '1', { data: data as Record<string, string> }), {
      code: 'bad_request',
      message,
    })
  await t.rejects(contacts.change('list', numbers(1, 1000)[0]!, { priority: 1 }), { message: /maps no column/ })
  await t.rejects(contacts.get('change', 'none'), { code: 'not_found' })
  await t.rejects(contacts.get('none', '1'), { code: 'not_found' })
  await dialer.campaigns.act('change', 'start')
  await waitFor(async () => (await dialer.campaigns.get('change')).state === 'finished')
  t.same(
    paper.placed.map(({ record }) => record.contact),
    ['1', '2'],
    'the new priority counts',
  )
})

t.test('a removed contact is gone for good, and its row is not called', async (t) => {
  const list = numbers(3, 5000)
  await campaignOf(paper, 'remove', list)
  await dialer.contacts.remove('remove', list[1]!)
  await t.rejects(dialer.contacts.get('remove', list[1]!), { code: 'not_found' })
  const before = paper.placed.length
  await dialer.campaigns.act('remove', 'start')
  await waitFor(async () => (await dialer.campaigns.get('remove')).state === 'finished')
  t.same(
    paper.placed.slice(before).map(({ record }) => record.number),
    [list[0], list[2]],
  )
  t.match((await dialer.campaigns.get('remove')).counts, { contacts: 2, done: 2 })
  t.match(await dialer.import('remove', source(`phone\n${list[1]}\n`)), { accepted: 1 }, 'it may come again')
})

t.test('keys that are long, odd or alike do not meet', async (t) => {
  await put('keys', { number: 'phone', key: 'id' })
  const odd = ['+40712000001', '40712000001', 'x'.repeat(500), 'ă'.repeat(40), '__proto__', '~abc', '12345']
  const rows = odd.map((key, i) => JSON.stringify({ id: key, phone: `+4071200010${i}` })).join('\n')
  t.match(await dialer.import('keys', source(rows, 'ndjson')), { accepted: odd.length })
  for (const [i, key] of odd.entries())
    t.match(await dialer.contacts.get('keys', key), { key, number: `+4071200010${i}` })
})

t.test('a Redis that does not answer for some seconds costs an import time, and no row is counted twice', async (t) => {
  await put('pause', { number: 'phone' })
  const list = numbers(3000, 700_000)
  async function* body() {
    yield `phone\n${list.slice(0, 1500).join('\n')}\n`
    await waitFor(async () => (await dialer.campaigns.get('pause')).counts.contacts >= 500)
    redis.kill('SIGSTOP')
    setTimeout(() => redis.kill('SIGCONT'), 2500)
    yield `${list.slice(1500).join('\n')}\n`
  }
  const source = { stream: Readable.from(body()), format: 'csv' as const, dry_run: false }
  t.match(await dialer.import('pause', source), { accepted: 3000, updated: 0, duplicate: 0, rejected: 0 })
  t.match((await dialer.campaigns.get('pause')).counts, { contacts: 3000, pending: 3000 })
})

/** Numbers that share the place and the fingerprint of another one in the index. */
function alike(): string[] {
  const seen = new Map<number, string>()
  const found: string[] = []
  for (let i = 1; i < 300_000; i++) {
    const number = `+407${String((i * 15_485_863) % 100_000_000).padStart(8, '0')}`
    const place = fnv(number) % 2 ** 30
    const other = seen.get(place)
    if (other !== undefined) found.push(other, number)
    seen.set(place, number)
  }
  return found
}

t.test(
  'any imports, changes and removals leave what a plain list would hold; a dry run foretells each import',
  async (t) => {
    const twins = alike()
    t.ok(twins.length >= 6, `${twins.length} numbers that are alike`)
    const pool = [...twins.slice(0, 6), ...numbers(3, 900_000)]
    const number = fc.constantFrom(...pool)
    const key = fc.oneof(fc.constantFrom('a', 'b', 'cheie-ț', 'x'.repeat(70)), number)
    const row = fc.record({ key, number, name: fc.constantFrom('Ana', 'Dan') })
    const act = fc.oneof(
      { weight: 3, arbitrary: fc.record({ rows: fc.array(row, { minLength: 1, maxLength: 12 }) }) },
      { weight: 1, arbitrary: fc.record({ remove: key }) },
    )
    let round = 0
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 5 }), async (acts) => {
        const name = `model${round++}`
        await put(name, { number: 'phone', key: 'id' })
        const held = new Map<string, { number: string; name: string }>()
        for (const act of acts) {
          if ('remove' in act) {
            if (held.delete(act.remove)) await dialer.contacts.remove(name, act.remove)
            continue
          }
          const meant = { accepted: 0, updated: 0, duplicate: 0, rejected: 0 }
          for (const { key, number, name } of act.rows) {
            const old = held.get(key)
            const other = [...held].find(([one, { number: its }]) => its === number && one !== key)
            if (other || (old?.number === number && old.name === name)) meant.duplicate++
            else {
              meant[old ? 'updated' : 'accepted']++
              held.set(key, { number, name })
            }
          }
          const file = `id,phone,name\n${act.rows.map(({ key, number, name }) => `${key},${number},${name}`).join('\n')}\n`
          const sums = async (dry: boolean) => {
            const { accepted, updated, duplicate, rejected } = await dialer.import(name, source(file, 'csv', dry))
            return { accepted, updated, duplicate, rejected }
          }
          t.strictSame(await sums(true), meant, 'the dry run')
          t.strictSame(await sums(false), meant, 'the import')
        }
        for (const [key, { number, name: called }] of held) {
          const contact = await dialer.contacts.get(name, key)
          t.match(contact, { key, number, data: { id: key, phone: number, name: called } })
          t.match(await store.contacts.find(name, { number }), { key })
        }
        t.equal((await dialer.contacts.list(name, { limit: 100, cursor: null, state: null })).items.length, held.size)
        for (const lost of pool.filter((one) => ![...held.values()].some(({ number }) => number === one)))
          t.equal(await store.contacts.find(name, { number: lost }), null)
        return t.passing()
      }),
      { numRuns: 60 },
    )
    t.same(await store.db.call((redis) => redis.keys('apel:import:*')), [], 'and no dry run leaves anything')
  },
)
