/** What the parts of this room know of the node that they work on. */
import type { Clock } from '../call/ports.ts'
import type { Log } from '../log.ts'
import type { AriLink } from './link.ts'

export interface Node {
  readonly name: string
  /** Our Stasis application. */
  readonly app: string
  readonly clock: Clock
  readonly log: Log
  /** Over the link that is open now; rejects with `node_down` while there is none. */
  request: AriLink['request']
  /** Null: the channels in our application are ours. Else as `doubt` of `CallPorts`. */
  doubt(): Promise<void> | null
}
