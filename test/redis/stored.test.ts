/**
 * What Redis holds is read by the releases to come: `test/formats/data-VERSION….json` are all keys of a ledger as they were
 * written once (`support/stored.ts` tells the story). Each is read and gone on with; the newest is what is written now.
 * See decision 0140 for what to do when it is not.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { openLedger } from '../../src/store/generation.ts'
import { DATA_VERSION } from '../../src/store/keys.ts'
import { ownerNamed, paperDialer, ShiftedClock } from '../support/dialer.ts'
import { replayFault } from '../support/journals.ts'
import { dump, HOOK, type Kept, PEOPLE, restore, shapeOf, TEXTS, writeStory } from '../support/stored.ts'
import { waitFor } from '../support/wait.ts'
import { startTestRedis } from './server.ts'

t.setTimeout(60_000)
const HOUR = 3_600_000

interface Written {
  /** ms. */
  at: number
  keys: Record<string, Kept>
}

const folder = 'test/formats'
const order = (name: string) => Number(/\.(\d+)\.json$/.exec(name)?.[1] ?? 0)
const files = readdirSync(folder)
  .filter((name) => name.startsWith('data-'))
  .sort((a, b) => order(a) - order(b))
const ofNow = files.filter((name) => Number.parseInt(name.slice('data-'.length), 10) === DATA_VERSION)
const read = (name: string): Written => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'))

t.test('what is written is what was written: whoever changes it keeps the new one beside the old', async (t) => {
  const redis = await startTestRedis()
  t.teardown(() => redis.close())
  await writeStory(redis)
  const keys = await dump(await redis.another('ledger'))
  const newest = ofNow.at(-1)
  const before = newest === undefined ? [] : shapeOf(read(newest).keys)
  if (process.env.APEL_KEEP_FORMAT !== '1' || JSON.stringify(before) === JSON.stringify(shapeOf(keys)))
    return t.same(shapeOf(keys), before)
  const part = ofNow.length === 0 ? '' : `.${ofNow.length}`
  writeFileSync(`${folder}/data-${DATA_VERSION}${part}.json`, `${JSON.stringify({ at: Date.now(), keys }, null, 1)}\n`)
})

for (const name of files)
  t.test(`${name} is read, and gone on with`, async (t) => {
    const { at, keys } = read(name)
    const redis = await startTestRedis()
    const clock = new ShiftedClock()
    clock.ms = at + 60_000 - Date.now()
    await restore(await redis.another('ledger'), keys)
    const paper = await paperDialer(redis, {
      clock,
      instance: 'two',
      extensions: [{ node: 'pbx', endpoint: 'PJSIP/{number}@pbx' }],
    })
    t.teardown(async () => {
      await paper.stop()
      await redis.close()
    })
    const { dialer, store } = paper
    const attemptsOf = async (number: string) => await store.attempts.ofNumber(number, 10)

    t.match(await openLedger(store.db, null), { state: 'known', id: /./ })
    t.match(await dialer.campaigns.get('c'), {
      state: 'paused',
      counts: { contacts: 7, pending: 1, waiting: 1, callback: 1, dialing: 1, done: 3, held: 0 },
      dispositions: { completed: 1, no_answer: 1, callback: 1, dnc: 1, blocked: 1 },
      outcomes: { thanked: 1 },
      definition: { holidays: ['2020-12-25'] },
    })
    t.match(await store.contacts.find('c', { key: 'k2' }), {
      number: PEOPLE.unanswered,
      data: { id: 'k2', phone: PEOPLE.unanswered, name: 'Bob, "the" Țurcanu', lang: 'ro', ok: 'yes', prio: '' },
      progress: { state: 'waiting', total: 1, tries: { no_answer: 1 }, disposition: 'no_answer' },
    })
    t.match(await store.contacts.find('holiday', { number: PEOPLE.atHome }), {
      progress: { state: 'held', rule: 'holiday' },
    })
    const [spoken] = await attemptsOf(PEOPLE.spoken)
    t.match(spoken, {
      state: 'ended',
      record: {
        ...{
          campaign: 'c',
          contact: 'k1',
          kind: 'first',
          attempt: 1,
          flow: 'survey',
          flow_version: 'abc',
          node: 'pbx',
        },
        ...{ trunk: 'carrier', caller_id: '+40311234567', disposition: 'completed', cause: 16, sip_code: 200 },
        ...{ amd: 'human', hangup_by: 'callee', outcome: 'thanked', last_step: 'bye' },
        ...{ vars: { happy: true, code: '??' }, recordings: [/\.r1$/], answered_at: Number },
      },
    })
    const results = []
    for await (const record of store.attempts.results('c', null)) results.push(record.disposition)
    t.same(results.sort(), ['blocked', 'callback', 'completed', 'dnc', 'no_answer'])
    t.match(await store.lineUp.previous(PEOPLE.spoken, 'c', 0), {
      ...{ outcome: 'thanked', strategy: 'kindly', agent: PEOPLE.operator },
      tasks: { order: { status: 'done', result: { number: 7 } } },
    })
    const [manual] = await attemptsOf(PEOPLE.manual)
    t.match(await store.attempts.legs(manual!.record.id), [{ record: { kind: 'leg', number: PEOPLE.operator } }])
    t.match(await attemptsOf(PEOPLE.caller), [{ home: 'c', record: { kind: 'inbound', called: '+40311234567' } }])
    t.match(await store.dnc.covering('+40790000001', 'c'), { number: '+4079*', campaign: 'c' })
    t.match(await store.callbacks.ofNumber(PEOPLE.agreed), { note: 'about the bill', at: 'pin', contact: 'k3' })
    t.match(await store.idempotency.claim('key-1', 'print', 'id', 1000), { kept: { answer: { status: 202 } } })
    t.match(await store.outbox.dead(null, 10), { letters: [{ letter: { reason: 'answered 500' } }] })
    const { letters } = (await store.outbox.take(HOOK, 'two', { now: clock.now(), room: 50, patience: 1000 }))!
    t.ok(letters.some(({ news }) => news?.event === 'call.ended' && news.data.number === PEOPLE.unanswered))
    t.ok(letters.some(({ news }) => news?.event === 'callback.scheduled' && news.data.number === PEOPLE.agreed))

    const { rules } = await dialer.explain(PEOPLE.listed)
    t.match(
      rules.find(({ rule }) => rule === 'dnc'),
      { verdict: 'refuse' },
    )

    const [taken] = await store.attempts.claim('one', ownerNamed('two'), null)
    t.match(taken, { state: 'up', record: { number: PEOPLE.talking }, row: 3, app: 'apel-one-1' })
    const { id } = taken!.record
    t.match(await store.attempts.steps(id), [{ step: 'ask' }, { step: 'pin', event: 'option 1' }])
    const entries = await store.journals.read(id)
    const texts = await store.journals.texts((entries[0] as { texts: string }).texts)
    t.same(texts, TEXTS)
    t.equal(replayFault({ id, entries, texts }), null)
    const ended = { ...taken!.record, ended_at: clock.now(), disposition: 'completed' as const }
    t.equal(await dialer.ledger.finish(ended), true)

    await dialer.setPaused(false)
    await dialer.campaigns.act('c', 'resume')
    const called = async (number: string) =>
      await waitFor(() => paper.placed.find(({ record }) => record.number === number), { what: `a call to ${number}` })
    t.match((await called(PEOPLE.fresh)).record, { contact: 'k7', kind: 'first', attempt: 1 })
    clock.ms += 3 * HOUR
    dialer.wake()
    t.match((await called(PEOPLE.unanswered)).record, { contact: 'k2', kind: 'retry', attempt: 2 })
    clock.ms += 22 * HOUR
    dialer.wake()
    t.match(await called(PEOPLE.agreed), { record: { kind: 'callback' }, context: { start_at: 'pin' } })
    for (const call of paper.placed) await paper.end(call, 'completed')
    await waitFor(async () => (await dialer.campaigns.get('c')).state === 'finished', { what: 'its end' })
  })
