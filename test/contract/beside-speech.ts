/** What a line does beside playing sounds: it records, presses keys, and lets two channels hear each other. */
import { dirname } from 'node:path'
import type { Test } from 'tap'
import { answers, hangsUp } from '../../src/phones/behaviours.ts'
import { isIn } from '../../src/phones/ear.ts'
import { speech, tone } from '../../src/phones/speech.ts'
import { bridgesIn } from '../support/bridges.ts'
import { recording } from '../support/recording.ts'
import { waitFor } from '../support/wait.ts'
import type { Bench } from './bench.ts'

const NUMBER = '+40711111111'
const OTHER = '+40711111199'

export function besideSpeech(t: Test, bench: Bench, nothingLeft: (t: Test) => Promise<void>): void {
  const { exchange, telephony } = bench
  const file = (name: string) => recording(dirname(bench.asterisk.soundsDir), name)

  t.test('what they say after the beep is recorded until we stop, and can be listed and deleted', async (t) => {
    const voice = await speech('I am not at home on Tuesday')
    const phone = exchange.phone(
      NUMBER,
      answers(async (call) => {
        await call.heard(1)
        await call.say(voice)
        await call.press('#')
      }),
    )
    const call = await bench.dial(NUMBER)
    await call.until('answered')
    await call.line.record(`${call.id}.r1`, { beep: true, maxTime: 20_000 })
    t.match(await call.until('key'), { key: '#' }, 'keys are told meanwhile')
    await call.line.stopRecord(`${call.id}.r1`, true)
    const told = await call.until('recorded')
    t.match(told, { name: `${call.id}.r1`, ok: true })
    t.ok(told.duration >= 1000 * Math.floor(voice.length / 8000), `${told.duration} ms`)
    t.ok(isIn(file(`${call.id}.r1`) ?? Buffer.alloc(0), voice), 'it has their voice in it')
    await call.line.stopRecord(`${call.id}.r1`, true)
    await call.line.stopRecord('never-there', false)
    t.ok((await phone.call()).ear.phrases.length >= 1, 'they heard a beep')
    t.ok((await telephony.recordings()).includes(`${call.id}.r1`))
    await telephony.deleteRecording(`${call.id}.r1`)
    await telephony.deleteRecording(`${call.id}.r1`)
    t.equal(file(`${call.id}.r1`), null)
    await call.line.hangup()
    await call.until('ended')
    await nothingLeft(t)
  })

  t.test('a recording that is thrown away leaves no file; one that is full ends by itself', async (t) => {
    exchange.phone(NUMBER, answers())
    const call = await bench.dial(NUMBER)
    await call.until('answered')
    await call.line.record(`${call.id}.r1`, { beep: false, maxTime: 20_000 })
    await waitFor(() => file(`${call.id}.r1`), { what: 'the beginning of the recording' })
    await call.line.stopRecord(`${call.id}.r1`, false)
    t.match(await call.until('recorded'), { name: `${call.id}.r1` })
    t.equal(file(`${call.id}.r1`), null)
    await call.line.record(`${call.id}.r2`, { beep: false, maxTime: 1000 })
    const full = await call.until('recorded', 2)
    t.match(full, { name: `${call.id}.r2`, ok: true })
    t.ok(full.duration >= 1000 && full.duration <= 2000, 'Asterisk counts the seconds that begin')
    t.not(file(`${call.id}.r2`), null)
    await call.line.play('after', [bench.sound(200)])
    t.match(await call.until('played'), { ok: true }, 'what is played next is not held up')
    await call.line.hangup()
    await call.until('ended')
    await t.rejects(call.line.record('../escape', { beep: false, maxTime: 1000 }), { code: 'ari_refused' })
    await nothingLeft(t)
  })

  t.test('who hangs up while being recorded has left the message', async (t) => {
    const voice = await speech('Please call me back')
    exchange.phone(
      NUMBER,
      answers(async (call) => {
        await call.after(500)
        await call.say(voice)
        await call.hangUp()
      }),
    )
    const call = await bench.dial(NUMBER)
    await call.until('answered')
    await call.line.record(`${call.id}.r1`, { beep: false, maxTime: 20_000 })
    t.match(await call.until('ended'), { by: 'callee' })
    const kept = await waitFor(() => file(`${call.id}.r1`), { what: 'the recording' })
    t.ok(isIn(kept, voice))
    await nothingLeft(t)
  })

  t.test('keys that we press are heard, one after another', async (t) => {
    const phone = exchange.phone(NUMBER, answers())
    const call = await bench.dial(NUMBER)
    await call.until('answered')
    await call.line.press('12#', 200)
    const there = await phone.call()
    await waitFor(() => there.ear.keys.length >= 3, { what: 'the keys' })
    t.equal(there.ear.keys, '12#')
    await call.line.hangup()
    await call.until('ended')
    await nothingLeft(t)
  })

  t.test('two channels that are put together hear each other, and are ours alone again afterwards', async (t) => {
    const [mine, yours] = await Promise.all([speech('This is the first of us'), speech('And I am the second one')])
    const one = exchange.phone(NUMBER, saysOnceBoth(mine))
    const two = exchange.phone(OTHER, saysOnceBoth(yours))
    const first = await bench.dial(NUMBER)
    const second = await bench.dial(OTHER)
    await Promise.all([first.until('answered'), second.until('answered')])
    await first.line.startMusic('default')
    await first.line.stopMusic()
    await telephony.bridge(second.id, [first.id, second.id])
    await telephony.recordBridge(second.id, `${first.id}.d1`, 20_000)
    const [there, here] = [await one.call(), await two.call()]
    await waitFor(() => here.ear.heard(mine) && there.ear.heard(yours), { what: 'what the other one says' })
    await telephony.unbridge(second.id)
    await telephony.unbridge(second.id)
    await waitFor(() => (file(`${first.id}.d1`)?.length ?? 0) > 8000, { what: 'the recording of what both said' })
    await second.line.hangup()
    await second.until('ended')
    await first.line.play('again', [bench.sound(400)])
    t.match(await first.until('played'), { id: 'again', ok: true })
    t.ok(there.ear.heard(tone(400)), 'the first one hears us again')
    await first.line.hangup()
    await first.until('ended')
    await nothingLeft(t)
    await noBridges(t)
  })

  t.test('who is let out of a bridge can be recorded at once', async (t) => {
    exchange.phone(NUMBER, answers())
    exchange.phone(OTHER, answers())
    const first = await bench.dial(NUMBER)
    const second = await bench.dial(OTHER)
    await Promise.all([first.until('answered'), second.until('answered')])
    for (let round = 1; round <= 20; round += 1) {
      const bridge = `${second.id}.${round}`
      await telephony.bridge(bridge, [first.id, second.id])
      await telephony.unbridge(bridge)
      const name = `${first.id}.r${round}`
      await first.line.record(name, { beep: false, maxTime: 20_000 })
      await waitFor(() => file(name), { what: 'the beginning of the recording' })
      await first.line.stopRecord(name, true)
      t.match(await first.until('recorded', round), { ok: true })
    }
    await Promise.all([first.line.hangup(), second.line.hangup()])
    await Promise.all([first.until('ended'), second.until('ended')])
    await nothingLeft(t)
    await noBridges(t)
  })

  t.test('two of whom one is gone are not put together, and no bridge stays', async (t) => {
    exchange.phone(NUMBER, answers())
    exchange.phone(OTHER, hangsUp(0))
    const first = await bench.dial(NUMBER)
    const second = await bench.dial(OTHER)
    await second.until('ended')
    await t.rejects(telephony.bridge(second.id, [first.id, second.id]))
    await noBridges(t)
    await first.line.play('on', [bench.sound(200)])
    t.match(await first.until('played'), { ok: true }, 'the other goes on')
    await first.line.hangup()
    await first.until('ended')
    await nothingLeft(t)
  })

  async function noBridges(t: Test): Promise<void> {
    t.same(bridgesIn(await bench.asterisk.cli('bridge show all')), [], 'no bridge is left')
  }
}

/** Says this again and again, so that whoever is connected hears it. */
function saysOnceBoth(voice: Buffer) {
  return answers(async (call) => {
    for (;;) {
      await call.after(300)
      await call.say(voice)
    }
  })
}
