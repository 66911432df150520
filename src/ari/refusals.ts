/** What the node says when it will not, as errors of ours. */
import { ApelError } from '../errors.ts'

/** `channel_gone` for 404, else `ari_refused`; `what` names the request. */
export function refused(node: string, id: string, what: string, status: number, body: unknown): ApelError {
  const said = saidBy(body)
  if (status === 404) {
    return new ApelError('channel_gone', `channel ${id} is no longer on Asterisk node ${node} (${what}: ${said})`, {
      node,
      status,
    })
  }
  return new ApelError(
    'ari_refused',
    `Asterisk node ${node} refused ${what} for channel ${id} with status ${status}: ${said}`,
    { node, status, said },
    status === 503,
  )
}

/** The node's own words in an answer. */
export function saidBy(body: unknown): string {
  const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}
  const words = fields.message ?? fields.error ?? (typeof body === 'string' ? body.slice(0, 200) : null)
  return typeof words === 'string' && words !== '' ? words : 'no reason given'
}
