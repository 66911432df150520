/**
 * What it costs to choose who is next, in a campaign of a thousand and of a million: by Redis' own clock (`commandstats`),
 * which others on the machine disturb little. Both in every round, in turns; the median of the rounds' ratios.
 *
 *   node build/bench/choosing.js [ROUNDS] [CONTACTS]       15 rounds, 1,000,000
 */
import { keys } from '../src/store/keys.ts'
import { packRow } from '../src/store/rows.ts'
import { startTestRedis } from '../test/redis/server.ts'
import { median } from './calls/ratios.ts'
import { tell } from './verdicts.ts'

const [rounds = 15, large = 1_000_000] = process.argv.slice(2).map(Number)
const SMALL = 1000
const CHOICES = 100

const redis = await startTestRedis()
const { db, lineUp, contacts } = await redis.store()

async function fill(name: string, count: number): Promise<void> {
  const columns = ['=id', '+phone', 'first_name', 'last_name', 'city', 'due']
  const schema = await contacts.schema(name, columns)
  for (let from = 0, part = 0; from < count; from += 500, part++) {
    const rows = Array.from({ length: Math.min(500, count - from) }, (_, i) => {
      const number = `+4072${String(from + i).padStart(7, '0')}`
      const data = { first_name: 'Ana', last_name: 'Popescu', city: 'Cluj', due: '2026-05-05' }
      return { packed: packRow(schema, columns, { key: `C${from + i}`, number, data }), lane: '0' }
    })
    await contacts.import(name, rows, { import: name, part, dry: false })
  }
  await db.call((client) => client.hset(keys.campaign(name), 'state', 'running'))
}

/** µs a contact that is chosen and taken in hand, by Redis. */
async function choose(name: string): Promise<number> {
  const spent = async () => {
    const stats = await db.call((client) => client.info('commandstats'))
    return Number(/cmdstat_evalsha:calls=\d+,usec=(\d+)/.exec(stats)?.[1])
  }
  const before = await spent()
  let chosen = 0
  while (chosen < CHOICES) {
    const { picked } = await lineUp.next(name, Date.now(), 10, 60_000, ['0'], [])
    await lineUp.claim(name, picked, Date.now(), 60_000)
    chosen += picked.length
    if (picked.length === 0) throw new Error(`${name} has nobody left`)
    await db.call((client) => client.del(keys.window(name)))
  }
  return ((await spent()) - before) / chosen
}

try {
  await fill('large', large)
  await fill('warm', SMALL)
  await choose('warm')
  const pairs: { small: number; large: number }[] = []
  for (let n = 0; n < rounds; n++) {
    await fill(`small${n}`, SMALL)
    const first = n % 2 === 0 ? 'small' : 'large'
    const of = { small: 0, large: 0 }
    for (const which of first === 'small' ? (['small', 'large'] as const) : (['large', 'small'] as const))
      of[which] = await choose(which === 'small' ? `small${n}` : 'large')
    pairs.push(of)
  }
  const cost = (which: 'small' | 'large') => median(pairs.map((pair) => pair[which])).toFixed(1)
  const ratio = median(pairs.map((pair) => pair.large / pair.small))
  console.log(
    `to choose and take one: ${cost('small')} µs among ${SMALL}, ${cost('large')} µs among ${large}; ${rounds} rounds`,
  )
  tell([{ what: `cost among ${large} / among ${SMALL}`, value: ratio.toFixed(2), target: '≤ 1.20', met: ratio <= 1.2 }])
} finally {
  await redis.close()
}
