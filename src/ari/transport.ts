/** Which way a node is reached. */
import { openAriClientLink } from './ari-client-link.ts'
import type { OpenLink } from './link.ts'

export type Transport = 'auto' | 'ari-client' | 'websocket'

/** The opener for a transport as the configuration names it. */
export function openerFor(_transport: Transport): OpenLink {
  return openAriClientLink
}
