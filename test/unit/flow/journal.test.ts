import fc from 'fast-check'
import t from 'tap'
import type { Effect } from '../../../src/flow/io.ts'
import { beginOf, type Entry, Reader, Writer } from '../../../src/flow/journal.ts'
import type { Program } from '../../../src/flow/program.ts'
import { compare, type Journal, readJournal, replay } from '../../../src/flow/replay.ts'
import { testCall } from '../../../src/flow/simulate.ts'
import { begin } from '../../../src/flow/step.ts'
import { chance, happen, programs } from './happenings.ts'
import { flow, NOW } from './talk.ts'

t.setTimeout(180_000)

const context = testCall({ contact: { name: 'Ana', visit: 'Monday', source: '' } })

/** A conversation with its journal, as it comes back from the ledger. */
function written(program: Program, vars: Record<string, unknown> = {}) {
  const known = { ...context, vars }
  const entries: Entry[] = [beginOf(program, known, NOW, null)]
  const writer = new Writer(program, begin(program, known))
  const effects: Effect[] = []
  let at = NOW
  return {
    writer,
    effects,
    wait: (ms: number) => {
      at += ms
    },
    at: () => at,
    feed(event: Parameters<Writer['take']>[0]) {
      const turn = writer.take(event)
      entries.push(turn.entry)
      effects.push(...turn.effects)
    },
    played: () => {
      const turn = writer.take({ type: 'played', at, id: writer.state.saying?.id ?? '', ok: true })
      entries.push(turn.entry)
      effects.push(...turn.effects)
    },
    keys(keys: string) {
      for (const key of keys) this.feed({ type: 'key', at, key })
    },
    journal(): Journal {
      const journal = readJournal(JSON.parse(JSON.stringify(entries)))
      if (typeof journal === 'string') throw new Error(journal)
      return journal
    },
    text: () => JSON.stringify(entries),
  }
}

t.test('whatever happens, the journal gives the same effects and the same state again', async () => {
  for (const program of programs())
    fc.assert(
      fc.property(fc.array(chance, { maxLength: 40 }), (chances) => {
        const call = written(program)
        call.feed({ type: 'start', at: NOW, verdict: 'human' })
        for (const one of chances) {
          call.wait(one.wait)
          call.feed(happen(one, call.writer.state, call.effects, call.at()))
        }
        const journal = call.journal()
        const { parts, inputs, stopped } = replay(program, journal)
        if (parts !== null) throw new Error(`parts at ${JSON.stringify(parts)}`)
        if (inputs !== chances.length + 1 || stopped !== null) throw new Error(`stopped after ${inputs}: ${stopped}`)
        if (program.sensitive.size > 0) return true
        const reader = new Reader(program, journal.begin)
        const again = journal.inputs.flatMap((input) => reader.take(input))
        return (
          JSON.stringify(again) === JSON.stringify(call.effects) &&
          JSON.stringify(reader.state) === JSON.stringify(call.writer.state)
        )
      }),
      { numRuns: 40 },
    )
})

const secret = flow(`language: en
vars: { code: "", twice: "", level: 0 }
start: pin
steps:
  pin: { gather: "Please type your code.", save: code, num_digits: 4, sensitive: true }
  both: { set: { twice: "code + code" } }
  right: { branch: [ { if: 'code == "7391"', goto: in } ], else: out }
  in: { menu: "For your balance, press 1.", options: { "1": ask } }
  ask: { http: { url: "http://127.0.0.1/{code}" }, on: { error: out, timeout: out } }
  told: { say: "Your code is {code}.", next: hangup }
  out: { say: "That is not right.", next: hangup }`)

t.test('digits that may be kept nowhere are not in it, and the replay goes the way that they led', async (t) => {
  const call = written(secret)
  call.feed({ type: 'start', at: NOW, verdict: 'human' })
  call.keys('7391')
  t.equal(call.writer.state.step, 'in')
  call.keys('1')
  const asked = call.effects.at(-1)
  t.match(
    call.effects.find(({ type }) => type === 'http'),
    { request: { url: 'http://127.0.0.1/7391' } },
    String(asked),
  )
  call.feed({
    type: 'http',
    at: NOW,
    id: (call.effects.find(({ type }) => type === 'http') as { id: string }).id,
    result: 'ok',
    status: 200,
    body: {},
  })
  t.match(
    call.effects.find((e) => e.type === 'play' && JSON.stringify(e).includes('is 7391')),
    { type: 'play' },
  )
  call.played()
  t.notMatch(call.text(), /7391|"key":"[739]"/)
  const { parts, inputs } = replay(secret, call.journal())
  t.equal(parts, null)
  t.equal(inputs, 8)
  const reader = new Reader(secret, call.journal().begin)
  for (const input of call.journal().inputs) reader.take(input)
  t.match(reader.state, { phase: 'done', vars: { code: '????', twice: '????????' } })
})

t.test('an override of a sensitive variable is not in it either', async (t) => {
  const call = written(secret, { code: '4711' })
  call.feed({ type: 'start', at: NOW, verdict: 'human' })
  t.notMatch(call.text(), '4711')
  t.equal(replay(secret, call.journal()).parts, null)
})

t.test('digits of any order and number are never in it', async () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...'0123456789*#'), { minLength: 1, maxLength: 12 }), (keys) => {
      const call = written(secret)
      call.feed({ type: 'start', at: NOW, verdict: 'human' })
      call.keys(keys.join(''))
      const journal = call.journal()
      if (replay(secret, journal).parts !== null) throw new Error('another way')
      return !/"(keys|buffer|code|twice)":"[^"]*[0-9*#]/.test(call.text())
    }),
  )
})

const talk = (words: string, next = 'bye') =>
  flow(`language: en
start: ask
steps:
  ask: { menu: "${words}", options: { "1": { say: "Thank you.", goto: ${next} }, "2": more } }
  bye: { hangup: { say: "Goodbye." } }
  more: { say: "There is more.", next: bye }`)

function talked(program: Program): Journal {
  const call = written(program)
  call.feed({ type: 'start', at: NOW, verdict: 'human' })
  call.wait(2500)
  call.keys('1')
  call.played()
  call.played()
  return call.journal()
}

t.test('another version: where the way parts, with what was and what would be', async (t) => {
  const before = talk('Press 1.')
  const journal = talked(before)
  const { parts, words } = compare(before, talk('Press 1.', 'more'), journal)
  t.equal(words, null)
  t.match(parts, { input: 3, at: 2500, step: 'ask', event: { type: 'played' } })
  t.match(parts?.was?.[0], { type: 'enter', step: 'bye' })
  t.match(parts?.now[0], { type: 'enter', step: 'more' })
})

t.test('other words are told, and do not part the way', async (t) => {
  const before = talk('Press 1.')
  const { parts, words, inputs } = compare(before, talk('Please press 1.'), talked(before))
  t.equal(parts, null)
  t.equal(inputs, 4)
  t.match(words, { input: 1, step: null })
})

t.test('another version goes on after secret digits where it has that step', async (t) => {
  const call = written(secret)
  call.feed({ type: 'start', at: NOW, verdict: 'human' })
  call.keys('7391')
  t.match(compare(secret, secret, call.journal()), { parts: null, words: null, stopped: null })
  const other = talk('Press 1.')
  t.match(compare(secret, other, call.journal()), { parts: { input: 1 } })
})

t.test('a journal of the same version that gives something else tells the first input of it', async (t) => {
  const program = talk('Press 1.')
  const journal = talked(program)
  journal.inputs[2]!.sum = 'something else'
  t.match(replay(program, journal), { inputs: 3, parts: { input: 3, was: null } })
})

t.test('what is no journal is refused in words', async (t) => {
  for (const [entries, why] of [
    [[], /empty/],
    [{}, /empty/],
    [[{ type: 'key', at: 1 }], /beginning/],
    [[{ type: 'begin', at: 1, format: 99 }], /newer release/],
  ] as const)
    t.match(readJournal(entries), why)
  const program = talk('Press 1.')
  const entries = [beginOf(program, context, NOW, null), { type: 'gap', at: NOW, lost: 3 } as const]
  t.match(replay(program, readJournal(entries) as Journal), { inputs: 0, stopped: /inputs are missing/ })
})
