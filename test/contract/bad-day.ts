/** What every transport must do alike when the network, Asterisk or another process misbehaves. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { noAnswer, type OpenLink } from '../../src/ari/link.ts'
import { openerFor, type Transport } from '../../src/ari/transport.ts'
import { dispositionOf } from '../../src/call/causes.ts'
import type { DialOrder } from '../../src/call/ports.ts'
import { talkSilence } from '../../src/call/talk.ts'
import { answers, hangsUp, neverAnswers, presses } from '../../src/phones/behaviours.ts'
import { tone } from '../../src/phones/speech.ts'
import { waitFor } from '../support/wait.ts'
import { type Bench, startBench } from './bench.ts'
import { follow } from './followed.ts'
import { frame } from './proxy.ts'

const NUMBER = '+40711111111'

export async function badDay(transport: Transport): Promise<void> {
  t.setTimeout(180_000)
  const bench = await startBench(transport, `faults-${transport}`)
  const { exchange, telephony, proxy } = bench
  t.teardown(() => bench.stop())
  /** Requests and their answers go over the same socket as the events, or over connections of their own. */
  const carrier = transport === 'ari-client' ? 'rest' : 'events'

  t.test('a wrong password and a web server without ARI are named, and the attempts go on', async (t) => {
    const wrong = bench.another({ password: 'wrong', app: 'apel-wrong-1' })
    await wrong.start()
    t.equal(wrong.ready(), false)
    t.match(wrong.reason(), /username or password is wrong/)
    const nowhere = bench.another({ url: `${bench.asterisk.url}/elsewhere`, app: 'apel-wrong-2' })
    await nowhere.start()
    t.match(nowhere.reason(), /no ARI behind this url/)
    await t.rejects(
      wrong.dial(order('wrong-1'), () => {}),
      { code: 'node_down', again: true },
    )
    await Promise.all([wrong.close(), nowhere.close()])
  })

  t.test('the gate waits for an endpoint of each technology', async (t) => {
    const other = bench.another({ app: 'apel-endpoint-1', technologies: ['Local', 'PJSIP', 'IAX2'] })
    await other.start()
    t.equal(other.ready(), false)
    t.match(other.reason(), /IAX2 is not loaded/)
    await other.close()
  })

  t.test('the gate stays closed to a version that is too old, or cannot be read', async (t) => {
    for (const [version, told] of [
      ['18.26.4', /18\.26\.4 is too old/],
      ['UNKNOWN__and_probably_unsupported', /cannot be read from "UNKNOWN/],
    ] as const) {
      const other = bench.another({ app: 'apel-version-1', open: claiming(transport, version) })
      await other.start()
      t.equal(other.ready(), false)
      t.match(other.reason(), told)
      await t.rejects(
        other.dial(order('version-1'), () => {}),
        { code: 'node_down' },
      )
      await other.close()
    }
  })

  t.test('odd, unknown, broken, repeated and huge events leave the link and the calls alone', async (t) => {
    exchange.phone(NUMBER, presses('3', 1000))
    const call = await bench.dial(NUMBER)
    await call.until('answered')
    const channel = { id: call.id, state: 'Up' }
    for (const event of [
      { type: 'NeverHeardOf', channel },
      { type: 'ChannelStateChange', channel },
      { type: 'ChannelDestroyed' },
      { type: 'ChannelDestroyed', channel: { id: 'somebody-else' }, cause: 'many' },
      { type: 'ChannelDtmfReceived', channel, digit: 5 },
      { type: 'PlaybackFinished', playback: null },
      { type: 'StasisStart', args: 'inbound', channel: { id: call.id } },
      { type: 'ChannelTalkingStarted', channel: {} },
      { no: 'type' },
      [],
    ]) {
      proxy.inject(frame(JSON.stringify(event)))
    }
    proxy.inject(frame('{ this is no JSON'))
    proxy.inject(frame('null'))
    proxy.inject(frame(JSON.stringify({ type: 'ChannelVarset', value: 'x'.repeat(5_000_000) })))
    t.match(await call.until('key'), { key: '3' }, 'events still arrive')
    t.same(call.types(), ['ringing', 'answered', 'key'])
    t.equal(telephony.ready(), true)
    t.equal(proxy.open('events'), 1)
    await call.line.hangup()
    await call.until('ended')
    await nothingLeft(t, bench)
  })

  t.test('an answer to `create` that never comes: nobody is called, nothing is left', async (t) => {
    const phone = exchange.phone(NUMBER, answers())
    proxy.mute(carrier)
    const begun = Date.now()
    await t.rejects(bench.dial(NUMBER), { code: 'ari_no_answer', facts: { sent: true } })
    t.ok(Math.abs(Date.now() - begun - 5000) < 500)
    proxy.release()
    await nothingLeft(t, bench)
    t.equal(phone.calls.length, 0)
    t.equal(telephony.ready(), true)
  })

  t.test('an answer to `dial` that never comes: the call is kept, and dialled once', async (t) => {
    const phone = exchange.phone(NUMBER, hangsUp(500))
    const other = bench.another({ app: 'apel-lost-1', open: losing(transport, /\/dial$/) })
    await other.start()
    const call = await follow('lost-dial-1', (id, listener) => other.dial(order(id), listener))
    t.match(await call.until('ended'), { by: 'callee' })
    t.same(call.types(), ['ringing', 'answered', 'ended'])
    t.equal(phone.calls.length, 1)
    t.equal(other.size(), 0)
    await other.close()
  })

  t.test('a channel in our application that belongs to nobody is hung up', async (t) => {
    const url = `${bench.asterisk.url}/ari/channels/create?endpoint=PJSIP/${NUMBER}@carrier&app=apel-faults-${transport}-1&channelId=stray-1`
    const authorization = `Basic ${Buffer.from('apel:p4ss;word').toString('base64')}`
    const answer = await fetch(url, { method: 'POST', headers: { authorization } })
    t.equal(answer.status, 200)
    await nothingLeft(t, bench)
  })

  t.test(
    'the socket is reset in mid-call: no new call meanwhile, back at once, and the gap is read again',
    async (t) => {
      let back = false
      exchange.phone(
        '+40711111140',
        answers(async (call) => {
          // A key that falls into the gap is lost.
          await call.until('link', () => back)
          await call.press('9')
        }),
      )
      let talked = false
      exchange.phone(
        '+40711111143',
        answers(async (call) => {
          await call.say(tone(900))
          await call.after(2 * talkSilence)
          talked = true
        }),
      )
      exchange.phone('+40711111141', hangsUp(700))
      exchange.phone('+40711111142', answers(undefined, { ring: 900 }))
      const [stays, ends, rings, talks] = await Promise.all(
        ['+40711111140', '+40711111141', '+40711111142', '+40711111143'].map((number) => bench.dial(number)),
      )
      await Promise.all([stays!.until('answered'), ends!.until('answered'), rings!.until('ringing')])
      await stays!.line.play('in-the-gap', [bench.sound(400)])
      const talk = (on: boolean) => () => {
        const last = talks!.events.findLast((event) => event.type === 'talk')
        return last?.type === 'talk' && last.on === on
      }
      await waitFor(talk(true), { every: 10, what: 'a voice' })
      proxy.freeze('events')
      // One ends, one is answered, one falls silent, one sound ends, and nobody hears of it.
      await waitFor(() => exchange.calls.find((call) => call.to === '+40711111141')?.endedAt, {
        what: 'end in the gap',
      })
      await waitFor(() => exchange.calls.find((call) => call.to === '+40711111142')?.answeredAt, {
        what: 'answer in the gap',
      })
      await waitFor(() => talked, { what: 'silence in the gap' })
      const down = waitFor(() => !telephony.ready(), { timeout: 3000, what: 'closed gate' })
      proxy.reset('events')
      await down
      await t.rejects(bench.dial(NUMBER), { code: 'node_down' })
      proxy.release()
      await waitFor(() => telephony.ready(), { timeout: 10_000, what: 'link' })
      back = true
      t.match(await ends!.until('ended'), { by: 'unknown', cause: null })
      await rings!.until('answered')
      t.match(await stays!.until('played'), { id: 'in-the-gap', ok: true })
      t.match(await stays!.until('key'), { key: '9' }, 'the call goes on over the new link')
      await waitFor(talk(false), { what: 'the silence, late: nobody talks for ever' })
      const left = [stays!, rings!, talks!]
      await Promise.all(left.map(({ line }) => line.hangup()))
      await Promise.all(left.map((call) => call.until('ended')))
      await nothingLeft(t, bench)
    },
  )

  t.test('a half-open link is found within 10 s; a hang-up that it swallowed is made good', async (t) => {
    exchange.phone(NUMBER, answers())
    const call = await bench.dial(NUMBER)
    await call.until('answered')
    const begun = Date.now()
    proxy.freeze()
    await t.rejects(call.line.hangup(), { code: /ari_no_answer|node_down/ })
    await waitFor(() => !telephony.ready(), { timeout: 11_000, what: 'closed gate' })
    t.ok(Date.now() - begun < 10_500, `found after ${Date.now() - begun} ms`)
    t.match(telephony.reason(), /heard|connect/)
    proxy.reset()
    proxy.release()
    await waitFor(() => telephony.ready(), { timeout: 15_000, what: 'link' })
    t.match(await call.until('ended'), { by: 'us' })
    await nothingLeft(t, bench)
  })

  t.test(
    'Asterisk is killed with calls on and comes back: they end by the network, and calls are made again',
    async (t) => {
      exchange.phone('+40711111150', answers())
      exchange.phone('+40711111151', neverAnswers)
      const talking = await bench.dial('+40711111150')
      const ringing = await bench.dial('+40711111151')
      await Promise.all([talking.until('answered'), ringing.until('ringing')])
      await bench.kill()
      await waitFor(() => !telephony.ready(), { timeout: 3000, what: 'closed gate' })
      t.ok(telephony.reason())
      await t.rejects(bench.dial(NUMBER), { code: 'node_down' })
      await t.rejects(talking.line.play('late', [bench.sound(200)]), { code: 'node_down' })
      await bench.revive()
      const up = Date.now()
      await waitFor(() => telephony.ready(), { timeout: 15_000, what: 'link' })
      t.ok(Date.now() - up < 6000, `${Date.now() - up} ms after Asterisk`)
      t.match(await talking.until('ended'), { by: 'network' })
      const end = await ringing.until('ended')
      t.equal(dispositionOf(end), 'unknown')
      exchange.phone(NUMBER, answers())
      const call = await bench.dial(NUMBER)
      await call.until('answered')
      await call.line.hangup()
      await call.until('ended')
      t.match(
        await bench.asterisk.cli('dialplan show globals'),
        /APEL_APPS=apel-faults-/,
        'inbound calls find us again',
      )
      await nothingLeft(t, bench)
    },
  )

  t.test('another process with our name takes over: we stop dialling, say so, and do not fight', async (t) => {
    const other = bench.another({})
    await other.start()
    await waitFor(() => !telephony.ready(), { timeout: 3000, what: 'closed gate' })
    t.match(telephony.reason(), /another process/)
    t.equal(other.ready(), true)
    await sleep(1000)
    t.equal(other.ready(), true)
    await other.close()
    t.match(await bench.asterisk.cli('dialplan show globals'), /^(?!.*APEL_APPS=apel)/s, 'and off the list at the end')
  })

  function order(id: string): DialOrder {
    return { id, endpoint: `PJSIP/${NUMBER}@carrier`, callerId: null, ring: 5000, absolute: 20_000, amd: false }
  }
}

async function nothingLeft(t: Test, { telephony }: Bench): Promise<void> {
  t.equal(telephony.size(), 0, 'no channel is followed any more')
  await waitFor(async () => (await telephony.channels()).length === 0, {
    timeout: 5000,
    what: 'empty list of channels',
  })
}

/** A link to a node that says that it is of this version. */
function claiming(transport: Transport, version: string): OpenLink {
  const open = openerFor(transport)
  return async (target, handlers) => {
    const link = await open(target, handlers)
    return {
      ...link,
      async request(method, path, ...rest) {
        const answer = await link.request(method, path, ...rest)
        if (path !== '/asterisk/info') return answer
        const body = answer.body as { system: object }
        return { status: answer.status, body: { ...body, system: { ...body.system, version } } }
      },
    }
  }
}

/** A link that loses the answers to some requests, though they are carried out. */
function losing(transport: Transport, paths: RegExp): OpenLink {
  const open = openerFor(transport)
  return async (target, handlers) => {
    const link = await open(target, handlers)
    return {
      ...link,
      async request(method, path, ...rest) {
        const answer = await link.request(method, path, ...rest)
        if (paths.test(path)) throw noAnswer(target.node, path, 5000)
        return answer
      },
    }
  }
}
