/**
 * Where channels wait that are dialled among many. Asterisk keeps each one that `dial` has dialled in a bridge until its end, and has
 * one bridge for all of them (`dial_bridge` in its res/stasis/control.c). Whenever a channel comes into a bridge of that kind or leaves it,
 * every other one in it is locked, loses two variables and is looked at anew (`set_bridge_peer_vars_holding` in main/bridge.c):
 * measured, a call costs 28 µs of CPU more for each other one, at 300 of them twice as much as alone. A channel that is in a
 * bridge already is dialled where it is. So, once there are more than a few, each is put into one of many bridges first.
 */
import { OURS } from './bridges.ts'
import type { Node } from './node.ts'

/** Up to here the one bridge costs less than the request that goes round it. */
export const CROWD = 64
const COUNT = 128
const PREFIX = 'apel-lobby-'

/** Whether this request puts a channel into a lobby. It has no sound to wait for: it is not dialled yet. */
export function entersLobby(path: string): boolean {
  return path.startsWith(`/bridges/${PREFIX}`) && path.endsWith('/addChannel')
}

/** Whether the bridge of this id is a lobby. */
export function isLobby(id: string): boolean {
  return id.startsWith(PREFIX)
}

export interface Lobbies {
  /**
   * Asks for a channel that is to be dialled to be put into the next lobby. Nothing waits for it: the next request goes in the
   * same packet, and one that is dialled meanwhile, or without a lobby, is dialled all the same. Never throws.
   */
  enter(channel: string): void
}

/** The lobbies of a node, which all instances share. One that is taken away under another's hand costs that call nothing. */
export function makeLobbies(node: Node): Lobbies {
  const made = new Map<string, Promise<unknown>>()
  let turn = 0
  const put = async (channel: string, lobby: string): Promise<void> => {
    // 409 when it is there already.
    const there = made.get(lobby) ?? node.request('POST', lobby, { type: 'holding', name: OURS })
    made.set(lobby, there)
    await there
    const { status } = await node.request('POST', `${lobby}/addChannel`, { channel })
    // It was taken away while nobody was in it, or the node was started anew.
    if (status === 404) made.delete(lobby)
  }
  return {
    enter(channel) {
      turn = (turn + 1) % COUNT
      const lobby = `/bridges/${PREFIX}${turn}`
      put(channel, lobby).catch((error: unknown) => {
        made.delete(lobby)
        node.log.debug({ node: node.name, call: channel, err: error }, 'a channel is dialled without a lobby')
      })
    },
  }
}
