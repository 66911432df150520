/**
 * What a forecast costs: CPU of this process and of Redis a contact, and how long others who ask the same Redis wait
 * meanwhile. CPU is counted, not time, since others on the machine disturb it little.
 *
 *   node build/bench/forecast.js [CONTACTS]       100,000
 */
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { startTestRedis } from '../test/redis/server.ts'
import { numbers, paperDialer, trunk, windows } from '../test/support/dialer.ts'
import { median } from './calls/ratios.ts'
import { tell } from './verdicts.ts'

const [contacts = 100_000] = process.argv.slice(2).map(Number)
const ROUNDS = 3

const redis = await startTestRedis()
const paper = await paperDialer(redis, {
  trunks: [trunk({ channels: 60, cps: 10 })],
  policy: { windows: windows({ 'mon-sat': '08:00-21:00' }), per_number: { per_day: 3, per_week: 7 } },
})
const { db } = paper.store

function* list(): Generator<string> {
  yield 'phone\n'
  for (let from = 0; from < contacts; from += 1000)
    yield `${numbers(Math.min(1000, contacts - from), from).join('\n')}\n`
}

/** ms of CPU of Redis so far. */
async function ofRedis(): Promise<number> {
  const info = await db.call((client) => client.info('cpu'))
  const field = (name: string): number => Number(new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1])
  return 1000 * (field('used_cpu_user') + field('used_cpu_sys'))
}

/** How long a question to the same Redis takes, ms, again and again until told to stop. */
function asking(): { stop(): Promise<number[]> } {
  const took: number[] = []
  let going = true
  const over = (async () => {
    while (going) {
      const begun = performance.now()
      await db.call((client) => client.ping())
      took.push(performance.now() - begun)
      await sleep(2)
    }
  })()
  return {
    async stop() {
      going = false
      await over
      return took.sort((a, b) => a - b)
    },
  }
}

try {
  await paper.dialer.campaigns.put('c', {
    ...{ flow: 'survey', contacts: { number: 'phone' }, window: { 'mon-fri': ['09:00-13:00', '14:00-18:00'] } },
    retry: { busy: { delay: '10m', max: 3 }, no_answer: { delay: '2h', max: 3, backoff: 'multiply' } },
  })
  await paper.dialer.import('c', { stream: Readable.from(list()), format: 'csv', dry_run: false })
  const rounds: { own: number; redis: number; calls: number; waited: number }[] = []
  for (let n = 0; n < ROUNDS; n++) {
    const others = asking()
    const [before, cpu] = [await ofRedis(), process.cpuUsage()]
    const asked = { answer: null, busy: null, no_answer: null, talk: null, from: null, seed: n }
    const { attempts } = await paper.dialer.forecast('c', asked)
    const { user, system } = process.cpuUsage(cpu)
    const took = await others.stop()
    const waited = took[Math.floor(took.length * 0.99)] ?? 0
    rounds.push({ own: (user + system) / 1000, redis: (await ofRedis()) - before, calls: attempts, waited })
  }
  const of = (what: keyof (typeof rounds)[0]): number => median(rounds.map((round) => round[what]))
  console.log(
    `${contacts} contacts, ${of('calls')} calls: ${(of('own') / 1000).toFixed(1)} s of CPU here, ${(of('redis') / 1000).toFixed(1)} s in Redis; ` +
      `who asks the same Redis meanwhile waits ${of('waited').toFixed(1)} ms (p99)`,
  )
  const each = (1000 * (of('own') + of('redis'))) / contacts
  tell([{ what: 'CPU of a forecast a contact, µs', value: each.toFixed(0), target: '≤ 150', met: each <= 150 }])
} finally {
  await paper.stop()
  await redis.close()
}
