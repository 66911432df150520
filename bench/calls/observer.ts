/**
 * A third party that hears of every channel (`subscribeAll`) when a key was received and when the next sound began, by
 * Asterisk's own clock: the same measure for every arm that speaks ARI, whatever the arm itself believes.
 */
import { WebSocket } from 'ws'
import { ACCOUNT, type Stage } from './stage.ts'

const APP = 'bench-observer'
const WANTED = ['ChannelDtmfReceived', 'PlaybackStarted']

export interface Observer {
  /** ms from each key to the sound after it, since the last look. */
  take(): number[]
  close(): void
}

interface Event {
  type: string
  timestamp: string
  channel?: { id: string }
  playback?: { target_uri: string }
}

export async function observe({ asterisk }: Stage): Promise<Observer> {
  const authorization = `Basic ${Buffer.from(`${ACCOUNT.username}:${ACCOUNT.password}`).toString('base64')}`
  const url = `${asterisk.url.replace('http', 'ws')}/ari/events?app=${APP}&subscribeAll=true`
  const socket = new WebSocket(url, { headers: { authorization } })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const filter = await fetch(`${asterisk.url}/ari/applications/${APP}/eventFilter`, {
    method: 'PUT',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ allowed: WANTED.map((type) => ({ type })) }),
  })
  if (!filter.ok) throw new Error(`the observer's event filter was refused: ${filter.status}`)
  const keys = new Map<string, number>()
  let times: number[] = []
  socket.on('message', (data) => {
    const event = JSON.parse(String(data)) as Event
    const at = Date.parse(event.timestamp)
    if (event.type === 'ChannelDtmfReceived') keys.set(event.channel?.id ?? '', at)
    if (event.type !== 'PlaybackStarted') return
    const channel = event.playback?.target_uri.replace(/^channel:/, '') ?? ''
    const pressed = keys.get(channel)
    if (pressed !== undefined) times.push(at - pressed)
    keys.delete(channel)
  })
  return {
    take() {
      const taken = times
      times = []
      return taken
    },
    close: () => socket.terminate(),
  }
}
