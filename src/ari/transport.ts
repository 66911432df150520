/**
 * Which way a node is reached. `auto` takes REST over the websocket where the node speaks it, else `ari-client`, and
 * stays with what it found: an old node costs two seconds once, not at every reconnection.
 */
import { ApelError } from '../errors.ts'
import type { OpenLink } from './link.ts'
import { openWebsocketLink } from './websocket-link.ts'

export type Transport = 'auto' | 'ari-client' | 'websocket'

/** The opener for a transport as the configuration names it; one for each node. */
export function openerFor(transport: Transport): OpenLink {
  switch (transport) {
    case 'ari-client':
      return openOld
    case 'websocket':
      return openWebsocketLink
    case 'auto':
      return auto()
    default: {
      const never: never = transport
      return never
    }
  }
}

/** Loaded only where it is needed: the package takes as much memory as a tenth of the service. */
const openOld: OpenLink = async (target, handlers) => {
  const { openAriClientLink } = await import('./ari-client-link.ts')
  return await openAriClientLink(target, handlers)
}

function auto(): OpenLink {
  let old = false
  return async (target, handlers) => {
    if (old) return await openOld(target, handlers)
    // A link that only tries must not tell of its end: that would count as the end of the one that follows.
    let tried = false
    try {
      const link = await openWebsocketLink(target, {
        ...handlers,
        closed: (reason) => tried && handlers.closed(reason),
      })
      tried = true
      return link
    } catch (error) {
      if (!(error instanceof ApelError) || error.code !== 'no_rest_over_websocket') throw error
      old = true
      return await openOld(target, handlers)
    }
  }
}
