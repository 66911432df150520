import fc from 'fast-check'
import t from 'tap'
import { EVENT_TYPES, readChannel, readEvent } from '../../../src/ari/events.ts'

const channel = {
  id: 'call-1',
  state: 'Up',
  caller: { number: '+40722' },
  dialplan: { exten: '100', app_name: 'Stasis', app_data: 'apel-a-1,inbound' },
}

t.test('each event that we ask for becomes its signal', async (t) => {
  const table: [Record<string, unknown> & { type: string }, unknown][] = [
    [
      { type: 'StasisStart', args: ['inbound'], channel },
      { kind: 'entered', args: ['inbound'], called: '100', caller: '+40722', state: 'Up' },
    ],
    [{ type: 'StasisEnd', channel }, { kind: 'left' }],
    [
      { type: 'Dial', peer: channel, dialstatus: 'PROGRESS' },
      { kind: 'state', state: 'Ringing' },
    ],
    [
      { type: 'ChannelStateChange', channel },
      { kind: 'state', state: 'Up' },
    ],
    [
      { type: 'ChannelHangupRequest', channel, soft: true, cause: 32, sip: null },
      { kind: 'leaving', soft: true, cause: 32, sip: null },
    ],
    [
      { type: 'ChannelHangupRequest', channel },
      { kind: 'leaving', soft: false, cause: null, sip: null },
    ],
    [
      { type: 'ChannelDestroyed', channel, cause: 17, tech_cause: 486 },
      { kind: 'destroyed', cause: 17, sip: 486 },
    ],
    [
      { type: 'ChannelDestroyed', channel, cause: 0 },
      { kind: 'destroyed', cause: null, sip: null },
    ],
    [
      { type: 'ChannelDtmfReceived', channel, digit: '#' },
      { kind: 'key', key: '#' },
    ],
    [
      { type: 'ChannelTalkingStarted', channel },
      { kind: 'talk', on: true },
    ],
    [
      { type: 'ChannelTalkingFinished', channel, duration: 900 },
      { kind: 'talk', on: false },
    ],
    [
      { type: 'PlaybackFinished', playback: { id: 'p', target_uri: 'channel:call-1', state: 'done' } },
      { kind: 'played', id: 'p', ok: true },
    ],
    [
      { type: 'PlaybackFinished', playback: { id: 'p', target_uri: 'channel:call-1', state: 'failed' } },
      { kind: 'played', id: 'p', ok: false },
    ],
    [
      { type: 'RecordingFinished', recording: { name: 'r', target_uri: 'channel:call-1', state: 'done', duration: 3 } },
      { kind: 'recorded', name: 'r', ok: true, duration: 3000 },
    ],
    [
      { type: 'RecordingFinished', recording: { name: 'r', target_uri: 'channel:call-1', state: 'canceled' } },
      { kind: 'recorded', name: 'r', ok: false, duration: 0 },
    ],
    [
      { type: 'RecordingFailed', recording: { name: 'r', target_uri: 'channel:call-1', state: 'failed' } },
      { kind: 'recorded', name: 'r', ok: false, duration: 0 },
    ],
  ]
  for (const [event, body] of table) t.same(readEvent(event), { channel: 'call-1', ...(body as object) }, event.type)
  t.same(
    new Set(EVENT_TYPES),
    new Set([...table.map(([event]) => event.type), 'ApplicationReplaced']),
    'no type without a test',
  )
})

t.test('what says nothing about a channel of ours is nothing', async (t) => {
  for (const event of [
    { type: 'NeverHeardOf', channel },
    { type: 'constructor', channel },
    { type: '__proto__', channel },
    { type: 'ChannelDestroyed' },
    { type: 'ChannelDestroyed', channel: { id: 7 } },
    { type: 'ChannelDtmfReceived', channel, digit: 'many' },
    { type: 'PlaybackFinished', playback: { id: 'p', target_uri: 'bridge:b' } },
    { type: 'PlaybackFinished', playback: { target_uri: 'channel:call-1' } },
  ]) {
    t.equal(readEvent(event), null, JSON.stringify(event))
  }
})

t.test('no event of whatever shape throws', async () => {
  const types = fc.constantFrom(...EVENT_TYPES)
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.record({ id: fc.jsonValue(), state: fc.jsonValue(), dialplan: fc.jsonValue(), target_uri: fc.jsonValue() }),
  )
  fc.assert(
    fc.property(types, odd, odd, odd, odd, (type, given, playback, args, cause) => {
      readEvent({ type, channel: given, playback, args, cause, tech_cause: cause, digit: args })
      readChannel(given)
    }),
  )
})

t.test('a listed channel tells what it was sent to us with', async (t) => {
  t.match(readChannel(channel), { channel: 'call-1', args: ['inbound'], called: '100', caller: '+40722', state: 'Up' })
  t.match(readChannel({ ...channel, dialplan: { exten: 's', app_name: 'AMD', app_data: 'x,amd' } }), { args: [] })
  t.equal(readChannel(null), null)
})
