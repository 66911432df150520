/**
 * Random faults of all kinds, over two instances and two Asterisk nodes with live calls of every kind, for a set time:
 *
 *   make chaos minutes=30 seed=1
 *
 * A line every five seconds, a table at the end, and build/chaos.svg. Exit code 0 only when the checker finds no promise broken.
 */
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { TALKS } from '../../support/talks.ts'
import { waitFor } from '../../support/wait.ts'
import { broken } from '../checker.ts'
import { fate, type Person } from '../people.ts'
import { startScene } from '../scene.ts'
import { type Doing, gather } from './crowd.ts'
import { FAULTS, type Fault } from './faults.ts'
import { graph } from './graph.ts'
import { seeded } from './random.ts'
import { type Run, table } from './report.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    calls: { type: 'string', default: '14' },
  },
})
const minutes = Number(values.minutes)
const random = seeded(Number(values.seed))
const log = (text: string): void => console.log(text)

log(`Chaos for ${minutes} minutes, seed ${values.seed}: two instances, two nodes, ${values.calls} calls at once.`)
const scene = await startScene({
  ...{ flows: TALKS, instances: 2, nodes: 2, trunk: { channels: 30, cps: 10 } },
  config: { inbound: { '+40311234567': 'story' }, drain_timeout: '4s' },
})
const begun = Date.now()
const until = begun + minutes * 60_000
const run: Run = {
  minutes,
  seed: Number(values.seed),
  begun,
  ended: begun,
  faults: [],
  samples: [],
  struck: [],
  failures: [],
}
const crowd = gather(scene, random, Number(values.calls))
const seconds = (): number => Math.round((Date.now() - begun) / 1000)

const sampler = setInterval(() => {
  run.samples.push({ at: Date.now() - begun, live: crowd.live() })
  if (run.samples.length % 5 !== 0) return
  const last = run.faults.at(-1)
  const now = last === undefined ? '' : `, ${last.to === null ? 'now' : 'last'}: ${last.kind}`
  log(
    `${String(seconds()).padStart(5)} s  ${crowd.live()} live of ${crowd.people.length} calls, ${run.faults.length} faults${now}`,
  )
}, 1000)

/** The kinds by turns, those of more weight more often: in a short run, too, each comes that can. */
function* kinds(): Generator<Fault> {
  for (;;) {
    const bag = FAULTS.flatMap((fault) => Array.from({ length: fault.weight }, () => fault))
    while (bag.length > 0) yield bag.splice(Math.floor(random.next() * bag.length), 1)[0]!
  }
}

await sleep(8000)
for (const fault of kinds()) {
  if (Date.now() > until) break
  if (fault.harms) {
    const over = () => [...crowd.struck.keys()].every((person) => person.call()?.endedAt != null)
    await waitFor(over, { timeout: 90_000, what: 'the end of those who were struck' }).catch(() => {})
  }
  const entry = { kind: fault.kind, from: Date.now() - begun, to: null as number | null }
  run.faults.push(entry)
  try {
    await fault.run(scene, crowd, random)
    await scene.ready(60_000)
  } catch (cause) {
    run.failures.push(`${seconds()} s, ${fault.kind}: ${cause instanceof Error ? cause.message : cause}`)
    log(run.failures.at(-1)!)
    await mend()
  }
  entry.to = Date.now() - begun
  await sleep(random.between(6000, 12_000))
}
clearInterval(sampler)
await crowd.stop()
log('The last calls come to their end.')
const evidence = await scene.evidence([], 180_000)
for (const [person, doing] of crowd.struck) {
  const end = person.call()?.endedAt ?? Date.now()
  const cut = person.node.deaths.some((at) => at > person.begunAt && at < end)
  run.struck.push({ doing, kind: person.kind, cut, ...fate(person, evidence.records) })
}
run.ended = Date.now()
evidence.survivors = run.struck.filter(({ cut }) => !cut)
const faults = [...run.failures, ...broken(evidence)]
for (const [person, doing] of crowd.struck) {
  const { reached } = fate(person, evidence.records)
  if (!reached) log(await story(person, doing))
}
log(table(run, crowd, evidence, faults))
writeFileSync('build/chaos.svg', graph(run))
for (const { name, service } of scene.instances) writeFileSync(`build/chaos-${name}.log`, service.log())
log('Graph: build/chaos.svg; logs: build/chaos-first.log, build/chaos-second.log')
await scene.stop().catch((fault: Error) => faults.push(fault.message))
for (const fault of faults) log(`BROKEN  ${fault}`)
log(faults.length === 0 ? 'Every promise holds.' : `${faults.length} broken.`)
process.exit(faults.length === 0 ? 0 : 1)

/** What is known of one who did not come to the end, for whoever looks for the reason. */
async function story(person: Person, doing: Doing): Promise<string> {
  const call = person.call()
  const after = (at: number | null | undefined): string => (at == null ? '-' : `${((at - begun) / 1000).toFixed(1)} s`)
  const record = evidence.records.find(({ number, kind }) => number === person.number && kind !== 'leg')
  const { steps = [], disposition, hangup_by } = record ? await scene.api('GET', `/v1/calls/${record.id}`) : {}
  const heard = call?.ear.phrases.map(({ from, to }) => `${after(from)}–${after(to)}`).join(', ')
  const went = steps.map((step: Record<string, string>) => `${step.at?.slice(14, 21)} ${step.step} ${step.event}`)
  return `LOST  ${person.kind}, ${doing} at the kill: rang ${after(call?.ringingAt)}, answered ${after(call?.answeredAt)}, ended ${after(call?.endedAt)} by ${call?.endedBy}; ${disposition} by ${hangup_by}; heard ${heard}; went ${went.join(', ')}`
}

/** After a fault whose mending failed: whoever is away comes back, so that the run goes on. */
async function mend(): Promise<void> {
  for (const { service } of scene.instances)
    if (service.pid === null)
      await service.start().catch((cause: Error) => log(`it does not come back: ${cause.message}`))
}
