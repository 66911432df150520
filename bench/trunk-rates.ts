/**
 * Trunks of 1, 3, 10 and 50 calls a second, each with a campaign that would go faster, judged by SIPp's log: how many
 * INVITEs the fullest rolling second has, and how much of the limit is used. Every phone is busy, so that nothing but
 * the limit decides. Use is measured by rounds: how long it takes on average from a call to the `cps`-th after it.
 *
 *   node build/bench/trunk-rates.js [SECONDS]       20 s for each limit
 */
import { refuses } from '../src/phones/behaviours.ts'
import { startSystem } from '../test/support/system.ts'
import { waitFor } from '../test/support/wait.ts'
import { tell, type Verdict } from './verdicts.ts'

const seconds = Number(process.argv[2] ?? 20)
const verdicts: Verdict[] = []

for (const cps of [1, 3, 10, 50]) {
  const flows = { hello: 'flow: hello\nlanguage: en\nstart: hi\nsteps:\n  hi: { say: "Hello.", next: hangup }\n' }
  const system = await startSystem({ flows, trunk: { cps, channels: 200 } })
  try {
    const count = cps * seconds + 1
    const rows = Array.from({ length: count }, (_, i) => `+4072${String(i).padStart(7, '0')}`)
    for (const number of rows) system.exchange.phone(number, refuses(486))
    await system.api('PUT', '/v1/campaigns/rate', {
      flow: 'hello',
      contacts: { number: 'phone' },
      retry: { silent: false },
    })
    await system.contacts('rate', `phone\n${rows.join('\n')}\n`)
    await system.api('POST', '/v1/campaigns/rate/start', {})
    const finished = async () => (await system.api('GET', '/v1/campaigns/rate')).state === 'finished'
    await waitFor(finished, { timeout: 2000 * seconds + 20_000, every: 500, what: `the end at ${cps} a second` })
    const starts = (await system.exchange.dialogs()).map(({ invitedAt }) => invitedAt)
    if (starts.length !== count) throw new Error(`${starts.length} INVITEs for ${count} contacts`)
    let most = 0
    for (let from = 0, to = 0; to < starts.length; to++) {
      while ((starts[to] ?? 0) - (starts[from] ?? 0) >= 1000) from++
      most = Math.max(most, to - from + 1)
    }
    const turns = starts.slice(cps).map((at, i) => at - (starts[i] ?? 0))
    const used = 1000 / (turns.reduce((sum, one) => sum + one, 0) / turns.length)
    verdicts.push(
      { what: `${cps} a second: the fullest second`, value: String(most), target: `≤ ${cps}`, met: most <= cps },
      { what: `${cps} a second: used`, value: `${(100 * used).toFixed(1)} %`, target: '≥ 98 %', met: used >= 0.98 },
    )
  } finally {
    await system.stop({ strict: false })
  }
}
tell(verdicts)
