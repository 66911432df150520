/** Flows are read again while a call is on: it keeps the flow that it began with, and a bad file keeps its former version. */
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { answers, presses } from '../../src/phones/behaviours.ts'
import { startSystem } from '../support/system.ts'
import { waitFor } from '../support/wait.ts'

t.setTimeout(120_000)

const ask = (outcome: string) => `flow: ask
start: hi
steps:
  hi: { menu: "Press 1.", timeout: 1m, options: { "1": { outcome: ${outcome}, goto: ${outcome} } } }
  ${outcome}: { hangup: true }
`
const system = await startSystem({ flows: { ask: ask('former') } })
t.teardown(() => system.stop())
const put = (text: string) => writeFileSync(join(system.folder, 'scripts-yaml/flows/ask.yaml'), text)
const call = async (to: string) => (await system.api('POST', '/v1/calls', { to, flow: 'ask' })).id as string

t.test('SIGHUP and /v1/reload change no call that is on', async (t) => {
  let press = (): void => {}
  const told = new Promise<void>((resolve) => {
    press = resolve
  })
  system.exchange.phone(
    '+40711100001',
    answers(async (phone) => {
      await told
      await phone.press('1')
    }),
  )
  for (const number of ['+40711100002', '+40711100003']) system.exchange.phone(number, presses('1', 800))
  const first = await call('+40711100001')
  await waitFor(async () => (await system.api('GET', `/v1/calls/${first}`)).state === 'up', { what: 'the answer' })

  put(ask('latter'))
  process.kill(system.service.pid!, 'SIGHUP')
  await waitFor(() => system.service.log().includes('read again: 1 flow'), { what: 'the flows to be read again' })
  const second = await system.ended(await call('+40711100002'))
  t.match(second, { outcome: 'latter', last_step: 'latter' })

  put('flow: ask\nstart: hi\nsteps:\n  hi: { mneu: "Press 1." }\n')
  t.match(await system.api('POST', '/v1/reload'), {
    ...{ flows: 1, problems: [{ severity: 'error', line: 4 }], config_changed: false },
  })
  const third = await system.ended(await call('+40711100003'))
  t.match(third, { outcome: 'latter', flow_version: second.flow_version })

  appendFileSync(join(system.folder, 'apel.yaml'), '\n# later\n')
  t.match(await system.api('POST', '/v1/reload'), { config_changed: true })

  press()
  const ended = await system.ended(first)
  t.match(ended, { disposition: 'completed', outcome: 'former', last_step: 'former' })
  t.not(ended.flow_version, second.flow_version)
})
