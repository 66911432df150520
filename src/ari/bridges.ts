/**
 * Two channels that hear each other. Asterisk keeps a bridge until it is asked to forget it, also an empty one, so every
 * bridge that is made here is ended here, and one that could not be filled does not stay.
 */
import type { Telephony } from '../call/ports.ts'
import { ApelError } from '../errors.ts'
import type { Node } from './node.ts'
import { refused } from './refusals.ts'

type Bridges = Pick<Telephony, 'bridge' | 'bridged' | 'recordBridge' | 'unbridge'>

/** What every bridge of ours is called; its id is of its own. */
export const OURS = 'apel'

/** A recording is a file on the node, so its name is of a fixed alphabet. Throws an `ApelError` for any other. */
export function recordingName(name: string): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,150}$/.test(name)) return name
  throw new ApelError('ari_refused', `"${name}" is no name for a recording`, { name })
}

export interface NodeBridges extends Bridges {
  /**
   * Takes a channel out of the bridge in which Asterisk keeps every channel that `dial` has dialled, also after the
   * answer: one nobody can see, and no channel in a bridge can be recorded ("Cannot record channel while in bridge").
   * To be called while nothing is being played; it would wait for the end.
   */
  free(channel: string): Promise<void>
}

export function makeBridges(node: Node): NodeBridges {
  const path = (id: string): string => `/bridges/${encodeURIComponent(id)}`

  /**
   * Who is in which bridge. A channel leaves a bridge that is deleted some milliseconds later, by itself, and until then it
   * cannot be recorded; `removeChannel` is answered when it is out.
   */
  const inside = new Map<string, readonly string[]>()

  const leave = async (id: string): Promise<void> => {
    const channels = inside.get(id) ?? []
    inside.delete(id)
    // One by one: a channel that is gone would keep the others in.
    const out = (channel: string) =>
      node.request('POST', `${path(id)}/removeChannel`, { channel }).catch(() => undefined)
    await Promise.all(channels.map(out))
  }

  const unbridge = async (id: string): Promise<void> => {
    await leave(id)
    const answer = await node.request('DELETE', path(id))
    // 409, "Bridge not in Stasis application": Asterisk is forgetting it just now.
    if (answer.status < 300 || answer.status === 404 || answer.status === 409) return
    throw refused(node.name, id, 'DELETE bridge', answer.status, answer.body)
  }

  const ask = async (id: string, below: string, query: Record<string, string | number>): Promise<void> => {
    const answer = await node.request('POST', `${path(id)}${below}`, query)
    if (answer.status >= 300) throw refused(node.name, id, `POST bridge${below}`, answer.status, answer.body)
  }

  const bridge = async (id: string, channels: readonly string[]): Promise<void> => {
    try {
      await ask(id, '', { type: 'mixing', name: OURS })
      await ask(id, '/addChannel', { channel: channels.join(',') })
      inside.set(id, channels)
    } catch (error) {
      // It may have been made, or filled by half, all the same.
      await unbridge(id).catch(() => undefined)
      throw error
    }
  }

  return {
    bridge,
    async bridged(id) {
      const answer = await node.request('GET', path(id))
      if (answer.status === 404) return null
      if (answer.status >= 300) throw refused(node.name, id, 'GET bridge', answer.status, answer.body)
      const { channels } = answer.body as { channels?: unknown }
      const found = Array.isArray(channels) ? channels.map(String) : []
      inside.set(id, found)
      return found
    },
    async free(channel) {
      const id = `${channel}.out`
      await bridge(id, [channel])
      await unbridge(id)
    },
    async recordBridge(id, name, maxTime) {
      const file = { name: recordingName(name), format: 'wav', ifExists: 'overwrite' }
      await ask(id, '/record', { ...file, maxDurationSeconds: Math.ceil(maxTime / 1000) })
    },
    unbridge,
  }
}
