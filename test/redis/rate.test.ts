import t from 'tap'
import { Gate } from '../../src/dialer/gate.ts'
import type { Plan } from '../../src/dialer/plan.ts'
import { Planner } from '../../src/dialer/planner.ts'
import { Turns } from '../../src/dialer/turns.ts'
import { openPolicy, ownerNamed, realClock, trunk } from '../support/dialer.ts'
import { startTestRedis } from './server.ts'

t.setTimeout(120_000)

const redis = await startTestRedis()
t.teardown(() => redis.close())

for (const [cps, count] of [
  [1, 4],
  [3, 10],
  [20, 70],
  [50, 150],
] as const)
  t.test(`two instances on a trunk of ${cps} a second: never more in any rolling second`, async (t) => {
    const line = trunk({ name: `t${cps}`, cps })
    const settings = { policy: openPolicy, trunks: [line], extensions: [] }
    const times = new Set<number>()
    let given = 0
    const instance = async (name: string): Promise<void> => {
      const store = await redis.store()
      await store.writable()
      const planner = new Planner(store, settings)
      const gate = new Gate({
        store,
        policy: openPolicy,
        owner: ownerNamed(name),
        now: () => Date.now(),
        closed: () => null,
      })
      const turns = new Turns(realClock)
      while (given < count) {
        const number = `+4071${String(1_000_000 + cps * 1000 + given++)}`
        const plan: Plan = await planner.manual({ to: number, flow: 'f', vars: {}, trunk: null })
        await turns.join('', 0, 0).take(60_000, async () => {
          const verdict = await gate.reserve(plan)
          if (verdict.verdict === 'busy') return { wait: verdict.wait }
          return { done: verdict }
        })
        for (const at of await store.db.call((client) => client.lrange(`apel:t:t${cps}:rate`, 0, -1)))
          times.add(Number(at))
      }
    }
    await Promise.all([instance('one'), instance('two')])
    const sorted = [...times].sort((a, b) => a - b)
    t.equal(sorted.length, count)
    let most = 0
    for (let first = 0, last = 0; last < sorted.length; last++) {
      while (sorted[last]! - sorted[first]! > 1000) first++
      most = Math.max(most, last - first + 1)
    }
    t.ok(most <= cps, `${most} in the fullest second`)
    // How far apart a call and the one `cps` before it are: a second and as little more as can be.
    const rounds = sorted.slice(cps).map((at, i) => at - sorted[i]!)
    const used = 1000 / (rounds.reduce((sum, round) => sum + round, 0) / rounds.length)
    t.ok(used > 0.9, `${(100 * used).toFixed(1)} % used`)
    t.comment(`${cps} a second: ${most} in the fullest second, ${(100 * used).toFixed(1)} % used`)
  })

t.test(
  'calls that were held up on their way stand in the same log again, behind those of the other instance',
  async (t) => {
    const store = await redis.store()
    const rate = { n: 10, window: 1014, gap: 50 }
    const early = await redis.store()
    const leave = async (from: typeof store): Promise<number> => {
      for (;;) {
        const wait = await from.attempts.depart('late', rate)
        if (wait === 0) return Date.now()
        await new Promise((resolve) => setTimeout(resolve, wait))
      }
    }
    // All at once, at two instances.
    const times = (await Promise.all(Array.from({ length: 30 }, (_, n) => leave(n % 2 === 0 ? store : early)))).sort(
      (a, b) => a - b,
    )
    for (let last = rate.n; last < times.length; last++) {
      const within = times[last]! - times[last - rate.n]!
      if (within < 1000) t.fail(`${rate.n + 1} within ${within} ms`)
    }
    t.ok(times.at(-1)! - times[0]! < 3500, 'and nobody waits for nothing')
  },
)
