import t from 'tap'
import { type Ended, outcomeOf } from '../../../src/call/outcome.ts'
import type { FlowResult } from '../../../src/flow/io.ts'

const end = (by: Ended['by'], cause: number | null = null, sip: number | null = null): Ended => ({
  type: 'ended',
  at: 0,
  by,
  cause,
  sip,
})
const stopped = { by: 'operator', disposition: 'cancelled' } as const
const result: FlowResult = {
  disposition: 'completed',
  hangup_by: 'flow',
  outcome: 'confirmed',
  last_step: 'thanks',
  vars: {},
  callback_at: null,
  tasks: {},
}

t.test('the end of a call becomes its disposition', async (t) => {
  for (const [facts, disposition, by] of [
    [{ answered: false, end: end('callee', 17, 486) }, 'busy', 'callee'],
    [{ answered: false, end: end('us', 19, 480) }, 'no_answer', 'limit'],
    [{ answered: false, end: null }, 'unknown', 'unknown'],
    [{ answered: false, end: end('network') }, 'unknown', 'network'],
    [{ answered: false, end: end('us', 16), asked: stopped }, 'cancelled', 'operator'],
    [{ answered: false, end: null, asked: stopped }, 'cancelled', 'operator'],
    [{ answered: false, end: end('callee', 17, 486), asked: stopped }, 'busy', 'callee'],
    [{ inbound: true, answered: false, end: end('callee') }, 'no_answer', 'callee'],
    [{ inbound: true, answered: false, end: end('network') }, 'unknown', 'network'],
    [{ answered: true, end: end('callee') }, 'hangup', 'callee'],
    [{ answered: true, end: end('network') }, 'technical', 'network'],
    [{ answered: true, end: null }, 'hangup', 'unknown'],
    [{ answered: true, end: end('us'), asked: stopped }, 'cancelled', 'operator'],
    [{ answered: true, end: end('us', 16), result }, 'completed', 'flow'],
    [{ answered: true, end: null, result }, 'completed', 'flow'],
  ] as const)
    t.match(
      outcomeOf({ inbound: false, asked: null, result: null, ...facts }),
      { disposition, hangup_by: by },
      JSON.stringify(facts),
    )
})

t.test('cause and code of the line are kept', async (t) => {
  const facts = { inbound: false, answered: false, end: end('callee', 21, 603), asked: null, result: null }
  t.match(outcomeOf(facts), { disposition: 'rejected', cause: 21, sip_code: 603 })
})
