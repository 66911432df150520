/**
 * The channels of ours on one node, by id. Every signal finds its channel here by one look-up; an inbound call waits
 * here, its events kept, until somebody attaches to it; a channel in our application that belongs to nobody (a creation
 * whose answer was lost and which was given up) is hung up. After a gap in the link, `reconcile` closes it from a list
 * of what is really there.
 */
import type { InboundCall, LeftLine, LineEvent } from '../call/ports.ts'
import { readChannel, type Signal } from './events.ts'
import { type LiveLine, makeLine } from './line.ts'
import { newLine } from './line-state.ts'
import type { Node } from './node.ts'

export interface Lines {
  open(id: string, absolute: number, amd: boolean): LiveLine
  find(id: string): LiveLine | undefined
  /** Knows a channel that another process has left behind, before the node is asked; what it tells is kept until `attach`. */
  hold(id: string, left: LeftLine): void
  /** An inbound call that waits, or a channel that we know by its id alone. */
  attach(id: string, listener: (event: LineEvent) => void): LiveLine
  signal(signal: Signal): void
  /** `list`: asks for the answer of `GET /channels`; null when there is none. */
  reconcile(list: () => Promise<unknown[] | null>, restarted: boolean): Promise<void>
  size(): number
  /** Every channel left is told as lost with the node. */
  close(): void
}

/** ms in which an inbound call must be taken; the one who is to take it answers within milliseconds. */
const OFFER_FOR = 10_000
/** How many inbound calls are known again when their first event is repeated. */
const REMEMBERED = 500

export function makeLines(node: Node, inboundLimit: number, onInbound: (call: InboundCall) => boolean): Lines {
  const lines = new Map<string, LiveLine>()
  const offers = new Map<string, { live: LiveLine; timer: unknown }>()
  const offered = new Set<string>()
  /** Those that were left behind: until somebody attaches, and until the node was asked. */
  const held = new Map<string, LiveLine>()
  const unseen = new Set<string>()

  const makeFor = (id: string, state: Parameters<typeof makeLine>[2]): LiveLine => {
    const live: LiveLine = makeLine(node, id, state, () => {
      if (lines.get(id) === live) lines.delete(id)
    })
    lines.set(id, live)
    return live
  }

  const hangUpNobodys = async (id: string): Promise<void> => {
    // Let go, because it is another's by now, is not nobody's.
    await node.doubt()
    node.log.warn({ node: node.name, call: id }, 'a channel in our application belongs to nobody; hanging it up')
    await node.request('DELETE', `/channels/${encodeURIComponent(id)}`).catch(() => undefined)
  }

  const withdraw = (id: string): LiveLine | undefined => {
    const offer = offers.get(id)
    if (!offer) return undefined
    node.clock.clearTimeout(offer.timer)
    offers.delete(id)
    return offer.live
  }

  const offer = (signal: Signal & { kind: 'entered' }): void => {
    offered.add(signal.channel)
    for (const oldest of offered) {
      if (offered.size <= REMEMBERED) break
      offered.delete(oldest)
    }
    const live = makeFor(signal.channel, newLine('inbound', node.clock.now(), inboundLimit, false))
    live.signal(signal)
    const timer = node.clock.setTimeout(() => {
      withdraw(signal.channel)
      live.drop()
      void hangUpNobodys(signal.channel)
    }, OFFER_FOR)
    offers.set(signal.channel, { live, timer })
    const taken = onInbound({ id: signal.channel, called: signal.called, caller: signal.caller })
    if (taken) return
    withdraw(signal.channel)
    live.drop()
    void hangUpNobodys(signal.channel)
  }

  const signal = (incoming: Signal): void => {
    const live = lines.get(incoming.channel)
    if (live || incoming.kind !== 'entered') {
      live?.signal(incoming)
      return
    }
    // A repeated event is no second call, though the first may have ended meanwhile.
    if (incoming.args[0] !== 'inbound') void hangUpNobodys(incoming.channel)
    else if (!offered.has(incoming.channel)) offer(incoming)
  }

  return {
    open: (id, absolute, amd) => makeFor(id, newLine('outbound', node.clock.now(), absolute, amd)),
    find: (id) => lines.get(id),
    hold(id, { direction, born, absolute, ring, amd, ringing, answered }) {
      const state = { ...newLine(direction, born, absolute, amd), entered: true, ringing, answered }
      state.doubtful = direction === 'outbound' && !ringing && !answered
      const live = makeFor(id, state)
      held.set(id, live)
      unseen.add(id)
      if (ring !== null) live.ringsUntil(ring)
    },
    attach(id, listener) {
      const live =
        withdraw(id) ??
        held.get(id) ??
        lines.get(id) ??
        makeFor(id, newLine('inbound', node.clock.now(), inboundLimit, false))
      held.delete(id)
      live.listen(listener)
      return live
    },
    signal,
    async reconcile(list, restarted) {
      // Events go on meanwhile: only what was known before the question can be missing from the answer.
      const before = new Map(lines)
      const listed = await list()
      if (!listed) return
      const there = new Map(
        listed.map(readChannel).flatMap((found) => (found ? [[found.channel, found] as const] : [])),
      )
      for (const live of before.values()) {
        const found = there.get(live.id)
        if (!found) live.lost(restarted)
        else if (unseen.has(live.id)) meet(live, found)
        else await catchUp(node, live, found)
        unseen.delete(live.id)
      }
      for (const found of there.values()) {
        if (before.has(found.channel) || !belongs(node.app, listed, found.channel)) continue
        signal(found)
        lines.get(found.channel)?.check()
      }
    },
    size: () => lines.size,
    close() {
      for (const id of [...offers.keys()]) withdraw(id)
      for (const live of [...lines.values()]) live.lost(true)
    },
  }
}

/** What happened to a living channel in the gap: answered, its sound ended, our hang-up lost, silent. Keys are lost for good. */
async function catchUp(node: Node, live: LiveLine, found: Signal & { kind: 'entered' }): Promise<void> {
  live.signal(found.args[0] === 'amd' ? found : { channel: live.id, kind: 'state', state: found.state })
  live.doubtTalk()
  if (live.state.leaving === 'us') await live.line.hangup().catch(() => undefined)
  for (const id of [...live.playing]) {
    const answer = await node.request('GET', `/playbacks/${encodeURIComponent(id)}`)
    if (answer.status === 404) live.signal({ channel: live.id, kind: 'played', id, ok: true })
  }
}

/**
 * A channel that was left behind, seen for the first time. Who has answered meanwhile has been heard by nobody: it is too
 * late to tell a machine by how it answers, unless the dialplan is at it, or has done it.
 */
function meet(live: LiveLine, found: Signal & { kind: 'entered' }): void {
  const verdict = live.state.amd && found.state === 'Up'
  if (verdict) live.state.amd = false
  live.signal({ channel: live.id, kind: 'state', state: found.state })
  if (!verdict) return
  live.awaitVerdict()
  const [kind] = found.args
  if (kind !== undefined) live.signal({ ...found, args: kind === 'amd' ? found.args : ['amd', 'NOTSURE', 'LATE'] })
}

/** Whether the channel is in our own application, and not in that of another instance. */
function belongs(app: string, listed: unknown[], id: string): boolean {
  return listed.some((channel) => {
    const { id: its, dialplan } = channel as { id?: unknown; dialplan?: { app_name?: unknown; app_data?: unknown } }
    return its === id && dialplan?.app_name === 'Stasis' && String(dialplan.app_data).split(',')[0] === app
  })
}
