/**
 * Two channels that hear each other. Asterisk keeps a bridge until it is asked to forget it, also an empty one, so every
 * bridge that is made here is ended here, and one that could not be filled does not stay.
 */
import type { Telephony } from '../call/ports.ts'
import { recordingName } from './line-commands.ts'
import type { Node } from './node.ts'
import { refused } from './refusals.ts'

type Bridges = Pick<Telephony, 'bridge' | 'recordBridge' | 'unbridge'>

export function makeBridges(node: Node): Bridges {
  const path = (id: string): string => `/bridges/${encodeURIComponent(id)}`

  const unbridge = async (id: string): Promise<void> => {
    const answer = await node.request('DELETE', path(id))
    if (answer.status < 300 || answer.status === 404) return
    throw refused(node.name, id, 'DELETE bridge', answer.status, answer.body)
  }

  const ask = async (id: string, below: string, query: Record<string, string | number>): Promise<void> => {
    const answer = await node.request('POST', `${path(id)}${below}`, query)
    if (answer.status >= 300) throw refused(node.name, id, `POST bridge${below}`, answer.status, answer.body)
  }

  return {
    async bridge(id, channels) {
      try {
        await ask(id, '', { type: 'mixing' })
        await ask(id, '/addChannel', { channel: channels.join(',') })
      } catch (error) {
        // It may have been made, or filled by half, all the same.
        await unbridge(id).catch(() => undefined)
        throw error
      }
    },
    async recordBridge(id, name, maxTime) {
      const file = { name: recordingName(name), format: 'wav', ifExists: 'overwrite' }
      await ask(id, '/record', { ...file, maxDurationSeconds: Math.ceil(maxTime / 1000) })
    },
    unbridge,
  }
}
