import { DateTime } from 'luxon'
import t from 'tap'
import { parseWindows } from '../../../src/flow/calendar.ts'
import type { Windows } from '../../../src/flow/io.ts'
import { byHand, faults, flow, hears, NOW, press, pressInto, silent, talk } from './talk.ts'

const later = (more = '    choices: [30m, "tomorrow 10:00", enter_time]', on = '') =>
  flow(`
start: later
vars: { other: "" }
steps:
  later:
    callback: "When may we call you?"
${more}
    on: { scheduled: hangup, declined: no${on} }
  no: { say: "As you wish.", next: hangup }
`)

const words = (said: string[]) => said.filter((line) => !line.startsWith('>'))
const local = (ms: number | null) => DateTime.fromMillis(ms ?? 0, { zone: 'Europe/Bucharest' }).toFormat('ccc HH:mm:ss')
const windows = (spec: unknown): Windows[] => [parseWindows(spec) as Windows]

t.test('the choices are offered in their order, and 9 declines', async (t) => {
  const { said, result } = talk(later(), [press('9')])
  t.equal(
    said[0],
    'When may we call you? In half an hour, press 1. Tomorrow at ten, press 2. To choose the time, press 3. If you do not wish a call, press 9.',
  )
  t.strictSame(words(said).slice(1), ['As you wish.', '[hangs up]'])
  t.match(result, { disposition: 'completed', callback_at: null })
})

t.test('by default half an hour or a typed time', async (t) => {
  t.equal(
    talk(later(''), []).said[0],
    'When may we call you? In half an hour, press 1. To choose the time, press 2. If you do not wish a call, press 9.',
  )
})

t.test('a fixed choice is kept, then read back with its true time', async (t) => {
  const { said, result, callbackIn } = talk(later(), [pressInto('1')])
  t.strictSame(words(said).slice(1), ['I will call you today at 10:30. Thank you.', '[hangs up]'])
  t.match(result, { disposition: 'callback', hangup_by: 'flow' })
  t.equal(callbackIn, 1_800_000, 'counted from the key that chose it')
  t.equal(local(talk(later(), [pressInto('2')]).result.callback_at), 'Tue 10:00:00')
})

t.test('due_at is exact, only the spoken time is rounded to the minute', async (t) => {
  const { said, result } = talk(later('    choices: [20s]'), [press('1')], { now: NOW + 31_000 })
  const key = NOW + 31_000 + said[0]!.length * 60
  t.equal(result.callback_at, key + 20_000)
  t.equal(said[2], 'I will call you today at 10:01. Thank you.')
  t.match(said[0], 'In 20 seconds, press 1.')
})

t.test('nothing is promised before it has been kept', async (t) => {
  const call = byHand(later())
  t.match(call.start(), [{}, { type: 'enter' }, { type: 'callback_check', to: null }, { type: 'timer' }])
  call.callback('allowed')
  call.key('1')
  t.match(call.effects.at(-2), {
    type: 'callback',
    request: { due_at: NOW + 1_800_000, expires: null, note: null, agent: null, flow: null, at: null, to: null },
  })
  t.equal(call.said().length, 1)
  t.equal(call.result().callback_at, null)
  call.callback('scheduled')
  t.match(call.said().at(-1), 'I will call you today at 10:30')
  t.equal(call.result().callback_at, NOW + 1_800_000)
})

t.test('a callback stands whatever happens after it', async (t) => {
  const call = byHand(later())
  call.start()
  call.callback('allowed')
  call.key('1')
  call.callback('scheduled')
  call.hangup('callee')
  t.match(call.result(), { disposition: 'callback', hangup_by: 'callee' })
})

t.test('a typed time is the next such time to come, read back and confirmed', async (t) => {
  const { said, result } = talk(later(), [
    press('3'),
    press('1630'),
    hears('today at 16:30. If that is right'),
    press('1'),
  ])
  t.strictSame(words(said).slice(-2), ['Thank you.', '[hangs up]'])
  t.equal(local(result.callback_at), 'Mon 16:30:00')
  const tomorrow = talk(later(), [press('3'), press('0930'), hears('tomorrow at 09:30'), press('1')])
  t.equal(local(tomorrow.result.callback_at), 'Tue 09:30:00')
})

t.test('2 asks for another time; the third that is not confirmed is a nomatch', async (t) => {
  const again = talk(later(), [press('3'), press('1630'), press('2'), press('1700'), press('1')])
  t.equal(local(again.result.callback_at), 'Mon 17:00:00')
  const { said } = talk(later(), [
    press('3'),
    press('1630'),
    press('2'),
    press('1640'),
    press('2'),
    press('1650'),
    press('2'),
    hears('did not understand'),
  ])
  t.equal(said.filter((line) => line.includes('did not understand')).length, 1)
})

t.test('an impossible time is a nomatch, and silence at the read back has it read again', async (t) => {
  const { said } = talk(later(), [
    press('3'),
    press('2575'),
    hears('did not understand'),
    press('1100'),
    silent,
    press('1'),
  ])
  t.equal(words(said).filter((line) => line.startsWith('I will call you today at 11:00. If')).length, 2)
})

t.test('every time is moved to the next opening before it is read back', async (t) => {
  const nine = { windows: windows({ 'mon-fri': '09:00-17:00' }) }
  const evening = { ...nine, now: NOW + 6.9 * 3_600_000 }
  const { said, result } = talk(later(), [pressInto('1')], evening)
  t.match(words(said)[1], 'I will call you tomorrow at 09:00. Thank you.')
  t.equal(local(result.callback_at), 'Tue 09:00:00')
  const typed = talk(later(), [press('3'), press('2200'), hears('tomorrow at 09:00. If'), press('1')], nine)
  t.equal(local(typed.result.callback_at), 'Tue 09:00:00')
})

t.test('the windows of the step, the campaign and the policy must all be open, in every zone', async (t) => {
  const step = later('    choices: [30m]\n    window: { mon-fri: "12:00-13:00" }')
  t.equal(local(talk(step, [press('1')]).result.callback_at), 'Mon 12:00:00')
  const policy = { windows: windows({ tue: '08:00-20:00' }) }
  t.equal(local(talk(step, [press('1')], policy).result.callback_at), 'Tue 12:00:00')
  const zones = talk(later(), [pressInto('1')], {
    windows: windows('09:00-20:00'),
    zones: ['Europe/Bucharest', 'America/New_York'],
  })
  t.equal(local(zones.result.callback_at), 'Mon 16:00:00')
  const holiday = talk(later(), [pressInto('1')], { windows: windows('09:00-20:00'), holidays: ['2026-01-05'] })
  t.equal(local(holiday.result.callback_at), 'Tue 09:00:00')
})

t.test('a day further off is named', async (t) => {
  const { said } = talk(later('    choices: ["fri 09:30", "12:15"]'), [press('1')])
  t.equal(
    said[0],
    'When may we call you? On Friday at 09:30, press 1. At 12:15, press 2. If you do not wish a call, press 9.',
  )
  t.equal(said[2], 'I will call you on Friday at 09:30. Thank you.')
})

t.test('silence and nomatch go through the ladder: declined where it is named, else as any ladder', async (t) => {
  const mapped = talk(later(), [])
  t.strictSame(words(mapped.said).slice(1), [
    'Please speak, I am listening.',
    'I am sorry, I cannot hear you. I will call you back.',
    'As you wish.',
    '[hangs up]',
  ])
  const bare = flow('\nstart: later\nsteps:\n  later: { callback: "When?", choices: [1h], next: hangup }')
  t.equal(talk(bare, []).result.disposition, 'silent')
  t.equal(talk(bare, [press('5'), press('6'), press('7')]).result.disposition, 'nomatch')
})

t.test('unavailable: withheld, not allowed, or nothing opens within seven days', async (t) => {
  const program = later('', ', unavailable: no')
  t.strictSame(talk(program, [], { number: '' }).said, ['As you wish.', '[hangs up]'])
  t.strictSame(talk(program, [], { callbacks: 'unavailable' }).said, ['As you wish.', '[hangs up]'])
  const closed = { windows: windows({ mon: '08:00-09:00' }), holidays: ['2026-01-12'] }
  t.strictSame(talk(program, [], closed).said, ['As you wish.', '[hangs up]'])
  const call = byHand(program)
  call.start()
  call.callback('allowed')
  call.key('1')
  call.callback('unavailable')
  t.equal(call.said().at(-1), 'As you wish.', 'also when the ledger refuses at the last moment')
})

t.test('unavailable that is not named is a technical fault, and so is a ledger that does not answer', async (t) => {
  t.match(talk(later(), [], { callbacks: 'unavailable' }).said[0], 'technical reasons')
  t.match(talk(later(), [], { callbacks: 'fault' }).said[0], 'technical reasons')
  const call = byHand(later())
  call.start()
  call.wait(5000).fire('guard')
  t.match(call.said(), ['technical reasons'])
})

t.test('the buffer is emptied on entering it', async (t) => {
  const program = flow(`
start: greet
steps:
  greet: { say: "Hello." }
  later: { callback: "When?", choices: [1h], on: { scheduled: hangup, declined: hangup } }
`)
  t.strictSame(talk(program, [pressInto('1'), hears('When?')]).said.slice(0, 3), [
    'Hello.',
    '> 1',
    'When? In an hour, press 1. If you do not wish a call, press 9.',
  ])
})

t.test('another number may be called instead', async (t) => {
  const program = (number: string) =>
    flow(`
start: later
vars: { other: "${number}" }
steps:
  later: { callback: "When?", to: "{other}", note: "for {contact.name}", agent: same, expires: 2h, choices: [1h], on: { scheduled: hangup, declined: hangup, unavailable: hangup } }
`)
  const call = byHand(program('0722333444'), { contact: { name: 'Ana' }, number: '' })
  call.start()
  t.match(
    call.effects.find((e) => e.type === 'callback_check'),
    { to: '+40722333444' },
  )
  call.callback('allowed')
  call.key('1')
  t.match(
    call.effects.find((e) => e.type === 'callback'),
    {
      request: { to: '+40722333444', note: 'for Ana', agent: 'same', expires: 7_200_000 },
    },
  )
  t.strictSame(talk(program('12'), []).said, ['[hangs up]'], 'no such number: unavailable')
})

t.test('in on_hangup it takes its first choice without a word', async (t) => {
  const program = flow(`
start: ask
on_hangup: [{ callback: "When?", choices: [enter_time, 1h], note: "lost" }]
steps:
  ask: { menu: "Press 1.", options: { "1": hangup } }
`)
  const call = byHand(program)
  call.start()
  t.match(call.hangup(), [
    { type: 'cancel_timer' },
    { type: 'timer', ms: 30_000 },
    { type: 'callback', request: { due_at: NOW + 3_600_000, note: 'lost' } },
    { type: 'timer' },
  ])
  t.match(call.callback('scheduled').at(-1), { type: 'done' })
  t.match(call.result(), { disposition: 'callback', hangup_by: 'callee', callback_at: NOW + 3_600_000 })
})

t.test('a situation acts in the choice only', async (t) => {
  const program = flow(`
start: later
situations: { again: { key: "*", goto: repeat } }
steps:
  later: { callback: "When?", choices: [1h, enter_time], on: { scheduled: hangup, declined: hangup } }
`)
  const { said } = talk(program, [press('*'), press('2'), press('1*')])
  t.match(words(said).slice(0, 3), ['When?', 'When?', 'Please type'])
  const call = byHand(program)
  call.start()
  call.callback('allowed')
  call.played()
  call.key('2')
  call.played()
  call.key('*')
  t.equal(call.state.stack.length, 0, 'in the typed time a star is a key like any other')
})

t.test('check tells what is no choice', async (t) => {
  const wrong = (more: string) =>
    faults(`\nstart: l\nsteps:\n  l: { callback: "When?", ${more} on: { scheduled: hangup, declined: hangup } }`)
  t.match(wrong('choices: [soon],'), [/"soon" is not a choice/])
  t.match(wrong('choices: [],'), [/at least one choice/])
  t.match(wrong(`choices: [${'1h, '.repeat(9)}],`), [/at most 8/])
  t.match(wrong('window: { mun: "9-10" },'), [/"mun" is not a day/])
  t.match(wrong('at: nowhere,'), [/unknown-target there is no step "nowhere"/])
  t.match(wrong('flow: other,'), [/there is no flow "other"/])
})
