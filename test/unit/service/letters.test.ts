import { createHmac } from 'node:crypto'
import t from 'tap'
import { bodyOf, dataOf, hookId, isOld, pauseAfter, shownUrl, signed } from '../../../src/service/letters.ts'
import { callbackOf } from '../../../src/store/callbacks.ts'
import type { Letter } from '../../../src/store/outbox.ts'
import { aRecord } from '../../api/memory-ports.ts'

const SECOND = 1000
const HOUR = 3_600_000
const letter: Letter = { id: '7-1', event: 'call.ended', at: 0, since: 0, number: '', tries: 0, first: 0 }

t.test('a letter is tried again after 10 s, each time twice as long, at most 6 h apart, for a day', async (t) => {
  const pauses: number[] = []
  let now = 1000
  for (let tries = 1; ; tries++) {
    const pause = pauseAfter({ tries, first: 1000, since: 1000 }, now)
    if (pause === null) break
    pauses.push(pause / SECOND)
    now += pause
  }
  t.same(pauses, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10_240, 20_480, 21_600, 21_600])
  t.ok(now - 1000 <= 24 * HOUR)
  t.equal(pauseAfter({ tries: 1, first: 30 * HOUR, since: 0 }, 30 * HOUR), 10 * SECOND, 'counted from its first try')
  t.equal(
    pauseAfter({ tries: 1, first: 47.9 * HOUR, since: 0 }, 48.1 * HOUR),
    null,
    'but two days after it was written',
  )
  t.same([isOld(letter, 48 * HOUR), isOld(letter, 48 * HOUR + 1)], [false, true])
})

t.test('the signature is made over time and body, by the secret', async (t) => {
  const body = bodyOf({ ...letter, at: Date.UTC(2026, 0, 5) }, dataOf({ event: 'call.ended', data: aRecord() }, []))
  t.match(JSON.parse(body), {
    ...{ event: 'call.ended', at: '2026-01-05T00:00:00.000Z' },
    data: { id: 'a1', ended_at: '2026-01-05T08:00:09.125Z', ringing_at: null },
  })
  const headers = signed(letter, body, 'a secret', 1_700_000_000_999)
  t.match(headers, { 'X-Apel-Delivery': '7-1', 'X-Apel-Timestamp': '1700000000' })
  const hmac = createHmac('sha256', 'a secret').update(`1700000000.${body}`).digest('hex')
  t.equal(headers['X-Apel-Signature'], `v1=${hmac}`)
  t.not(signed(letter, body, 'another', 1_700_000_000_999)['X-Apel-Signature'], `v1=${hmac}`)
})

t.test('each event is told as the API shows what it is about', async (t) => {
  const trunks = [{ name: 'carrier', node: 'pbx' }]
  const until = Date.UTC(2026, 0, 5)
  t.same(dataOf({ event: 'trunk.state', data: { trunk: 'carrier', state: 'paused', until, kind: 'none' } }, trunks), {
    name: 'carrier',
    node: 'pbx',
    state: 'paused',
    until: '2026-01-05T00:00:00.000Z',
    reason: 'no answer',
  })
  t.same(dataOf({ event: 'campaign.state', data: { name: 'c', state: 'running' } }, trunks), {
    name: 'c',
    state: 'running',
  })
  const callback = callbackOf({
    id: 'cb',
    state: 'open',
    number: '+40711111111',
    due_at: `${until}`,
    expires_at: `${until}`,
  })
  t.match(dataOf({ event: 'callback.scheduled', data: callback! }, trunks), {
    ...{ id: 'cb', state: 'open', due_at: '2026-01-05T00:00:00.000Z', note: null, attempts: 0 },
  })
})

t.test('neither the name of a receiver nor what people see of it holds what is secret in its address', async (t) => {
  const url = 'https://crm.example:8443/hooks/calls?key=hidden#there'
  t.match(hookId(url), /^[0-9a-f]{16}$/)
  t.not(hookId(url), hookId('https://crm.example:8443/hooks/calls'))
  t.equal(shownUrl(url), 'https://crm.example:8443/hooks/calls')
})
