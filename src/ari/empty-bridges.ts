/**
 * Asterisk keeps a bridge until it is asked to forget it. A process that is killed between making one and ending it leaves it behind,
 * and so does a request whose answer was lost; no journal tells of it. So those of ours that nobody is in at two looks
 * in a row are ended: at one look, another instance may just be about to fill it. Lobbies are no call's; they go at once when
 * we have none.
 */
import { OURS } from './bridges.ts'
import { isLobby } from './lobbies.ts'
import type { Node } from './node.ts'

export interface EmptyBridges {
  /** Looks, and ends what is to be ended. `idle`: we have no call. Rejects as `AriLink.request` does. */
  sweep(idle: boolean): Promise<void>
}

export function sweepsBridges(node: Node): EmptyBridges {
  let seen = new Set<string>()
  return {
    async sweep(idle) {
      const { body } = await node.request('GET', '/bridges')
      const before = seen
      seen = new Set()
      for (const { id, name, channels } of (Array.isArray(body) ? body : []) as Record<string, unknown>[]) {
        if (name !== OURS || typeof id !== 'string' || !Array.isArray(channels) || channels.length > 0) continue
        if (isLobby(id) ? idle : before.has(id)) await node.request('DELETE', `/bridges/${encodeURIComponent(id)}`)
        else seen.add(id)
      }
    },
  }
}
