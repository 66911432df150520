/** F15: a hundred thousand callbacks are due at once, after a night in which nobody was there. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import t from 'tap'
import { keys } from '../../src/store/keys.ts'
import { numbers, paperDialer, ShiftedClock, trunk } from '../support/dialer.ts'
import { waitFor } from '../support/wait.ts'
import { startTestRedis } from './server.ts'

t.setTimeout(180_000)
const HOUR = 3_600_000
const DUE = 100_000
/** The first of them promised a call within two hours, and nobody kept it. */
const STALE = 2000
const CPS = 50
const CALLS = 150

/** A thousand agreements as `schedule` leaves them, each a millisecond after the one before. */
const MAKE = `
local first, due = tonumber(ARGV[1]), tonumber(ARGV[2])
for i = first, first + 999 do
  local id, number = string.format('cb%08d-x', i), '+407' .. string.format('%.0f', 10000000 + i)
  local at = due + i
  local till = at + (i < ${STALE} and 2 or 48) * ${HOUR}
  redis.call('HSET', 'apel:cb:' .. id, 'id', id, 'number', number, 'campaign', 'c', 'flow', 'survey', 'state', 'open',
    'tries', '0', 'due_at', string.format('%.0f', at), 'expires_at', string.format('%.0f', till), 'created_at', ARGV[2])
  redis.call('SET', 'apel:cbn:' .. number, id)
  redis.call('LPUSH', 'apel:ncb:' .. number, id)
  redis.call('ZADD', 'apel:callbacks', due, id)
  redis.call('ZADD', 'apel:c:c:cb', at, id)
end
redis.call('HINCRBY', 'apel:c:c:counts', 'open_callbacks', 1000)
`

t.test('they are dialled by their time as the trunk allows, and those that ran out are not', async (t) => {
  const redis = await startTestRedis()
  const clock = new ShiftedClock()
  const evening = await paperDialer(redis, { clock })
  await evening.dialer.campaigns.put('c', { flow: 'survey', callbacks: { on_missed: 'close' } })
  const client = await redis.another('ledger')
  const due = clock.now() + HOUR
  for (let first = 0; first < DUE; first += 1000) await client.eval(MAKE, 0, String(first), String(due))
  await evening.dialer.campaigns.act('c', 'start')
  await evening.stop()

  clock.ms += 9 * HOUR
  const lag = monitorEventLoopDelay({ resolution: 10 })
  const before = process.memoryUsage().heapUsed
  lag.enable()
  const morning = await paperDialer(redis, {
    clock,
    instance: 'morning',
    trunks: [trunk({ cps: CPS, channels: 10_000 })],
    onPlace: (call, p) => p.end(call, 'completed'),
  })
  t.teardown(async () => {
    await morning.stop()
    await redis.close()
  })
  let [deepest, most] = [0, 0]
  await waitFor(
    async () => {
      deepest = Math.max(deepest, await client.zcard(keys.window('c')))
      most = Math.max(most, process.memoryUsage().heapUsed - before)
      return morning.placed.length >= CALLS
    },
    { timeout: 150_000, what: `${CALLS} calls` },
  )
  lag.disable()
  t.same(
    morning.placed.slice(0, CALLS).map(({ record }) => record.number),
    numbers(CALLS, STALE),
    'by their time, and none that had run out',
  )
  t.match((await morning.dialer.campaigns.get('c')).dispositions, { expired: STALE })
  t.match(await morning.store.callbacks.get('cb00000000-x'), { state: 'expired' })
  t.match(await morning.store.callbacks.get(`cb${String(DUE - 1).padStart(8, '0')}-x`), { state: 'open' })
  const took = (morning.times[CALLS - 1] ?? 0) - (morning.times[0] ?? 0)
  t.ok(took > ((CALLS - CPS - 1) / CPS) * 1000, `${CALLS} calls in ${took.toFixed(0)} ms, ${CPS} a second`)
  t.ok(deepest <= 2 * CPS, `at most ${deepest} were in hand`)
  t.ok(most < 150e6, `${(most / 1e6).toFixed(0)} MB of memory`)
  t.comment(
    `${DUE} due, ${STALE} run out; ${CALLS} calls in ${took.toFixed(0)} ms; heap + ${(most / 1e6).toFixed(0)} MB; event loop p99 ${(lag.percentile(99) / 1e6).toFixed(0)} ms, max ${(lag.max / 1e6).toFixed(0)} ms`,
  )
})
