/** `ari-client` alone, one listener an event type (a listener a channel would leak). */
import ari from 'ari-client'
import { serve, settings } from './child.ts'
import { survey } from './survey.ts'

const { url, username, password, question, answer } =
  settings<Record<'url' | 'username' | 'password' | 'question' | 'answer', string>>()
const app = 'bench-ari-client'

const client = await ari.connect(url, username, password)
const calls = survey(
  {
    originate: (channelId, number) =>
      client.channels.originate({ endpoint: `PJSIP/${number}@carrier`, app, channelId, callerId: '+40311234567' }),
    play: (channelId, playbackId, media) =>
      client.channels.playWithId({ channelId, playbackId, media: `sound:${media}` }),
    stopPlay: (playbackId) => client.playbacks.stop({ playbackId }),
    hangup: (channelId) => client.channels.hangup({ channelId }),
  },
  question,
  answer,
)
client.on('StasisStart', (_, channel) => calls.entered(channel.id))
client.on('ChannelDtmfReceived', (_, channel) => calls.key(channel.id))
client.on('PlaybackFinished', (_, playback) => calls.played(playback.id))
client.on('ChannelDestroyed', (_, channel) => calls.destroyed(channel.id))
await client.start(app)
serve(calls.dial)
