import t from 'tap'
import { blankRecord } from '../../src/store/attempt-record.ts'
import { type PaperOptions, paperDialer, trunk, windows } from '../support/dialer.ts'
import { startTestRedis } from './server.ts'

t.setTimeout(60_000)

const CALL = blankRecord({ id: 'call-1', kind: 'inbound', number: '+40722222222', node: 'pbx', flow: 'support' })
const PBX = { node: 'pbx', endpoint: 'PJSIP/{number}@office' }

async function bench(t: { teardown(run: () => Promise<void>): unknown }, options: PaperOptions = {}) {
  const redis = await startTestRedis()
  const paper = await paperDialer(redis, { extensions: [PBX], ...options })
  t.teardown(async () => {
    await paper.stop()
    await redis.close()
  })
  const leg = (id: string, to: string, ring = 20_000) => paper.dialer.reserveLeg(CALL, id, { number: to }, ring)
  return { ...paper, leg }
}

t.test('a leg is a record of its own, written before its dial, on the node of its call', async (t) => {
  const { dialer, store, leg } = await bench(t, { trunks: [trunk({ name: 'far', node: 'other' }), trunk()] })
  const placed = await leg('call-1.1', '0711 111 111')
  t.match(placed, {
    node: 'pbx',
    order: {
      id: 'call-1.1',
      endpoint: 'PJSIP/+40711111111@carrier',
      callerId: '+40311234567',
      ring: 20_000,
      amd: false,
    },
    record: { id: 'call-1.1', kind: 'leg', campaign: null, trunk: 'carrier', attempt: 1 },
  })
  t.match(await store.attempts.get('call-1.1'), { state: 'reserved', record: { kind: 'leg', number: '+40711111111' } })
  t.same(await store.attempts.live({ trunk: 'carrier' }), ['call-1.1'])
  t.equal(await leg('call-1.1', '+40711111111'), null, 'one id, one leg')
  await dialer.ledger.finish({ ...placed!.record, dialed_at: 1, answered_at: 2, ended_at: 3, disposition: 'completed' })
  t.same(await store.attempts.live(), [])
  t.equal(await store.lineUp.previous('+40711111111', null, null), null, 'it was nobody of theirs that we spoke with')
})

t.test('an extension that is listed is reached through the PBX, and sees who is calling', async (t) => {
  const { dialer } = await bench(t)
  const ask = (extension: string) => dialer.reserveLeg(CALL, `call-1.${extension}`, { extension }, 20_000)
  t.match(await ask('100'), { order: { endpoint: 'PJSIP/100@office', callerId: '+40722222222' } })
  t.equal(await ask('101'), null)
  t.equal(await ask('0711111111'), null, 'a number is no extension')
  t.equal(await ask('100@other/sip:x'), null)
})

t.test('a transfer obeys the policy of every call', async (t) => {
  const { dialer, store, leg } = await bench(t, { policy: { allow: ['+40', '112'] } })
  await store.dnc.add({ number: '+40711111112', campaign: null, reason: null, at: 1 })
  for (const [why, number] of Object.entries({
    'a country that is not allowed': '+447911123456',
    'a premium number': '+40906123456',
    'an emergency number': '112',
    'a number on the do-not-call list': '+40711111112',
    'no number': 'office',
  }))
    t.equal(await leg(`call-1.${number.length}`, number), null, why)
  await dialer.setPaused(true)
  t.equal(await leg('call-1.1', '+40711111111'), null, 'all dialling is stopped')
  await dialer.setPaused(false)
  t.ok(await leg('call-1.1', '+40711111111'))
})

t.test('a trunk that is full, or a node without one, is waited for no longer than a caller can be', async (t) => {
  const { leg } = await bench(t, { trunks: [trunk({ channels: 1 })] })
  t.ok(await leg('call-1.1', '+40711111111'))
  const begun = Date.now()
  t.equal(await leg('call-1.2', '+40711111111'), null)
  t.ok(Date.now() - begun < 6_500)
})

t.test('hours and caps bind no leg, and a leg counts against none', async (t) => {
  const shut = windows({ mon: '00:00-00:01' })
  const { leg } = await bench(t, { policy: { windows: shut, per_number: { per_day: 1, per_week: 1 } } })
  t.ok(await leg('call-1.1', '+40711111111'))
  t.ok(await leg('call-1.2', '+40711111111'))
})

t.test('nobody is transferred through a gate that is closed', async (t) => {
  const { leg } = await bench(t, { closed: () => 'the link is down' })
  t.equal(await leg('call-1.1', '+40711111111'), null)
})
