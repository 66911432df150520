/** REST over the websocket that brings the events, with a filter that lets only the five types through that a call needs. */
import { WebSocket } from 'ws'
import { serve, settings } from './child.ts'
import { survey } from './survey.ts'

const { url, username, password, question, answer } =
  settings<Record<'url' | 'username' | 'password' | 'question' | 'answer', string>>()
const app = 'bench-websocket'
const FILTER = ['StasisStart', 'ChannelDtmfReceived', 'PlaybackFinished', 'ChannelDestroyed', 'RESTResponse']

const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
const socket = new WebSocket(`${url.replace('http', 'ws')}/ari/events?app=${app}`, { headers: { authorization } })
await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))

const waiting = new Map<string, (status: number) => void>()
let next = 0
async function request(method: string, uri: string, body?: unknown): Promise<void> {
  next += 1
  const request_id = String(next)
  const content = body === undefined ? {} : { content_type: 'application/json', message_body: JSON.stringify(body) }
  socket.send(JSON.stringify({ type: 'RESTRequest', request_id, method, uri, ...content }))
  const status = await new Promise<number>((resolve) => waiting.set(request_id, resolve))
  if (status >= 300) throw new Error(`${method} ${uri}: ${status}`)
}

const calls = survey(
  {
    originate: (id, number) =>
      request(
        'POST',
        `channels/${id}?endpoint=PJSIP/${encodeURIComponent(number)}%40carrier&app=${app}&callerId=%2B40311234567`,
      ),
    play: (id, playback, sound) => request('POST', `channels/${id}/play/${playback}?media=sound:${sound}`),
    stopPlay: (playback) => request('DELETE', `playbacks/${playback}`),
    hangup: (id) => request('DELETE', `channels/${id}`),
  },
  question,
  answer,
)

interface Event {
  type: string
  request_id: string
  status_code: number
  channel: { id: string }
  playback: { id: string }
}
socket.on('message', (data) => {
  const event = JSON.parse(String(data)) as Event
  switch (event.type) {
    case 'RESTResponse':
      waiting.get(event.request_id)?.(event.status_code)
      waiting.delete(event.request_id)
      break
    case 'StasisStart':
      calls.entered(event.channel.id)
      break
    case 'ChannelDtmfReceived':
      calls.key(event.channel.id)
      break
    case 'PlaybackFinished':
      calls.played(event.playback.id)
      break
    case 'ChannelDestroyed':
      calls.destroyed(event.channel.id)
      break
    default:
  }
})
const allowed = FILTER.map((type) => ({ type }))
const filter = await fetch(`${url}/ari/applications/${app}/eventFilter`, {
  method: 'PUT',
  headers: { authorization, 'content-type': 'application/json' },
  body: JSON.stringify({ allowed }),
})
if (!filter.ok) throw new Error(`the event filter was refused: ${filter.status}`)
serve(calls.dial)
