/**
 * `make bench`: the speed of a live call against other ways to hold the same one, in one run on one Asterisk. See
 * `bench/README.md` for what is measured and how long it takes.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { projectRoot } from '../../src/embedded/tools.ts'
import { ARMS, type ArmName, BARE, FLOOR, PRODUCT, UNJOURNALED } from './arms/all.ts'
import { cost } from './cost.ts'
import { endurance } from './endurance.ts'
import { graph } from './graph.ts'
import { highest } from './highest.ts'
import { reaction } from './reaction.ts'
import { type Measured, report, tables } from './report.ts'
import { BUSY, MachineBusy, percent, Session } from './session.ts'

const PARTS = ['t1', 't3', 't4', 't5', 'journal']
/** When nothing says what half of the highest rate is. */
const USUAL_HALF = 40

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    blocks: { type: 'string' },
    calls: { type: 'string' },
    full: { type: 'boolean', default: false },
    force: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    graph: { type: 'string' },
  },
})
const only = values.only.split(/[, ]+/).flatMap((part) => (part === '' ? [] : [part === 't2' ? 't1' : part]))
const unknown = only.find((part) => !PARTS.includes(part))
if (unknown !== undefined) {
  console.error(`There is no part ${unknown} of the bench; the parts are ${PARTS.join(', ')}.`)
  process.exit(2)
}
const usual = values.full ? PARTS : PARTS.filter((part) => part !== 'journal')
const parts = new Set(only.length > 0 ? only : usual)
const seconds = values.full ? 12 : 6
const blocks = Number(values.blocks ?? 5)
const say = (text: string): void => console.error(text)

async function run(session: Session): Promise<Measured> {
  const measured: Measured = { blocks: [], highest: {}, reactions: [], half: null, endurance: null, journal: [] }
  const compared = ARMS.filter((arm) => arm !== UNJOURNALED)
  if (parts.has('t1')) measured.blocks = await cost(session, compared, blocks, seconds)
  if (parts.has('t3')) {
    const tried: ArmName[] = values.full ? compared : [FLOOR, BARE, PRODUCT]
    for (const arm of tried) measured.highest[arm] = await highest(session, arm, seconds)
  }
  if (parts.has('t4')) {
    measured.half = Math.round((measured.highest[PRODUCT] ?? 2 * USUAL_HALF) / 2)
    const rates = [20, measured.half, Math.round(1.4 * measured.half)].sort((a, b) => a - b)
    const speaking = compared.filter((arm) => arm !== FLOOR && arm !== 'FastAGI')
    measured.reactions = await reaction(session, speaking, rates, seconds)
  }
  if (parts.has('journal')) measured.journal = await cost(session, [PRODUCT, UNJOURNALED], blocks, seconds)
  if (parts.has('t5'))
    measured.endurance = await endurance(session, Number(values.calls ?? (values.full ? 20_000 : 4000)), 55)
  return measured
}

try {
  const session = await Session.start(values.force, say)
  // Asterisk and Redis are processes of their own and would live on.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void session.stop().finally(() => process.exit(130)))
  const measured = await run(session).finally(() => session.stop())
  const result = report(measured, session.others)
  console.log(values.json ? JSON.stringify(result, null, 2) : tables(result))
  if (session.others > BUSY)
    say(`Warning: others used up to ${percent(session.others)} of the machine; do not rely on these figures.`)
  const picture = values.graph ?? join(projectRoot(), 'docs/pictures/calls.svg')
  if (measured.blocks.length > 0 && measured.reactions.length > 0) writeFileSync(picture, graph(result))
  process.exitCode = result.targets.some(({ met }) => met === false) ? 1 : 0
} catch (error) {
  if (!(error instanceof MachineBusy)) throw error
  console.error(error.message)
  process.exitCode = 2
}
