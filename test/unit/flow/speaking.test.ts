import t from 'tap'
import { byHand, faults, flow, hangsUp, lasts, press, pressInto, says, silent, talk, waits } from './talk.ts'

t.setTimeout(30_000)

const words = (said: string[]) => said.filter((line) => !line.startsWith('>'))

const listen = (more = '', rest = '') =>
  flow(`
start: ask
vars: { talk: "" }
${rest}
steps:
  ask:
    listen: "How are you?"
    on: { spoke: fine, too_long: long }
${more}
  fine: { say: "Fine.", next: hangup }
  long: { say: "So long.", next: hangup }
`)

t.test('listen: who has spoken is heard out, and final_silence ends it', async (t) => {
  const { said, times } = talk(listen(), [says(2)])
  t.strictSame(said, ['How are you?', '> talks', '> stops talking', 'Fine.', '[hangs up]'])
  t.equal(times[3]! - times[2]!, 1)
  t.equal(talk(listen('    final_silence: 2s'), [says(2)]).times[3], lasts('How are you?') + 4)
  t.equal(
    talk(listen('    pace: slow'), [says(2)]).times[3]! - talk(listen('    pace: slow'), [says(2)]).times[2]!,
    1.5,
  )
})

t.test('listen: a pause shorter than final_silence does not end it', async (t) => {
  const { times } = talk(listen('    final_silence: 3s'), [says(2), waits(2), says(2)])
  t.equal(times.at(-2)! - times[1]!, 2 + 2 + 2 + 3)
})

t.test('listen: who talks for too long is interrupted politely', async (t) => {
  const { said, times } = talk(listen(), [says(40)])
  t.strictSame(words(said), ['How are you?', 'Excuse me for interrupting.', 'So long.', '[hangs up]'])
  t.equal(times[2]! - times[1]!, 20)
})

t.test('listen: a silent line hears two phrases and then our hang-up', async (t) => {
  const { said, result } = talk(listen(), [silent, silent])
  t.strictSame(said, [
    'How are you?',
    'Please speak, I am listening.',
    'I am sorry, I cannot hear you. I will call you back.',
    '[hangs up]',
  ])
  t.equal(result.disposition, 'silent')
})

t.test('listen: what they said into the prompt counts when nothing follows', async (t) => {
  const call = byHand(listen())
  call.start()
  call.wait(100).talk(true)
  call.wait(500).talk(false)
  call.wait(500).played()
  call.wait(5000).fire('timeout')
  t.equal(call.said().at(-1), 'Fine.')
})

t.test('listen: keys are dropped, before, in and after the prompt', async (t) => {
  const { said } = talk(listen(), [pressInto('1'), press('2#'), says(1)])
  t.strictSame(words(said), ['How are you?', 'Fine.', '[hangs up]'])
  t.equal(talk(listen(), [pressInto('1'), press('2#'), says(1)]).times.at(-2)! > lasts('How are you?'), true)
})

t.test('listen: * and # raise a situation, no other key does', async (t) => {
  const program = listen('', 'situations: { what: { key: "*", goto: repeat }, who: { key: "5", say: "A clinic." } }')
  t.strictSame(words(talk(program, [press('5*'), says(1)]).said), [
    'How are you?',
    'How are you?',
    'Fine.',
    '[hangs up]',
  ])
})

t.test('listen: with save the talk is recorded from the end of the prompt, under a name that is saved', async (t) => {
  const { said, result } = talk(listen('    save: talk'), [says(2)])
  t.strictSame(words(said), ['How are you?', '[records]', 'Fine.', '[hangs up]'])
  t.match(result.vars.talk, /^test\.r\d+$/)
})

t.test('listen: silence is thrown away, and so is what a situation interrupts', async (t) => {
  const call = byHand(listen('    save: talk', 'situations: { what: { key: "*", goto: repeat } }'))
  call.start()
  call.wait(1000).played()
  t.match(call.wait(5000).fire('timeout'), [{ type: 'stop_record', keep: false }])
  call.wait(1000).played()
  t.match(
    call.key('*').filter((e) => e.type === 'stop_record'),
    [{ keep: false }],
  )
})

const record = (more = '', rest = '', vars = '') =>
  flow(`
start: ask
vars: { message: "", ${vars} }
${rest}
steps:
  ask:
    record: "Leave a message."
    save: message
${more}
    next: thanks
  thanks: { say: "Thanks.", next: hangup }
`)

t.test('record: a beep, the message, and three seconds of silence end it', async (t) => {
  const { said, times, result } = talk(record(), [says(4)])
  t.strictSame(said, ['Leave a message.', '[beep, records]', '> talks', '> stops talking', 'Thanks.', '[hangs up]'])
  t.equal(times[4]! - times[3]!, 3)
  t.match(result.vars.message, /^test\.r\d+$/)
  t.match(talk(record('    beep: false'), [says(4)]).said[1], '[records]')
})

t.test('record: finish_on_key ends it at once, other keys are dropped', async (t) => {
  const { said } = talk(record(), [press('5'), press('#')])
  t.strictSame(words(said), ['Leave a message.', '[beep, records]', 'Thanks.', '[hangs up]'])
  t.match(talk(record('    finish_on_key: "1"'), [press('#'), press('1')]).result.vars.message, 'test.')
  t.equal(talk(record('    finish_on_key: ""'), [press('#')]).result.disposition, 'silent')
})

t.test('record: max_time ends it while they talk', async (t) => {
  const { said, times } = talk(record('    max_time: 10s'), [says(60)])
  t.equal(times[said.indexOf('Thanks.')]! - times[1]!, 10)
})

t.test('record: a pause shorter than final_silence belongs to the message', async (t) => {
  const { said, times } = talk(record(), [says(2), waits(2), says(2)])
  t.equal(times[said.indexOf('Thanks.')]! - times[1]!, 9)
})

t.test('record: silence meets the ladder, and the message is taken anew', async (t) => {
  const { said, result } = talk(record(), [silent, says(2)])
  t.strictSame(words(said), [
    'Leave a message.',
    '[beep, records]',
    'Please speak, I am listening.',
    '[beep, records]',
    'Thanks.',
    '[hangs up]',
  ])
  t.match(result.vars.message, 'test.')
  t.equal(talk(record(), [silent, silent]).result.disposition, 'silent')
})

t.test('record: what they said into the prompt is no message', async (t) => {
  const call = byHand(record())
  call.start()
  call.wait(100).talk(true)
  call.wait(500).talk(false)
  call.wait(500).played()
  call.wait(5000).fire('timeout')
  t.match(call.said().at(-1), 'Please speak')
})

t.test('record: who hangs up has left the message, and on_hangup knows its name', async (t) => {
  const { result } = talk(record('', 'on_hangup: [{ set: { note: "message" } }]', 'note: ""'), [says(2), hangsUp])
  t.equal(result.vars.note, result.vars.message)
  t.match(result.vars.message, /^test\.r\d+$/)
  t.equal(result.disposition, 'hangup')
})

t.test('record: the longest call cuts a message short and keeps it', async (t) => {
  const call = byHand(record())
  call.start()
  call.wait(1000).played()
  call.wait(1000).talk(true)
  t.match(call.fire('limit'), [{ type: 'stop_record', keep: true }])
  t.match(call.result().vars.message, 'test.')
})

t.test('record: a recording that fails is a technical fault', async (t) => {
  const call = byHand(record())
  call.start()
  call.wait(1000).played()
  call.send({ type: 'recorded', at: call.state.now, id: call.state.recording!.id, ok: false, duration: 0 })
  t.match(call.said().at(-1), 'technical reasons')
  const late = byHand(record())
  late.start()
  late.wait(1000).played()
  late.key('#')
  late.wait(5000).fire('guard')
  t.match(late.said().at(-1), 'technical reasons', 'and one whose end is never told')
})

const voicemail = (more = '') =>
  flow(`
start: { human: bye, machine: leave_word }
steps:
  leave_word: { voicemail: "Please call us back."${more}, next: bye }
  bye: { say: "Bye.", next: hangup }
`)

t.test('voicemail: speaks when the greeting has been over for final_silence', async (t) => {
  const { said, times, result } = talk(voicemail(), [{ amd: 'machine' }, says(6)])
  t.strictSame(said, ['> talks', '> stops talking', 'Please call us back.', 'Bye.', '[hangs up]'])
  t.equal(times[2], 8)
  t.equal(result.disposition, 'machine')
  t.equal(talk(voicemail(', final_silence: 500ms'), [{ amd: 'machine' }, says(6)]).times[2], 6.5)
})

t.test('voicemail: the beep after a pause belongs to the greeting', async (t) => {
  t.equal(talk(voicemail(), [{ amd: 'machine' }, says(3), waits(1), says(1)]).times[4], 7)
})

t.test('voicemail: speaks at once where nothing is heard, and after max_wait in any case', async (t) => {
  t.equal(talk(voicemail(), [{ amd: 'machine' }]).times[0], 2)
  const { said, times } = talk(voicemail(), [{ amd: 'machine' }, says(90)])
  t.equal(times[said.indexOf('Please call us back.')], 30)
})

t.test('voicemail: neither keys nor talk stop the message', async (t) => {
  const call = byHand(voicemail())
  call.start('machine')
  call.wait(2000).fire('timeout')
  call.key('1')
  call.talk(true)
  call.talk(false)
  t.equal(call.state.saying?.then.to, 'verb')
  t.equal(call.state.timers.timeout, null)
})

const extension = (more = '') =>
  flow(`
start: dial_in
vars: { ext: "12" }
steps:
  dial_in: { press: "{ext}#"${more} }
  hello: { say: "Hello.", next: hangup }
`)

t.test('press: the keys are sent, a gap apart, and then it goes on', async (t) => {
  const { said, times } = talk(extension(), [])
  t.strictSame(said, ['[presses 12#]', 'Hello.', '[hangs up]'])
  t.equal(times[1], 0.9)
  t.equal(talk(extension(', gap: 1s'), []).times[1], 3.3)
})

t.test('press: their keys meanwhile are kept for the next question', async (t) => {
  const program = flow(`
start: dial_in
steps:
  dial_in: { press: "1" }
  ask: { menu: "One?", options: { "1": hangup } }
`)
  const call = byHand(program)
  call.start()
  call.key('1')
  const id = call.effects.find((e) => e.type === 'press')!.id
  call.send({ type: 'pressed', at: call.state.now, id, ok: true })
  t.strictSame(call.said(), [])
  t.equal(call.state.ended?.by, 'flow')
})

t.test('press: what is no key, what the line refuses, and what is never told is a technical fault', async (t) => {
  t.match(talk(extension(), [], { vars: { ext: '+40' } }).said[0], 'technical reasons')
  const refused = byHand(extension())
  refused.start()
  const id = refused.effects.find((e) => e.type === 'press')!.id
  refused.send({ type: 'pressed', at: refused.state.now, id, ok: false })
  t.match(refused.said()[0], 'technical reasons')
  const mute = byHand(extension())
  mute.start()
  mute.fire('guard')
  t.match(mute.said()[0], 'technical reasons')
})

const never = flow(`
start: bye
steps:
  bye: { opt_out: "We will not call you again.", list: renewals, outcome: refused }
`)

t.test('opt_out: the list, the text, the end', async (t) => {
  const { said, result } = talk(never, [pressInto('1')])
  t.strictSame(words(said), ['We will not call you again.', '[hangs up]'])
  t.match(result, { disposition: 'opted_out', outcome: 'refused', hangup_by: 'flow' })
})

t.test('opt_out: it is promised only when it is kept, and wished for whatever happens', async (t) => {
  const call = byHand(never)
  t.match(
    call.start().filter((e) => e.type === 'opt_out'),
    [{ list: 'renewals' }],
  )
  t.strictSame(call.said(), [])
  const failed = byHand(never)
  failed.start()
  const id = failed.effects.find((e) => e.type === 'opt_out')!.id
  failed.send({ type: 'opted_out', at: failed.state.now, id, ok: false })
  t.match(failed.said(), [/technical reasons/])
  failed.hangup()
  t.equal(failed.result().disposition, 'opted_out')
  call.hangup()
  t.equal(call.result().disposition, 'opted_out')
})

t.test('what is wrong is told at its place', async (t) => {
  const of = (step: string) => faults(`start: a\nvars: { n: 0 }\nsteps:\n  a: { ${step}, next: hangup }\n`)
  t.match(of('press: "12x"'), [/^5:15 wrong-type press: expected keys in quotes/])
  t.match(of('press: 12'), [/^5:15 wrong-type press: expected keys in quotes/])
  t.match(of('listen: "A?", save: n'), [/save-type a recording cannot be kept in "n", which is a number/])
  t.match(of('record: "A?", max_time: 10'), [/wrong-type max_time: expected a duration/])
  t.match(of('listen: ""'), [/silence "listen" has nothing to say/])
  t.match(of('voicemail: "A.", max_wiat: 3s'), [/unknown-key.*max_wait/])
  t.match(of('listen: "A?", nomatch: "What?"'), [/unknown-key/])
})
