import t from 'tap'
import { aCall, programOf } from './a-call.ts'

const program = programOf(
  `
  ask:
    menu: "For your balance, press 1."
    options: { "1": warn }
  warn: { say: "Nobody else should hear this." }
  pin: { gather: "Please type your code.", save: code, num_digits: 4, sensitive: true }
  bye: { hangup: { say: "Thank you." } }`,
  'vars: { code: "" }',
)

t.test('sensitive digits stand neither in the journal, nor in the steps, nor in the record', async (t) => {
  const { call, tell, heard, ledger, events } = aCall(program)
  await tell({ type: 'answered' })
  await heard()
  await tell({ type: 'key', key: '1' })
  await heard()
  for (const key of '7391') await tell({ type: 'key', key })
  await heard()
  await tell({ type: 'ended', cause: null, sip: null, by: 'us' })
  const record = await call.over
  t.match(record, { disposition: 'completed', last_step: 'bye' })
  t.notOk('code' in record.vars)
  const keys = ledger.journal.filter(({ type }) => type === 'key')
  t.same(
    keys.map((entry) => (entry as unknown as { key: string }).key),
    ['1', '?', '?', '?', '?'],
    'the others are kept',
  )
  t.notMatch(JSON.stringify([ledger, events, record]), /"key":"[739]"/)
})

t.test('nothing that is made to be spoken in such a call is kept', async (t) => {
  const { call, tell, line } = aCall(program)
  await tell({ type: 'answered' })
  t.match(line.asked.join(), /play \S+ \/passing\/For your balance/)
  await tell({ type: 'ended', cause: null, sip: null, by: 'callee' })
  await call.over
  const other = aCall(programOf('  bye: { hangup: { say: "Thank you." } }'))
  await other.tell({ type: 'answered' })
  t.match(other.line.asked.join(), /play \S+ \/Thank you/)
})

t.test('digits that were typed ahead are as secret', async (t) => {
  const { call, tell, ledger } = aCall(program)
  await tell({ type: 'answered' })
  for (const key of '17391') await tell({ type: 'key', key })
  await tell({ type: 'ended', cause: null, sip: null, by: 'callee' })
  await call.over
  t.notMatch(JSON.stringify(ledger.journal), /"key":"[739]"/)
})
