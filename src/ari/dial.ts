/**
 * One outgoing call. `create` and `dial` instead of `originate`, since a call that rings then survives the death of this
 * process; the id is the attempt's, so a second one with it is refused by the node. Between the two the channel
 * must have entered our application (seen: a `dial` sent at once after `create` is refused now and then).
 *
 * An answer that does not come is the delicate case. Of `create`: no INVITE was sent, and none will be, the channel is
 * hung up whenever it turns up. Of `dial`: the INVITE may be out, so the call is kept, and its events decide.
 */
import type { DialOrder, Line, LineEvent } from '../call/ports.ts'
import { ApelError } from '../errors.ts'
import type { LiveLine } from './line.ts'
import { TALK_DETECT } from './line-commands.ts'
import type { Lines } from './lines.ts'
import type { Lobbies } from './lobbies.ts'
import type { Node } from './node.ts'
import { refused, saidBy } from './refusals.ts'

/** ms; the entry takes 1 to 10. */
const ENTRY_WITHIN = 2_000
/** ms that Asterisk's own dial timeout may be late. */
const RING_GRACE = 5_000

/** See `Telephony.dial`. `lobbies`: null while there are few others. Rejects with `channel_exists`, `endpoint_refused`, `ari_refused`, `ari_no_answer`, `node_down`. */
export async function dial(
  node: Node,
  lines: Lines,
  lobbies: Lobbies | null,
  order: DialOrder,
  listener: (event: LineEvent) => void,
): Promise<Line> {
  if (lines.find(order.id)) throw exists(node.name, order.id)
  const live = lines.open(order.id, order.absolute, order.amd)
  live.listen(listener)
  try {
    await create(node, order)
  } catch (error) {
    live.drop()
    // It may have been created all the same; without an owner it is hung up when it enters, too.
    if (error instanceof ApelError && error.facts.sent === true) void end(node, order.id)
    throw error
  }
  await live.entry(ENTRY_WITHIN)
  if (!live.state.ended) lobbies?.enter(order.id)
  try {
    await order.turn?.()
  } catch (error) {
    live.drop()
    throw error
  }
  if (!live.state.ended) await ring(node, live, order)
  return live.line
}

async function create(node: Node, order: DialOrder): Promise<void> {
  const variables: Record<string, string> = {
    'TALK_DETECT(set)': TALK_DETECT,
    'TIMEOUT(absolute)': String(Math.ceil(order.absolute / 1000)),
    APEL_APP: node.app,
  }
  // `create` knows no caller id; without this the INVITE leaves as anonymous. `i`: nobody is to be told of it before that.
  if (order.callerId !== null) variables['CONNECTEDLINE(all,i)'] = `<${order.callerId}>`
  const query = { endpoint: order.endpoint, app: node.app, appArgs: 'dial', channelId: order.id }
  const answer = await node.request('POST', '/channels/create', query, { variables })
  if (answer.status < 300) return
  // Asterisk says "exists already" from a stale errno too, when it only could not allocate the channel.
  const taken = answer.status === 409 && (await lives(node, order.id))
  if (taken) throw exists(node.name, order.id)
  const said = saidBy(answer.body)
  if (answer.status === 409 || said.includes('Allocation failed')) {
    throw new ApelError(
      'endpoint_refused',
      `Asterisk node ${node.name} has no endpoint for this dial string ; check the trunk's \`endpoint\` against pjsip.conf`,
      { node: node.name, technology: order.endpoint.split('/')[0], sent: false },
    )
  }
  throw refused(node.name, order.id, 'POST /channels/create', answer.status, answer.body)
}

async function ring(node: Node, live: LiveLine, order: DialOrder): Promise<void> {
  const path = `/channels/${encodeURIComponent(order.id)}/dial`
  live.ringsUntil(order.ring + RING_GRACE)
  try {
    const answer = await node.request('POST', path, { timeout: Math.ceil(order.ring / 1000) })
    // Gone meanwhile: its end has been told, or is on its way.
    if (answer.status < 300 || answer.status === 404 || live.state.ended || live.state.leaving) return
    live.drop()
    void end(node, order.id)
    throw refused(node.name, order.id, 'POST dial', answer.status, answer.body)
  } catch (error) {
    if (!(error instanceof ApelError) || error.facts.sent !== true) {
      if (!live.state.ended) {
        live.drop()
        void end(node, order.id)
        throw error
      }
      return
    }
    node.log.warn(
      { node: node.name, call: order.id },
      'the answer to a dial was lost; the call is kept and its events decide',
    )
  }
}

async function lives(node: Node, id: string): Promise<boolean> {
  return (await node.request('GET', `/channels/${encodeURIComponent(id)}`)).status !== 404
}

async function end(node: Node, id: string): Promise<void> {
  await node.request('DELETE', `/channels/${encodeURIComponent(id)}`).catch(() => undefined)
}

function exists(node: string, id: string): ApelError {
  return new ApelError('channel_exists', `a channel with the id ${id} lives on Asterisk node ${node} already`, {
    node,
    sent: false,
  })
}
