import t from 'tap'
import { differences } from '../../../src/rehearsal/compare.ts'
import { hears, press, silent, talk } from '../flow/talk.ts'

const FLOW = `language: en
vars: { n: 0 }
start: ask
steps:
  ask: { menu: "To confirm, press 1. To be called, press 2.", options: { "1": thanks, "2": later } }
  thanks: { hangup: { say: "Thank you.", outcome: confirmed } }
  later: { callback: "When?", on: { scheduled: hangup, declined: hangup, unavailable: hangup } }`

const confirmed = () => talk(FLOW, [hears('To confirm'), press('1')])

t.test('the same conversation does not differ', async (t) => {
  t.same(differences(confirmed(), confirmed()), [])
  t.same(differences(talk(FLOW, [press('2'), press('1')]), talk(FLOW, [press('2'), press('1')])), [])
})

t.test('the first words that differ are told, and the end', async (t) => {
  const found = differences(confirmed(), talk(FLOW, [silent, press('1')]))
  t.equal(found[0], 'said 2: "Thank you." on the simulator, "Please speak, I am listening." on the line')
  t.match(
    differences(confirmed(), talk(FLOW, [silent, silent])).join('\n'),
    /disposition: "completed" on the simulator, "silent" on the line\noutcome: "confirmed" on the simulator, nothing on the line/,
  )
  t.match(
    differences(talk(FLOW, [press('2'), press('1')]), confirmed()).join('\n'),
    /callback_in: 30:00\.0 .*, no callback/,
  )
})

t.test('a stretch that takes far longer differs, each a little longer does not', async (t) => {
  const one = talk(FLOW, [silent, silent])
  const slowly = (by: number) => ({
    ...one,
    duration: one.duration + by * one.lines.length,
    lines: one.lines.map((line, index) => ({ ...line, at: line.at + by * index })),
  })
  t.same(differences(one, slowly(1_000)), [])
  t.match(differences(one, slowly(3_000)), [
    /^the time until "Please speak, I am listening.": 0:07\.\d on the simulator, 0:10\.\d on the line$/,
    /./,
    /^the time until "the end"/,
  ])
})

t.test('hours that are read off two clocks may lie a minute apart', async (t) => {
  const said = (text: string) => ({ ...confirmed(), heard: confirmed().heard.map((one) => ({ ...one, text })) })
  t.same(differences(said('I will call you at 16:59.'), said('I will call you at 17:00.')), [])
  t.same(differences(said('It is 23:59.'), said('It is 0:00.')), [])
  t.match(differences(said('I will call you at 16:30.'), said('I will call you at 17:30.')), [/^said 1/])
})

t.test('a callback counts from its choice, or stands on the clock', async (t) => {
  const one = talk(FLOW, [press('2'), press('1')])
  const due = one.result.callback_at!
  const later = { ...one, callbackIn: one.callbackIn! - 3_000 }
  t.same(differences(one, later), [], 'the same time, chosen later')
  const moved = { ...one, result: { ...one.result, callback_at: due + 3_000 } }
  t.same(differences(one, moved), [], 'as far from a choice that was made later')
  t.match(differences(one, { ...later, result: { ...one.result, callback_at: due + 3_000 } }), [/^callback_in/])
})

t.test('what the machine lost is not held against the line', async (t) => {
  const one = talk(FLOW, [silent, silent])
  const late = { ...one, duration: one.duration + 4_000 }
  t.match(differences(one, late), [/^the time until "the end"/])
  t.same(
    differences(one, late, (from, to) => (from <= one.duration && to > one.duration ? 1_000 : 0)),
    [],
  )
})
