/**
 * What can be asked of a channel: one request of ARI each. They settle when Asterisk has taken the request; what comes of
 * it is told by events. Asking for the end of what has ended already is success.
 */
import { keyLength, type Line } from '../call/ports.ts'
import { talkDetect } from '../call/talk.ts'
import { makeBridges, recordingName } from './bridges.ts'
import type { AriAnswer, Query } from './link.ts'
import type { Node } from './node.ts'
import { refused } from './refusals.ts'

/** What the driver of a call counts on. */
export const TALK_DETECT = talkDetect

interface CommandParts {
  node: Node
  id: string
  direction: 'outbound' | 'inbound'
  /** Playbacks whose end has not been told. */
  playing: Set<string>
  hangup: Line['hangup']
  release: Line['release']
}

export function makeCommands({ node, id, direction, playing, hangup, release }: CommandParts): Line {
  const bridges = makeBridges(node)
  const exists = async (path: string): Promise<boolean> => {
    const answer = await node.request('GET', path)
    if (answer.status >= 300 && answer.status !== 404)
      throw refused(node.name, id, `GET ${path}`, answer.status, answer.body)
    return answer.status !== 404
  }
  // Only a channel that was dialled is kept in a bridge of Asterisk's own.
  let free = direction === 'inbound'
  return {
    id,
    async play(playback, files) {
      playing.add(playback)
      try {
        // In the body: a number read out digit by digit would be too long for a request line.
        const body = { media: files.map((file) => `sound:${file}`) }
        await askChannel(node, id, 'POST', `/play/${encodeURIComponent(playback)}`, {}, { body })
      } catch (error) {
        playing.delete(playback)
        throw error
      }
    },
    async stopPlay(playback) {
      const answer = await node.request('DELETE', `/playbacks/${encodeURIComponent(playback)}`)
      if (answer.status >= 300 && answer.status !== 404) {
        throw refused(node.name, id, 'DELETE /playbacks', answer.status, answer.body)
      }
    },
    async startMusic(musicClass) {
      await askChannel(node, id, 'POST', '/moh', { mohClass: musicClass })
    },
    async stopMusic() {
      await askChannel(node, id, 'DELETE', '/moh', {}, { gone: true })
    },
    async record(name, { beep, maxTime }) {
      const file = recordingName(name)
      if (!free) await bridges.free(id)
      free = true
      await askChannel(node, id, 'POST', '/record', {
        name: file,
        format: 'wav',
        beep: beep ? 'true' : 'false',
        maxDurationSeconds: Math.ceil(maxTime / 1000),
        ifExists: 'overwrite',
        terminateOn: 'none',
      })
    },
    async stopRecord(name, keep) {
      const live = `/recordings/live/${encodeURIComponent(recordingName(name))}`
      const answer = await (keep ? node.request('POST', `${live}/stop`) : node.request('DELETE', live))
      if (answer.status >= 300 && answer.status !== 404) {
        throw refused(node.name, id, 'the end of a recording', answer.status, answer.body)
      }
    },
    async press(keys, gap) {
      await askChannel(node, id, 'POST', '/dtmf', { dtmf: keys, between: gap, duration: keyLength })
    },
    async plays(playback) {
      const there = await exists(`/playbacks/${encodeURIComponent(playback)}`)
      if (there) playing.add(playback)
      return there
    },
    async records(name) {
      const file = encodeURIComponent(recordingName(name))
      if (await exists(`/recordings/live/${file}`)) return 'now'
      return (await exists(`/recordings/stored/${file}`)) ? 'kept' : null
    },
    async ring() {
      await askChannel(node, id, 'POST', '/ring')
    },
    async answer() {
      // Before the answer: later it would wait for the end of a prompt.
      await askChannel(node, id, 'POST', '/variable', { variable: 'TALK_DETECT(set)', value: TALK_DETECT })
      await askChannel(node, id, 'POST', '/answer')
    },
    hangup,
    async receivedPackets() {
      const stats = (await askChannel(node, id, 'GET', '/rtp_statistics')).body as { rxcount?: unknown } | null
      return typeof stats?.rxcount === 'number' ? stats.rxcount : 0
    },
    release,
  }
}

/** A request about one channel. `gone`: that there is no such channel is fine. */
export async function askChannel(
  node: Node,
  id: string,
  method: 'GET' | 'POST' | 'DELETE',
  below: string,
  query: Query = {},
  options: { gone?: boolean; body?: unknown } = {},
): Promise<AriAnswer> {
  const answer = await node.request(method, `/channels/${encodeURIComponent(id)}${below}`, query, options.body)
  if (answer.status < 300 || (options.gone && answer.status === 404)) return answer
  throw refused(node.name, id, `${method} ${below || 'channel'}`, answer.status, answer.body)
}
