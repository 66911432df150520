import t from 'tap'
import { byHand, faults, flow, hangsUp, press, talk } from './talk.ts'

t.setTimeout(30_000)

const words = (said: string[]) => said.filter((line) => !line.startsWith('>'))

const desk = (more = '', to = '{ extension: "100" }') =>
  flow(`
start: greet
vars: { who: "0722000111" }
steps:
  greet: { say: "One minute." }
  desk: { dial: ${to}${more}, on: { completed: bye, busy: busy, no_answer: nobody, failed: failed } }
  bye: { say: "Bye.", next: hangup }
  busy: { say: "Busy.", next: hangup }
  nobody: { say: "Nobody.", next: hangup }
  failed: { say: "Failed.", next: hangup }
`)

const answers = { agent: 'answers' } as const

t.test('music until somebody answers, then the two talk, and afterwards the flow goes on', async (t) => {
  const { said } = talk(desk(), [answers])
  t.strictSame(said, ['One minute.', '[music]', '[calls 100]', '[music stops]', 'Bye.', '[hangs up]'])
})

t.test('what became of it is its outcome', async (t) => {
  t.equal(talk(desk(), [{ agent: 'busy' }]).said.at(-2), 'Busy.')
  t.equal(talk(desk(), [{ agent: 'no_answer' }]).said.at(-2), 'Nobody.')
  const call = byHand(desk())
  call.start()
  call.played()
  call.send({ type: 'dialed', at: call.state.now, id: call.state.dialing!, result: 'failed' })
  t.equal(call.said().at(-1), 'Failed.')
})

t.test('it rings for timeout, 20 s unless the step says otherwise', async (t) => {
  const ring = (more: string) => {
    const { said, times } = talk(desk(more), [])
    return times[said.indexOf('Nobody.')]! - times[said.indexOf('[music]')]!
  }
  t.equal(ring(''), 20)
  t.equal(ring(', timeout: 5s'), 5)
})

t.test('the talk has a limit where the step sets one, and a recording of both where it asks for it', async (t) => {
  const { said, times } = talk(desk(', time_limit: 10s'), [answers])
  t.equal(times[said.indexOf('Bye.')]! - times[said.indexOf('[music stops]')]!, 10)
  const call = byHand(desk(', record: true, time_limit: 10s'))
  call.start()
  const [effect] = call.played().filter((e) => e.type === 'dial')
  t.match(effect, { to: { extension: '100' }, timeout: 20_000, timeLimit: 10_000, record: /^test\.d\d+$/ })
})

t.test('a queue of the PBX is reached like an extension, and waited in for max_wait', async (t) => {
  const queue = desk(', max_wait: 30s', '{ queue: sales }')
  t.match(queue.steps.get('desk')?.verb.possible?.(queue.steps.get('desk')!), [
    'completed',
    'busy',
    'no_answer',
    'failed',
    'max_wait',
  ])
  const { said, times } = talk(queue, [])
  t.equal(said[2], '[calls sales]')
  t.equal(times[said.indexOf('Bye.')]! - times[said.indexOf('[music]')]!, 30, 'max_wait goes to the step below here')
})

t.test('the extension that was connected is what the next call reads as previous.agent; a number is not', async (t) => {
  t.equal(talk(desk(), [answers]).result.agent, '100')
  t.equal(talk(desk(), [{ agent: 'busy' }]).result.agent, null)
  t.equal(talk(desk('', '{ number: "{who}" }'), [answers]).result.agent, null)
})

t.test('a number is read as one of the callee’s country; what is none has failed', async (t) => {
  t.match(talk(desk('', '{ number: "{who}" }'), []).said[2], '[calls +40722000111]')
  t.equal(talk(desk('', '{ number: "{who}" }'), [], { vars: { who: 'x' } }).said.at(-2), 'Failed.')
})

t.test('keys are for the person, not for us', async (t) => {
  const program = flow(`
start: desk
situations: { again: { key: "*", goto: repeat } }
steps:
  desk: { dial: { extension: "100" }, on: { completed: ask, busy: ask, no_answer: ask, failed: ask } }
  ask: { menu: "One?", options: { "1": hangup } }
`)
  const call = byHand(program)
  call.start()
  t.strictSame([...call.key('1'), ...call.key('*')], [], 'while it rings')
  const id = call.state.dialing!
  call.send({ type: 'connected', at: call.state.now, id })
  t.strictSame([...call.key('1'), ...call.key('*')], [], 'while they talk')
  call.send({ type: 'dialed', at: call.state.now, id, result: 'completed' })
  t.strictSame(call.said(), ['One?'], 'and none of them is the answer to what is asked next')
  t.equal(call.state.ask?.phase, 'prompt')
})

t.test('who is left ringing or talking is let go when the call ends by itself, not after a hang-up', async (t) => {
  const call = byHand(desk())
  call.start()
  call.played()
  const id = call.state.dialing!
  t.match(
    call.fire('limit').filter((e) => e.type === 'stop_dial'),
    [{ id }],
  )
  const { state, result } = talk(desk(), [{ waits: 5000 }, hangsUp])
  t.equal(state.dialing, null)
  t.equal(result.disposition, 'hangup')
})

t.test('a line that never tells the end does not hold the call up', async (t) => {
  const ringing = byHand(desk())
  ringing.start()
  ringing.played()
  ringing.fire('guard')
  t.equal(ringing.said().at(-1), 'Nobody.')
  const talking = byHand(desk())
  talking.start()
  talking.played()
  talking.send({ type: 'connected', at: talking.state.now, id: talking.state.dialing! })
  talking.fire('guard')
  t.equal(talking.said().at(-1), 'Bye.')
})

t.test('what is wrong with a dial is told', async (t) => {
  const of = (dial: string) =>
    faults(
      `start: a\nsteps:\n  a: { dial: ${dial}, on: { completed: hangup, busy: hangup, no_answer: hangup, failed: hangup } }\n`,
    )
  t.match(of('{ extension: "1", number: "2" }'), [/expected one of \{ extension: … \}, \{ queue: … \} and/])
  t.match(of('{ agents: [ana] }'), [/4:24 wrong-type agents: operators cannot be dialled by a flow yet/])
  t.match(of('{ extension: "a b" }'), [/"a b" cannot be an extension/])
})

const ways = `
start: ways
steps:
  ways: { strategies: { try: [kindly, firmly, plainly], wins: [won] }, on: { exhausted: bye } }
  kindly: { menu: "Kindly?", options: { "1": won, "2": ways } }
  firmly: { menu: "Firmly?", options: { "1": won, "2": ways } }
  plainly: { menu: "Plainly?", options: { "1": won, "2": ways } }
  won: { say: "Good.", next: hangup }
  bye: { say: "Bye.", next: hangup }
`

t.test('strategies: each entry runs the next untried one, and then they are exhausted', async (t) => {
  const { said, result } = talk(ways, [press('2'), press('2'), press('2')])
  t.strictSame(words(said), ['Kindly?', 'Firmly?', 'Plainly?', 'Bye.', '[hangs up]'])
  t.equal(result.strategy, null)
})

t.test('strategies: the one under way wins when a step of wins is entered', async (t) => {
  t.equal(talk(ways, [press('2'), press('1')]).result.strategy, 'firmly')
})

t.test('strategies: the one that won last goes first', async (t) => {
  const { said } = talk(ways, [press('2'), press('2'), press('2')], { previous: { strategy: 'plainly' } })
  t.strictSame(words(said).slice(0, 3), ['Plainly?', 'Kindly?', 'Firmly?'])
  t.equal(words(talk(ways, [], { previous: { strategy: 'gone' } }).said)[0], 'Kindly?')
})

t.test('strategies: without a target for exhausted the call ends politely', async (t) => {
  const program = ways.replace(', on: { exhausted: bye }', '').replace(/ {2}bye:.*\n/, '')
  t.equal(words(talk(program, [press('2'), press('2'), press('2')]).said).at(-2), 'Thank you. Goodbye.')
})

t.test('strategies: a step that only wins is reached; one that is not there, or stands twice, is told', async (t) => {
  const only = (lists: string) =>
    faults(
      `start: a\nsteps:\n  a: { strategies: ${lists}, next: hangup }\n  b: { say: "B.", next: hangup }\n  c: { say: "C.", next: hangup }\n`,
    )
  t.strictSame(only('{ try: [b], wins: [c] }'), [])
  t.match(only('{ try: [b], wins: [d] }'), [/unknown-target there is no step "d"/, /./].slice(0, 1))
  t.match(only('{ try: [b, b], wins: [c] }'), [/stands in the list once/])
})
