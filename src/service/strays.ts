/**
 * Callers who came to a process that died before it had written their call down (the ledger was away, or a moment was
 * enough): the ledger knows nothing of them, so nobody takes them over. Their channel stays in the dead one's application,
 * and they hear it ring. So every few seconds the applications on each node are looked at; a caller in one whose
 * process is gone, and of whom the ledger knows nothing, is moved into ours, where it is a call like any other.
 */
import type { Clock } from '../call/ports.ts'
import type { Log } from '../log.ts'
import { exclusively } from '../store/exclusively.ts'
import { abandoned, type Owner } from '../store/instance.ts'
import type { Store } from '../store/store.ts'
import type { ServiceNode } from './nodes.ts'

export interface StraysParts {
  store: Store
  nodes: ServiceNode[]
  owner: Owner
  /** Whether a lease that is gone says that its instance is. */
  sighted(): Promise<boolean>
  clock: Clock
  log: Log
}

/** ms between two looks. A lease that is gone twice in a row is gone. */
const LOOK = 4_000

/** Looks after them from now on; gives the way to stop. */
export function lookForStrays(parts: StraysParts): () => void {
  const { nodes, clock, log } = parts
  const gone = new Set<string>()
  let timer: unknown = null
  let stopped = false

  async function look(node: ServiceNode): Promise<void> {
    if (!node.telephony.ready()) return
    const apps = (await node.telephony.applications()).filter((app) => app !== parts.owner.app)
    const dead = apps.length > 0 ? await abandoned(parts.store.db, apps) : []
    const twice = dead.filter((app) => gone.has(app))
    for (const app of dead) gone.add(app)
    for (const app of apps) if (!dead.includes(app)) gone.delete(app)
    if (twice.length > 0) await takeIn(node, new Set(twice), parts)
  }

  const again = (): void => {
    timer = clock.setTimeout(async () => {
      try {
        if (await parts.sighted()) for (const node of nodes) await look(node)
        else gone.clear()
      } catch (error) {
        log.debug({ err: error }, 'callers of a process that is gone cannot be looked for now')
      }
      if (!stopped) again()
    }, LOOK)
  }
  again()
  return () => {
    stopped = true
    clock.clearTimeout(timer)
  }
}

/** Of two instances that look at once the second finds nobody left. */
async function takeIn({ name, telephony }: ServiceNode, dead: Set<string>, parts: StraysParts): Promise<void> {
  const { store, clock, log } = parts
  await exclusively(store.db, `strays ${name}`, clock, async () => {
    for (const { id, app, args } of await telephony.channels()) {
      if (!dead.has(app) || args[0] !== 'inbound' || (await store.attempts.get(id)) !== null) continue
      log.warn(
        { node: name, call: id, app },
        'a caller whose process died before the call was written down is taken in',
      )
      await telephony.moveHere(id, args)
    }
  })
}
