/**
 * A campaign of a million contacts of six columns, on a whole system: how fast they come in over HTTP, what the service and
 * Redis take for them, and how soon after the start the first INVITE is on the wire (by SIPp's log). Each round is a
 * system of its own; medians of the rounds.
 *
 *   node build/bench/million-contacts.js [ROUNDS] [CONTACTS]       3 rounds of 1,000,000
 */
import { closeSync, createReadStream, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { Redis } from 'ioredis'
import { type System, startSystem } from '../test/support/system.ts'
import { waitFor } from '../test/support/wait.ts'
import { median } from './calls/ratios.ts'
import { tell } from './verdicts.ts'

const [rounds = 3, contacts = 1_000_000] = process.argv.slice(2).map(Number)

const FIRST = ['Ana', 'Ion', 'Maria', 'Dan', 'Elena', 'Radu', 'Ioana', 'Mihai', 'Cristina', 'Andrei']
const LAST = ['Popescu', 'Ionescu', 'Dumitru', 'Stan', 'Stoica', 'Gheorghe', 'Munteanu']
const CITY = ['Cluj', 'Iași', 'București', 'Timișoara', 'Brașov']

/** Customer, number, two names, city and a date: 52 bytes a row. */
function writeList(file: string): void {
  const out = openSync(file, 'w')
  let text = 'customer,phone,first_name,last_name,city,due\n'
  for (let i = 0; i < contacts; i++) {
    const due = `2026-${String(1 + (i % 12)).padStart(2, '0')}-${String(1 + (i % 28)).padStart(2, '0')}`
    const phone = `+4072${String((i * 7919) % 10_000_000).padStart(7, '0')}`
    text += `C${100_000 + i},${phone},${FIRST[i % 10]},${LAST[i % 7]},${CITY[i % 5]},${due}\n`
    if (text.length > 1e6 || i === contacts - 1) {
      writeSync(out, text)
      text = ''
    }
  }
  closeSync(out)
}

interface Round {
  rows: number
  peak: number
  /** Processor time of the service and of Redis, µs a row: what a busy machine does not change much. */
  node: number
  redis: number
  ratio: number
  first: number
}

async function round(system: System, file: string): Promise<Round> {
  const { pid } = system.service
  const redis = new Redis({ path: join(system.folder, 'data/redis/redis.sock') })
  const bytes = statSync(file).size
  const info = async (section: string, field: string) =>
    Number(new RegExp(`^${field}:([\\d.]+)`, 'm').exec(await redis.info(section))?.[1])
  const ticks = () => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')
    return (Number(fields[13]) + Number(fields[14])) * 10_000
  }
  const redisCpu = async () => 1e6 * ((await info('cpu', 'used_cpu_user')) + (await info('cpu', 'used_cpu_sys')))
  const before = { memory: await info('memory', 'used_memory'), node: ticks(), redis: await redisCpu() }
  const definition = { flow: 'hello', contacts: { key: 'customer', number: 'phone' }, retry: { silent: false } }
  await system.api('PUT', '/v1/campaigns/million', definition)
  const begun = performance.now()
  const answer = await fetch(`${system.url}/v1/campaigns/million/contacts`, {
    ...{ method: 'POST', headers: { 'content-type': 'text/csv' }, duplex: 'half' },
    body: createReadStream(file) as unknown as ReadableStream,
  })
  const report = (await answer.json()) as { accepted: number }
  if (report.accepted !== contacts) throw new Error(JSON.stringify(report))
  const seconds = (performance.now() - begun) / 1000
  const [node, redisTime] = [ticks() - before.node, (await redisCpu()) - before.redis]
  const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
  const ratio = ((await info('memory', 'used_memory')) - before.memory) / bytes
  redis.disconnect()

  const started = Date.now()
  await system.api('POST', '/v1/campaigns/million/start', {})
  const dialogs = () => system.exchange.dialogs()
  await waitFor(async () => (await dialogs()).length > 0, { timeout: 30_000, every: 20, what: 'the first INVITE' })
  const first = ((await dialogs())[0]?.invitedAt ?? Number.NaN) - started
  await system.api('POST', '/v1/campaigns/million/stop', { now: true })
  return { rows: contacts / seconds, peak, node: node / contacts, redis: redisTime / contacts, ratio, first }
}

const folder = mkdtempSync(join(tmpdir(), 'apel-bench-'))
try {
  const file = join(folder, 'contacts.csv')
  writeList(file)
  const all: Round[] = []
  for (let n = 0; n < rounds; n++) {
    const flows = { hello: 'flow: hello\nlanguage: en\nstart: hi\nsteps:\n  hi: { say: "Hello.", next: hangup }\n' }
    const system = await startSystem({ flows })
    try {
      const one = await round(system, file)
      all.push(one)
      console.log(
        `round ${n + 1}: ${Math.round(one.rows)} rows a second, ${(one.peak / 1e6).toFixed(0)} MB, ${one.ratio.toFixed(2)} × the CSV, first call after ${one.first} ms`,
      )
    } finally {
      await system.stop({ strict: false })
    }
  }
  const of = (field: keyof Round) => median(all.map((one) => one[field]))
  const [rows, peak, ratio, first] = [of('rows'), of('peak') / 1e6, of('ratio'), of('first')]
  const size = `${(statSync(file).size / 1e6).toFixed(1)} MB`
  console.log(
    `${contacts} contacts, ${size}; processor time: ${of('node').toFixed(1)} µs a row in the service, ${of('redis').toFixed(1)} in Redis`,
  )
  tell([
    { what: 'import, rows a second', value: String(Math.round(rows)), target: '≥ 25000', met: rows >= 25_000 },
    { what: "the service's highest memory", value: `${peak.toFixed(0)} MB`, target: '≤ 150 MB', met: peak <= 150 },
    { what: "Redis' memory / the CSV", value: ratio.toFixed(2), target: '≤ 2.00', met: ratio <= 2 },
    { what: 'first INVITE after the start', value: `${first} ms`, target: '≤ 2000 ms', met: first <= 2000 },
  ])
} finally {
  rmSync(folder, { recursive: true })
}
