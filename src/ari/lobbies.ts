/**
 * Where channels wait that are dialled among many. Asterisk keeps each one that `dial` has dialled in a bridge until its end, and has
 * one bridge for all of them (`dial_bridge` in its res/stasis/control.c). Whenever a channel comes into a bridge of that kind or leaves it,
 * every other one in it is locked, loses two variables and is looked at anew (`set_bridge_peer_vars_holding` in main/bridge.c):
 * measured, a call costs 28 µs of CPU more for each other one, at 300 of them twice as much as alone. A channel that is in a
 * bridge already is dialled where it is. So, once there are more than a few, each is put into one of many bridges first.
 */
import type { Node } from './node.ts'

/** Up to here the one bridge costs less than the request that goes round it. */
export const CROWD = 64
const COUNT = 128
const PREFIX = '/bridges/apel-lobby-'

/** Whether this request puts a channel into a lobby. It has no sound to wait for: it is not dialled yet. */
export function entersLobby(path: string): boolean {
  return path.startsWith(PREFIX) && path.endsWith('/addChannel')
}

export interface Lobbies {
  /**
   * Asks for a channel that is to be dialled to be put into the next lobby. Nothing waits for it: the next request goes in the
   * same packet, and one that is dialled meanwhile, or without a lobby, is dialled all the same. Never throws.
   */
  enter(channel: string): void
  /** Takes away those that nobody is in, also what an earlier process has left. To be called while we have no call. */
  tidy(): Promise<void>
}

/** The lobbies of a node, which all instances share. One that is taken away under another's hand costs that call nothing. */
export function makeLobbies(node: Node): Lobbies {
  const made = new Map<string, Promise<unknown>>()
  let turn = 0
  let untidy = true
  const put = async (channel: string, lobby: string): Promise<void> => {
    // 409 when it is there already.
    const there = made.get(lobby) ?? node.request('POST', lobby, { type: 'holding' })
    made.set(lobby, there)
    await there
    const { status } = await node.request('POST', `${lobby}/addChannel`, { channel })
    // The node was started anew.
    if (status === 404) made.delete(lobby)
  }
  return {
    async tidy() {
      if (!untidy) return
      untidy = false
      made.clear()
      const { body } = await node.request('GET', '/bridges')
      for (const { id, channels } of (Array.isArray(body) ? body : []) as { id?: unknown; channels?: unknown }[]) {
        const path = `/bridges/${String(id)}`
        if (!path.startsWith(PREFIX)) continue
        if (Array.isArray(channels) && channels.length === 0) await node.request('DELETE', path)
        else untidy = true
      }
    },
    enter(channel) {
      untidy = true
      turn = (turn + 1) % COUNT
      const lobby = `${PREFIX}${turn}`
      put(channel, lobby).catch((error: unknown) => {
        made.delete(lobby)
        node.log.debug({ node: node.name, call: channel, err: error }, 'a channel is dialled without a lobby')
      })
    },
  }
}
