/** The phones of `test/support` against a real Asterisk, without the service: what they send is understood. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { WebSocket } from 'ws'
import { startAsterisk } from '../../src/embedded/asterisk.ts'
import { ensureTools } from '../../src/embedded/tools.ts'
import { answers, calls, hangsUp, neverAnswers, refuses } from '../../src/phones/behaviours.ts'
import { startExchange } from '../../src/phones/exchange.ts'
import { freePort, freeRange } from '../../src/phones/ports.ts'
import { speech, tone } from '../../src/phones/speech.ts'
import { waitFor } from '../support/wait.ts'

interface AriEvent {
  type: string
  digit?: string
  cause?: number
  tech_cause?: number
  channel?: { id: string; dialplan?: { exten: string } }
}

t.setTimeout(90_000)
const folder = mkdtempSync(join(tmpdir(), 'apel-phones-'))
const exchange = await startExchange({ folder })
const asterisk = await startAsterisk({
  ...{ dataDir: folder, name: 'local', peers: { carrier: exchange.uri }, ariUser: 'apel', ariPassword: 'phones' },
  ...{ sipPort: await freePort('udp'), httpPort: await freePort('tcp'), rtp: await freeRange('udp', 80) },
  ...{ tools: await ensureTools(['asterisk', 'sipp', 'speech'], () => {}), say: () => {} },
})
exchange.asterisk = Number(/127\.0\.0\.1:(\d+)/.exec(await asterisk.cli('pjsip show transports'))?.[1])
const events: AriEvent[] = []
const socket = new WebSocket(`${asterisk.url.replace('http', 'ws')}/ari/events?app=phones&api_key=apel:phones`)
socket.on('message', (bytes) => events.push(JSON.parse(String(bytes)) as AriEvent))
await waitFor(() => socket.readyState === WebSocket.OPEN, { what: 'the event socket' })

t.teardown(async () => {
  socket.close()
  await exchange.stop()
  await asterisk.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function ari(method: string, path: string, body?: unknown): Promise<void> {
  const answer = await fetch(`${asterisk.url}/ari/${path}`, {
    method,
    headers: { authorization: `Basic ${btoa('apel:phones')}`, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
}

const dial = (id: string, number: string) =>
  ari('POST', `channels/${id}?endpoint=${encodeURIComponent(`PJSIP/${number}@carrier`)}&app=phones&timeout=5`, {
    variables: { 'TALK_DETECT(set)': '400,256' },
  })
const of = (id: string) => events.filter((event) => event.channel?.id === id)
const gone = (id: string) =>
  waitFor(() => of(id).find((event) => event.type === 'ChannelDestroyed'), { what: `the end of ${id}` })

t.test('every key of a call is taken once, and a voice is talk that ends', async (t) => {
  const voice = await speech('Good morning. Who is speaking, please?')
  exchange.phone(
    '+40700000001',
    answers(async (call) => {
      await call.press('1')
      await call.press('163045#*')
      await call.say(voice)
      await call.after(800)
      await call.press('9')
      await call.after(100)
      await call.hangUp()
    }),
  )
  await dial('keys', '+40700000001')
  await gone('keys')
  t.equal(
    of('keys')
      .map((event) => event.digit ?? '')
      .join(''),
    '1163045#*9',
  )
  const talk = of('keys').filter((event) => event.type.startsWith('ChannelTalking'))
  t.ok(talk.some((event) => event.type === 'ChannelTalkingStarted'))
  t.equal(talk.at(-1)?.type, 'ChannelTalkingFinished')
})

t.test('what Asterisk plays is heard as phrases with their times', async (t) => {
  writeFileSync(join(asterisk.soundsDir, 'beep.ulaw'), tone(600))
  const phone = exchange.phone('+40700000002', answers())
  await dial('sounds', '+40700000002')
  const call = await phone.call()
  await waitFor(() => of('sounds').some((event) => event.type === 'StasisStart'), { what: 'the answer' })
  for (const n of [1, 2]) {
    await ari('POST', `channels/sounds/play?media=sound:${asterisk.soundsDir}/beep`)
    const phrase = await call.heard(n)
    t.ok(Math.abs(phrase.to - phrase.from - 600) < 100, `heard for ${phrase.to - phrase.from} ms`)
  }
  t.ok(call.ear.heard(tone(600)), 'byte for byte')
  await ari('DELETE', 'channels/sounds')
  await call.behaved
  t.equal(call.endedBy, 'far')
})

t.test('a refusal, no answer and a hang-up reach Asterisk as what they are', async (t) => {
  exchange.phone('+40700000011', refuses(486, 50))
  exchange.phone('+40700000012', refuses(603))
  exchange.phone('+40700000013', neverAnswers)
  exchange.phone('+40700000014', hangsUp(200))
  const numbers = ['+40700000011', '+40700000012', '+40700000010', '+40700000013', '+40700000014']
  await Promise.all(numbers.map((number) => dial(`end${number.slice(1)}`, number)))
  const ends = await Promise.all(numbers.map((number) => gone(`end${number.slice(1)}`)))
  t.same(
    ends.map((end) => end.tech_cause ?? 0),
    [486, 603, 404, 480, 0],
  )
  const dialogs = await exchange.dialogs()
  const codes = numbers.map((number) => dialogs.find((dialog) => dialog.to === number))
  t.match(codes, [{ code: 486 }, { code: 603 }, { code: 404 }, { code: 487 }, { code: 200, byeBy: 'phone' }])
})

t.test('a phone calls in, is offered to the application by its number, and is heard', async (t) => {
  await ari('POST', 'asterisk/variable?variable=APEL_APPS&value=phones')
  const call = await exchange.call(
    '+40311234567',
    '+40722222222',
    calls(async (call) => await call.press('7')),
  )
  const arrived = await waitFor(() => events.find((event) => event.channel?.dialplan?.exten === '+40311234567'), {
    what: 'the call in the application',
  })
  const { id } = arrived.channel!
  await ari('POST', `channels/${id}/answer`)
  await waitFor(() => of(id).some((event) => event.digit === '7'), { what: 'the key' })
  await ari('DELETE', `channels/${id}`)
  await call.behaved
  t.match(call, { code: 200, endedBy: 'far', fault: null })
  await waitFor(async () => (await asterisk.cli('core show channels count')).includes('0 active calls'))
})
