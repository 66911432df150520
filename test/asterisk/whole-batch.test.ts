/** `apel batch` against a whole system, as the system's own cron runs it. */
import t from 'tap'
import { hangsUp, refuses } from '../../src/phones/behaviours.ts'
import { startSystem } from '../support/system.ts'

t.setTimeout(200_000)

const brief = `
flow: brief
language: en
start: word
steps:
  word: { say: "Good morning.", outcome: said, next: hangup }
`
const list = ['+40745000000', '+40745000001', '+40745000002', '+40745000003']
const campaign = (name: string, more: string): string => `
campaign: ${name}
flow: brief
contacts: { file: ${name}.csv, number: phone }
dial: { ring: 15s }
retry: { busy: { delay: 2h }, silent: false }
${more}
`
const system = await startSystem({
  flows: { brief },
  campaigns: {
    night: campaign('night', 'schedule: { cron: "0 3 * * *", timezone: Europe/Bucharest }'),
    shut: campaign('shut', 'holidays: [HOLIDAY]'.replace('HOLIDAY', days().join(', '))),
  },
  files: {
    'scripts-yaml/campaigns/night.csv': `phone\n${list.join('\n')}\nnobody\n`,
    'scripts-yaml/campaigns/shut.csv': 'phone\n+40745000009\n',
  },
})
t.teardown(() => system.stop())

/** Yesterday, today and tomorrow, so that it is a holiday whatever the hour. */
function days(): string[] {
  return [-1, 0, 1].map((day) => new Date(Date.now() + day * 86_400_000).toISOString().slice(0, 10))
}

const batch = (name: string, id: string, ...more: string[]) => system.apel(['batch', name, '--run-id', id, ...more])
const wire = async () => (await system.exchange.dialogs()).map(({ to }) => to).filter((to) => list.includes(to))

t.test('a run dials everybody once, even when it is begun twice, and again gives the same', async (t) => {
  for (const [i, number] of list.entries()) system.exchange.phone(number, [hangsUp(200), refuses(486)][i % 2]!)
  const [one, two] = await Promise.all([batch('night', 'monday'), batch('night', 'monday')])
  t.equal(one.code, 0, one.stderr)
  t.equal(two.code, 0, two.stderr)
  t.match(one.stdout, /night is running: 4 contacts \((?=.*waiting 2)(?=.*done 2).*4 attempts/)
  t.same((await wire()).sort(), list)
  const again = await batch('night', 'monday')
  t.match(again, { code: 0, stderr: /ended before, with 0/ })
  t.equal((await wire()).length, list.length, 'nothing was dialled anew')
  const state = await system.api('GET', '/v1/campaigns/night')
  t.match(state, { untried: 0, schedule: { last_at: null, last_result: null } })
  t.match(new Date(state.schedule.next_at).toLocaleTimeString('en-GB', { timeZone: 'Europe/Bucharest' }), '03:00:00')
})

t.test('what has not come to its end by then is told by the exit code, now and for ever', async (t) => {
  const first = await batch('night', 'tuesday', '--until', 'finished', '--timeout', '1s')
  t.match(first, { code: 1, stderr: /not there yet \(finished\)/ })
  t.match(await batch('night', 'tuesday', '--until', 'finished'), { code: 1, stderr: /ended before, with 1/ })
})

t.test('those who are held are waited for until the timeout', async (t) => {
  const run = await batch('shut', 'monday', '--timeout', '3s', '--json')
  t.equal(run.code, 1)
  t.match(JSON.parse(run.stdout), { state: 'running', untried: 1, counts: { held: 1 }, attempts: 0 })
  t.match(await batch('shut', 'monday'), { code: 1, stderr: /ended before, with 1/ })
})

t.test('what cannot be run is told apart from what cannot be reached', async (t) => {
  t.match(await batch('nobody', 'monday'), { code: 2 })
  t.match(await batch('night', 'wednesday', '--until', 'later'), { code: 2 })
  t.match(await system.apel(['batch', 'night']), { code: 2, stderr: /run-id/ })
  const away = await system.apel(['batch', 'night', '--run-id', 'x', '--url', 'http://127.0.0.1:9'])
  t.match(away, { code: 3, stderr: /cannot be reached/ })
  await system.apel(['campaign', 'pause', 'night'])
  t.match(await batch('night', 'thursday'), { code: 1, stderr: /cannot start.*invalid_state/ })
})
