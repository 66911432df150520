/**
 * Journals as they are kept by each format, `test/formats/journal-N.json`: what went in, and the entries that were written. A call
 * that is on when a release is brought in was written down by the one before; where its journal gives something else now,
 * it cannot be led on and is ended (`call/taken.ts`). See decision 0140 for what to do then.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import type { Effect, FlowEvent } from '../../../src/flow/io.ts'
import { beginOf, type Entry, JOURNAL_FORMAT, Writer } from '../../../src/flow/journal.ts'
import { type FlowFile, loadFlows } from '../../../src/flow/load.ts'
import type { Program } from '../../../src/flow/program.ts'
import { testCall } from '../../../src/flow/simulate.ts'
import { begin } from '../../../src/flow/step.ts'
import { replayFault } from '../../support/journals.ts'
import { type Chance, happen } from './happenings.ts'
import { NOW } from './talk.ts'

interface Kept {
  texts: FlowFile[]
  conversations: { flow: string; start_at: string | null; given: FlowEvent[]; entries: Entry[] }[]
}

const folder = 'test/formats'
const fileOf = (format: number | string) => `${folder}/journal-${format}.json`
const read = (path: string): Kept => JSON.parse(readFileSync(path, 'utf8'))
const call = testCall({ contact: { name: 'Ana', visit: 'Monday' }, vars: { code: '7391', n: 2 } })
const line = { node: 'pbx', app: 'apel-one-1', startup: '1', amd: false, ring: 25_000, absolute: 400_000 }

function open(program: Program, start_at: string | null) {
  const context = { ...call, start_at }
  const writer = new Writer(program, begin(program, context))
  const entries: Entry[] = [beginOf(program, context, NOW, 'texts', line)]
  const effects: Effect[] = []
  const given: FlowEvent[] = []
  return {
    ...{ writer, entries, effects, given },
    take(event: FlowEvent) {
      const turn = writer.take(event)
      given.push(event)
      entries.push(turn.entry)
      effects.push(...turn.effects)
    },
  }
}

/** As often one thing as another, the rare ones too. */
const often = fc.record({
  kind: fc.constantFrom(5, 30, 50, 75, 82, 88, 93, 95, 96, 97, 98),
  pick: fc.nat(1000),
  wait: fc.nat(9000),
})

/** Conversations of chance, each for an event, an effect or a state with a secret that those before did not have. */
function keep(path: string): void {
  const texts = ['every_verb', 'called-flow', 'recursion'].map((name) => ({
    path: `flows/${name}.yaml`,
    text: readFileSync(`test/flows/good/${name}.yaml`, 'utf8'),
  }))
  const kept: Kept = { texts, conversations: [] }
  const seen = new Set<string>()
  const starts = [...loadFlows(texts).programs.values()].flatMap((program) =>
    [null, ...program.steps.keys()].map((start_at) => ({ program, start_at })),
  )
  for (const { program, start_at } of starts)
    for (const chances of fc.sample(fc.array(often, { minLength: 15, maxLength: 25 }), { seed: 1, numRuns: 50 })) {
      const call = held(program, start_at, chances)
      const shows = [
        ...call.given.map(({ type }) => `event ${type}`),
        ...call.effects.map(({ type }) => `effect ${type}`),
        ...call.entries.map((entry) => ('kept' in entry ? 'a secret' : '')),
      ]
      if (shows.every((one) => seen.has(one))) continue
      for (const one of shows) seen.add(one)
      kept.conversations.push({ flow: program.flow, start_at, given: call.given, entries: call.entries })
    }
  writeFileSync(path, `${JSON.stringify(kept)}\n`)
}

function held(program: Program, start_at: string | null, chances: Chance[]) {
  const call = open(program, start_at)
  let at = NOW
  call.take({ type: 'start', at, verdict: 'human' })
  for (const one of chances) {
    at += one.wait
    call.take(happen(one, call.writer.state, call.effects, at))
  }
  return call
}

if (process.env.APEL_KEEP_FORMAT === '1' && !existsSync(fileOf(JOURNAL_FORMAT))) keep(fileOf(JOURNAL_FORMAT))
const formats = readdirSync(folder).flatMap((name) => /^journal-(\d+)\.json$/.exec(name)?.[1] ?? [])

for (const format of formats)
  t.test(`journals of format ${format} are read, and give the same effects bit for bit`, async (t) => {
    const { texts, conversations } = read(fileOf(format))
    for (const { entries } of conversations) t.equal(replayFault({ id: 'kept', entries, texts }), null)
  })

t.test('what is written is of this format byte by byte: whoever changes it gives it another number', async (t) => {
  const { texts, conversations } = read(fileOf(JOURNAL_FORMAT))
  const { programs } = loadFlows(texts)
  for (const { flow, start_at, given, entries } of conversations) {
    const call = open(programs.get(flow)!, start_at)
    for (const event of given) call.take(event)
    t.same(JSON.stringify(call.entries), JSON.stringify(entries))
  }
})

t.test('every event and every effect is among them, and digits that may be kept nowhere', async (t) => {
  const { conversations } = read(fileOf(JOURNAL_FORMAT))
  const types = new Set(conversations.flatMap(({ given }) => given.map(({ type }) => type)))
  const events = {
    ...{ start: 1, key: 1, played: 1, talk: 1, timer: 1, http: 1, task: 1, callback: 1, recorded: 1, pressed: 1 },
    ...{ connected: 1, dialed: 1, opted_out: 1, situation: 1, resumed: 1, hangup: 1 },
  } satisfies Record<FlowEvent['type'], 1>
  t.same([...types].sort(), Object.keys(events).sort())
  t.match(JSON.stringify(conversations), '"kept":{"state"')
})
