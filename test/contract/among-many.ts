/** A call that is dialled among many waits in a lobby, and is a call like any other. */
import { dirname } from 'node:path'
import type { Test } from 'tap'
import { answers, neverAnswers } from '../../src/phones/behaviours.ts'
import { isIn } from '../../src/phones/ear.ts'
import { speech } from '../../src/phones/speech.ts'
import { recording } from '../support/recording.ts'
import { waitFor } from '../support/wait.ts'
import { type Bench, plain } from './bench.ts'
import { type Followed, follow } from './followed.ts'

export function amongMany(t: Test, bench: Bench, name: string): void {
  const { exchange } = bench

  t.test('calls that are dialled among many ring, answer, are heard, recorded and ended like any other', async (t) => {
    const crowded = bench.another({ app: `apel-${name}-many-1`, crowd: 0 })
    t.teardown(() => crowded.close())
    await crowded.start()
    const dial = (number: string, ring: number): Promise<Followed> =>
      follow(`${name}-many-${number.slice(1)}`, (id, listen) => crowded.dial({ ...plain(id, number), ring }, listen))
    const lobbies = async (): Promise<number> =>
      (await bench.asterisk.cli('bridge show all')).match(/^apel-lobby-\d+ +\S+ +1 /gm)?.length ?? 0

    exchange.phone('+40711111130', neverAnswers)
    const voice = await speech('Please call me back')
    const there = exchange.phone(
      '+40711111131',
      answers(
        async (call) => {
          await call.heard(1)
          await call.press('7')
          await call.say(voice)
          await call.hangUp()
        },
        { ring: 300 },
      ),
    )
    const begun = Date.now()
    const [silent, call] = await Promise.all([dial('+40711111130', 3000), dial('+40711111131', 20_000)])
    await waitFor(async () => (await lobbies()) === 2, { what: 'each in a lobby of its own' })
    await call.until('answered')
    await call.line.play('say-1', [bench.sound(400)])
    t.match(await call.until('played'), { ok: true })
    t.match(await call.until('key'), { key: '7' })
    await call.line.record(`${call.id}.r1`, { beep: false, maxTime: 20_000 })
    t.match(await call.until('ended'), { by: 'callee' })
    const kept = await waitFor(() => recording(dirname(bench.asterisk.soundsDir), `${call.id}.r1`), {
      what: 'a message',
    })
    t.ok(isIn(kept, voice))
    t.equal((await there.call()).endedBy, 'phone')
    const end = await silent.until('ended')
    t.match(end, { by: 'us', cause: 19, sip: 480 })
    t.ok(Math.abs(end.at - begun - 3000) < 1000, `Asterisk has kept the time, ${end.at - begun} ms`)
    await waitFor(async () => (await crowded.channels()).length === 0, { what: 'the end of every channel' })
    t.equal(crowded.size(), 0)
    const bridges = async (): Promise<string> => await bench.asterisk.cli('bridge show all')
    await waitFor(async () => !(await bridges()).includes('apel-lobby'), { what: 'the end of every lobby' })
  })
}
