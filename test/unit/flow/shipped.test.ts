/** The shipped flows, as their callers hear them. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { loadFlows } from '../../../src/flow/load.ts'
import type { ScriptItem } from '../../../src/flow/script.ts'
import { hears, type Options, press, pressInto, silent, talk, waits } from './talk.ts'

const shipped = (name: string) => {
  const path = `scripts-yaml/flows/${name}.yaml`
  return loadFlows([{ path, text: readFileSync(path, 'utf8') }]).programs.get(name)!
}
const appointment = shipped('appointment')
const support = shipped('support')
const survey = shipped('survey')
const ana = { contact: { name: 'Ana', visit: 'Tuesday at ten', source: '' } }
const call = (program: typeof survey, script: ScriptItem[], options: Options = ana) => {
  const held = talk(program, script, options)
  t.strictSame(held.unmet, [])
  return held
}

t.test('appointment: confirmed, at once or after a wrong key', async (t) => {
  const { result, said } = call(appointment, [hears('Tuesday at ten'), pressInto('1'), hears('look forward')])
  t.match(result, { disposition: 'completed', outcome: 'confirmed', hangup_by: 'flow' })
  t.equal(said.at(-1), '[hangs up]')
  t.equal(call(appointment, [press('7'), hears('did not understand'), press('1')]).result.outcome, 'confirmed')
})

t.test('appointment: cancelled, another day, the reception, later', async (t) => {
  t.equal(call(appointment, [press('2'), press('1')]).result.outcome, 'cancelled')
  t.match(call(appointment, [press('2'), press('2'), press('1')]).result, {
    disposition: 'callback',
    outcome: 'another_day',
  })
  t.match(call(appointment, [press('3'), press('9'), hears('Goodbye')]).result, {
    outcome: 'reception',
    disposition: 'completed',
  })
  const later = call(appointment, [press('4'), press('2')])
  t.match(later.result, { disposition: 'callback' })
  t.match(later.said.at(-2), /tomorrow at 10:00/)
})

t.test('appointment: a silent callee hears two phrases; a machine hears a word and no question', async (t) => {
  const quiet = call(appointment, [silent, silent])
  t.equal(quiet.result.disposition, 'silent')
  const machine = call(appointment, [{ amd: 'machine' }])
  t.match(machine, { result: { disposition: 'machine' }, said: [/We will call again/, '[hangs up]'] })
})

t.test('appointment: where the number is from, and once more, please', async (t) => {
  t.ok(call(appointment, [press('8'), hears('yourself'), press('*'), hears('Tuesday'), press('1')]))
  call(appointment, [press('8'), hears('from a friend'), press('1')], {
    contact: { ...ana.contact, source: 'a friend' },
  })
})

t.test('appointment: the agreed call says that it was agreed', async (t) => {
  t.match(
    call(appointment, [hears('You asked us to call'), press('1')], { ...ana, kind: 'callback', start_at: 'who' })
      .said[0],
    /again/,
  )
})

const inbound = { direction: 'inbound' as const, contact: {} }
const order = [press('1'), press('12345#'), press('1')]

t.test('support: the answer comes while they wait', async (t) => {
  const answer = { task: { name: 'order', result: 'It was sent yesterday.', after: 20_000 } }
  const { result, said } = call(
    support,
    [...order, hears('One minute, please'), answer, hears('sent yesterday')],
    inbound,
  )
  t.match(result, { disposition: 'completed', outcome: 'answered', vars: { order: '12345' } })
  t.ok(said.includes('Your order is 1 2 3 4 5 If that is right, press 1. If not, press 2.'))
})

t.test('support: no answer within the minute, called back with it within half an hour', async (t) => {
  const { result, callbackIn } = call(
    support,
    [...order, hears('I do not have the answer yet'), press('2'), press('1')],
    inbound,
  )
  t.equal(result.disposition, 'callback')
  t.equal(callbackIn, 1_800_000)
  const back = call(support, [hears('We promised'), hears('It is on its way')], {
    ...inbound,
    direction: 'outbound',
    kind: 'callback',
    previous: { tasks: { order: 'It is on its way.' } },
  })
  t.equal(back.result.outcome, 'answered')
})

t.test('support: waiting on, and in the end a promise to call', async (t) => {
  const on = [hears('I do not have'), press('1')]
  const { said } = call(
    support,
    [...order, ...on, ...on, ...on, ...on, hears('When may we call you'), press('9')],
    inbound,
  )
  t.equal(said.at(-2), 'Thank you for calling. Goodbye.')
})

t.test('support: silence, threats, opening hours', async (t) => {
  t.match(call(support, [silent, hears('call us back')], inbound).result, { disposition: 'silent' })
  const threats = { situation: 'threats' }
  t.match(call(support, [waits(1), threats, hears('If you do not stop'), hears('Welcome'), threats], inbound).result, {
    outcome: 'threats',
    disposition: 'completed',
  })
  t.equal(call(support, [press('2'), hears('nine in the morning'), press('2')], inbound).result.outcome, 'informed')
})

t.test('survey: three answers', async (t) => {
  const { result, said } = call(survey, [
    press('1'),
    press('15#'),
    press('5'),
    press('1'),
    hears('Thank you for your time'),
  ])
  t.match(result, { outcome: 'answered', vars: { wait: 15, care: 5, again: 'yes' } })
  t.notOk(said.some((line) => line.includes('sorry')))
})

t.test('survey: a bad visit is apologised for, a wrong number asked again', async (t) => {
  const { result } = call(survey, [
    press('1'),
    press('90#'),
    press('7'),
    hears('did not understand'),
    press('2'),
    press('2'),
    hears('I am sorry that'),
  ])
  t.match(result.vars, { wait: 90, care: 2, again: 'no' })
})

t.test('survey: refused, later', async (t) => {
  t.equal(call(survey, [press('3')]).result.outcome, 'refused')
  t.equal(call(survey, [press('2'), press('1')]).result.disposition, 'callback')
})
