/** What every transport must do alike, on a real Asterisk with real phones: an ordinary day. */
import t, { type Test } from 'tap'
import type { Transport } from '../../src/ari/transport.ts'
import { dispositionOf } from '../../src/call/causes.ts'
import type { InboundCall } from '../../src/call/ports.ts'
import { answers, calls, hangsUp, neverAnswers, presses, refuses, saysNothing } from '../../src/phones/behaviours.ts'
import { speech, tone } from '../../src/phones/speech.ts'
import { waitFor } from '../support/wait.ts'
import { amongMany } from './among-many.ts'
import { startBench } from './bench.ts'
import { besideSpeech } from './beside-speech.ts'
import { follow } from './followed.ts'
import { leftBridges } from './left-bridges.ts'
import { frame } from './proxy.ts'

const NUMBER = '+40711111111'

/** Registers the tests; `expected` is the transport that must have been used. */
export async function ordinaryDay(transport: Transport, expected: 'ari-client' | 'websocket'): Promise<void> {
  t.setTimeout(180_000)
  const bench = await startBench(transport, `calls-${transport}`)
  const { exchange, telephony } = bench
  t.teardown(() => bench.stop())
  const nothingLeft = async (t: Test): Promise<void> => {
    t.equal(telephony.size(), 0, 'no channel is followed any more')
    await waitFor(async () => (await telephony.channels()).length === 0, {
      timeout: 5000,
      what: 'empty list of channels',
    })
  }

  t.test('the node is ready, and says what it is', async (t) => {
    t.equal(telephony.ready(), true)
    t.equal(telephony.reason(), null)
    t.equal(telephony.transport(), expected)
    t.match(telephony.version(), /^2\d\.\d+/)
    const apps = await bench.asterisk.cli('dialplan show globals')
    t.match(apps, new RegExp(`APEL_APPS=apel-calls-${transport}-1\\n`), 'the dialplan knows the application')
  })

  t.test('a call rings, is answered, hears two sounds as one playback, presses a key, and we hang up', async (t) => {
    const phone = exchange.phone(NUMBER, presses('5', 1500, { ring: 300 }))
    const call = await bench.dial(NUMBER)
    await call.until('answered')
    await call.line.play('say-1', [bench.sound(200), bench.sound(400)])
    t.match(await call.until('played'), { id: 'say-1', ok: true })
    t.match(await call.until('key'), { key: '5' })
    await call.line.hangup()
    t.match(await call.until('ended'), { by: 'us', cause: 16, sip: null })
    t.same(
      call.types().filter((type) => type !== 'talk'),
      ['ringing', 'answered', 'played', 'key', 'ended'],
    )
    await call.line.hangup()
    const there = await phone.call()
    await there.ended
    t.equal(there.from, '+40311234567', 'the caller id is shown')
    t.equal(there.endedBy, 'far')
    t.ok(there.ear.heard(tone(400)), 'the second sound was heard')
    t.equal((await exchange.dialogs()).filter((dialog) => dialog.to === NUMBER).length, 1)
    await nothingLeft(t)
  })

  t.test('they talk and stop, we count their packets, and they hang up', async (t) => {
    const voice = await speech('Good morning, this is a very long sentence of mine')
    exchange.phone(
      NUMBER,
      answers(async (call) => {
        await call.after(300)
        await call.say(voice)
        await call.after(1500)
        await call.hangUp()
      }),
    )
    const call = await bench.dial(NUMBER)
    await call.until('talk')
    t.ok((await call.line.receivedPackets()) > 10)
    t.match(await call.until('ended'), { by: 'callee', cause: 16 })
    const talks = call.events.flatMap((event) => (event.type === 'talk' ? [event.on] : []))
    t.equal(talks[0], true)
    t.equal(talks.at(-1), false, 'the end of talk is known within 1.5 s')
    await nothingLeft(t)
  })

  t.test('each refusal of the far side has its cause and disposition', async (t) => {
    const wanted = { 486: 'busy', 603: 'rejected', 480: 'no_answer', 404: 'invalid_number', 503: 'congestion' }
    await Promise.all(
      Object.entries({
        ...wanted,
        403: 'trunk_error',
        484: 'invalid_number',
        500: 'congestion',
        488: 'trunk_error',
      }).map(async ([code, disposition]) => {
        exchange.phone(`+4071111${code}`, refuses(Number(code)))
        const call = await bench.dial(`+4071111${code}`)
        const end = await call.until('ended')
        t.equal(end.sip, Number(code))
        t.equal(end.by, 'callee')
        t.equal(dispositionOf(end), disposition, `${code} with cause ${end.cause}`)
      }),
    )
    await nothingLeft(t)
  })

  t.test('a call that rings to the end of its time is no answer, ringing or dead silent', async (t) => {
    exchange.phone('+40711111120', neverAnswers)
    exchange.phone('+40711111121', saysNothing)
    await Promise.all(
      ['+40711111120', '+40711111121'].map(async (number) => {
        const begun = Date.now()
        const call = await bench.dial(number, { ring: 2000 })
        const end = await call.until('ended')
        t.match(end, { by: 'us', cause: 19, sip: 480 })
        t.equal(dispositionOf(end), 'no_answer')
        t.ok(Math.abs(end.at - begun - 2000) < 800, `after ${end.at - begun} ms`)
      }),
    )
    await nothingLeft(t)
  })

  t.test('a call hung up by us while it rings is cancelled', async (t) => {
    const phone = exchange.phone(NUMBER, neverAnswers)
    const call = await bench.dial(NUMBER)
    await call.until('ringing')
    await call.line.hangup()
    const end = await call.until('ended')
    t.equal(end.by, 'us')
    t.equal(dispositionOf(end), 'cancelled')
    const there = await phone.call()
    await there.ended
    t.same([there.endedBy, there.answeredAt], ['far', null])
    await nothingLeft(t)
  })

  t.test('a playback is stopped, a second stop and one of nothing are success, a missing sound is told', async (t) => {
    exchange.phone(NUMBER, answers())
    const call = await bench.dial(NUMBER)
    await call.until('answered')
    await call.line.play('long', [bench.sound(3000)])
    await call.line.stopPlay('long')
    await call.line.stopPlay('long')
    await call.line.stopPlay('never-there')
    const stopped = await call.until('played')
    t.match(stopped, { id: 'long', ok: true })
    await call.line.play('none', ['/nowhere/at-all'])
    t.match(await call.until('played', 2), { id: 'none', ok: false })
    await call.line.hangup()
    await call.until('ended')
    await nothingLeft(t)
  })

  t.test('a sound that is cut by their hang-up is no missing sound', async (t) => {
    exchange.phone(NUMBER, hangsUp(600))
    const call = await bench.dial(NUMBER)
    await call.until('answered')
    await call.line.play('cut', [bench.sound(3000)])
    t.match(await call.until('ended'), { by: 'callee' })
    t.notOk(call.types().includes('played'))
    await nothingLeft(t)
  })

  t.test('music starts and stops, and what is done to a channel that is gone says so', async (t) => {
    const phone = exchange.phone(NUMBER, answers())
    const call = await bench.dial(NUMBER)
    await call.until('answered')
    await call.line.startMusic('default')
    const there = await phone.call()
    await there.hears(1)
    await call.line.stopMusic()
    await call.line.stopMusic()
    await call.line.hangup()
    await call.until('ended')
    await t.rejects(call.line.play('late', [bench.sound(200)]), { code: 'channel_gone' })
    await t.rejects(call.line.receivedPackets(), { code: 'channel_gone' })
    await call.line.stopMusic()
    call.line.release()
    await nothingLeft(t)
  })

  t.test('Asterisk itself ends a call at its time limit', async (t) => {
    exchange.phone(NUMBER, answers())
    const call = await bench.dial(NUMBER, { absolute: 3000 })
    const answered = await call.until('answered')
    await call.line.play('through', [bench.sound(3000)])
    const end = await call.until('ended')
    t.equal(end.by, 'limit')
    t.ok(end.at - answered.at < 4000)
    t.notOk(call.types().includes('played'))
    await nothingLeft(t)
  })

  besideSpeech(t, bench, nothingLeft)
  amongMany(t, bench, transport)
  leftBridges(t, bench, transport)

  t.test('two calls side by side keep apart', async (t) => {
    const numbers = ['+40711111130', '+40711111131']
    exchange.phone(numbers[0]!, presses('1', 500))
    exchange.phone(numbers[1]!, presses('2', 500))
    const [one, two] = await Promise.all(numbers.map((number) => bench.dial(number)))
    t.match([await one!.until('key'), await two!.until('key')], [{ key: '1' }, { key: '2' }])
    await Promise.all([one!.line.hangup(), two!.line.hangup()])
    await Promise.all([one!.until('ended'), two!.until('ended')])
    await nothingLeft(t)
  })

  t.test('an id that lives is refused and the first call goes on; an unknown trunk is refused', async (t) => {
    const phone = exchange.phone(NUMBER, answers())
    const call = await bench.dial(NUMBER, { id: 'twice-1' })
    await call.until('answered')
    await t.rejects(bench.dial(NUMBER, { id: 'twice-1' }), { code: 'channel_exists' })
    const other = bench.another({ app: `apel-calls-${transport}-2` })
    await other.start()
    const order = {
      id: 'twice-1',
      endpoint: `PJSIP/${NUMBER}@carrier`,
      callerId: null,
      ring: 5000,
      absolute: 9000,
      amd: false,
    }
    await t.rejects(
      other.dial(order, () => {}),
      { code: 'channel_exists' },
      'the node refuses it as well',
    )
    t.equal(other.size(), 0)
    await other.close()
    await t.rejects(bench.dial(NUMBER, { endpoint: `PJSIP/${NUMBER}@nobody` }), { code: 'endpoint_refused' })
    await t.rejects(bench.dial(NUMBER, { endpoint: 'Nothing/1' }), { code: 'endpoint_refused' })
    t.equal(call.types().includes('ended'), false)
    await call.line.hangup()
    await call.until('ended')
    t.equal(phone.calls.length, 1, 'one dialog in all')
    await nothingLeft(t)
  })

  t.test('an answered call is sent through AMD and comes back with a verdict', async (t) => {
    exchange.phone(NUMBER, answers(), hangsUp(400))
    const call = await bench.dial(NUMBER, { amd: true })
    const verdict = await call.until('amd')
    t.match(verdict, { status: /^(NOTSURE|HUMAN|MACHINE)$/, cause: /./ })
    t.same(call.types(), ['ringing', 'answered', 'amd'])
    await call.line.play('after', [bench.sound(200)])
    await call.until('played')
    await call.line.hangup()
    t.match(await call.until('ended'), { by: 'us' })
    const gone = await bench.dial(NUMBER, { amd: true })
    t.match(await gone.until('ended'), { by: 'callee' }, 'a hang-up meanwhile is an end like any other')
    t.same(gone.types(), ['ringing', 'answered', 'ended'])
    await nothingLeft(t)
  })

  t.test('an inbound call is offered once, rung, answered, heard, and its end is known both ways', async (t) => {
    const offered: InboundCall[] = []
    telephony.onInbound((call) => offered.push(call))
    for (const ends of ['callee', 'us'] as const) {
      offered.length = 0
      const there = await exchange.call(
        '+40311234567',
        '+40722222222',
        calls(async (call) => {
          await call.after(300)
          await call.press('7')
          // A hang-up at once would overtake the key within Asterisk.
          await call.after(300)
          if (ends === 'callee') await call.hangUp()
        }),
      )
      const offer = await waitFor(() => offered[0], { what: 'inbound call' })
      t.match(offer, { called: '+40311234567', caller: '+40722222222' })
      const call = await follow(offer.id, (id, listener) => telephony.attach(id, listener))
      await call.line.ring()
      await call.line.answer()
      await call.until('answered')
      t.match(await call.until('key'), { key: '7' })
      if (ends === 'us') await call.line.hangup()
      t.match(await call.until('ended'), { by: ends })
      await there.ended
      const repeated = { type: 'StasisStart', args: ['inbound'], channel: { id: offer.id, dialplan: { exten: '1' } } }
      bench.proxy.inject(frame(JSON.stringify(repeated)))
      await telephony.channels()
      t.equal(offered.length, 1, 'a repeated event is no second call')
      t.same(call.types(), ['answered', 'key', 'ended'])
      await nothingLeft(t)
    }
  })

  t.test('an inbound caller who gives up before anybody took the call has ended for who takes it late', async (t) => {
    const offered: InboundCall[] = []
    telephony.onInbound((call) => offered.push(call))
    const there = await exchange.call('100', '+40722222223', async (call) => {
      await waitFor(() => offered[0], { what: 'offer' })
      await call.hangUp()
    })
    await there.ended
    await waitFor(async () => (await telephony.channels()).length === 0, { what: 'end of the channel' })
    const call = await follow(offered[0]!.id, (id, listener) => telephony.attach(id, listener))
    t.match(await call.until('ended'), { by: 'callee' })
    await nothingLeft(t)
  })
}
