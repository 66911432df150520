/** Redis holds the ledger: is it there, new enough, writable, and does it forget nothing? */
import { missingParts } from '../../embedded/tools.ts'
import { checkServer } from '../../store/connect.ts'
import { type Examination, fail, ok, reason, warn } from './finding.ts'
import { openLedger } from './ledger.ts'

const SLOW = 20

export const redis: Examination = async function* ({ config }) {
  const what = 'redis'
  const embedded = config.redis.kind === 'embedded'
  if (embedded && missingParts(['redis'], config.cache_dir).length > 0) {
    yield fail(what, 'the embedded server is not set up', 'Run `make setup`; `apel serve` does it by itself, too.')
    return
  }
  const client = await openLedger(config)
  if (client === null) {
    yield ok(what, 'embedded, set up, not running now')
    return
  }
  if (typeof client === 'string') {
    yield fail(what, `it cannot be reached (${client})`, 'Check `redis` in apel.yaml, and that the server runs.')
    return
  }
  try {
    const key = `apel:doctor:${process.pid}`
    const begun = performance.now()
    await client.set(key, '1', 'PX', 1000)
    await client.del(key)
    const took = (performance.now() - begun) / 2
    const version = /^redis_version:(.*)$/m.exec(await client.info('server'))?.[1]?.trim() ?? 'unknown'
    const text = `${version}, writable, ${took.toFixed(1)} ms a command`
    if (took > SLOW) yield warn(what, text, 'Every call waits for it: move it nearer, or look what keeps it busy.')
    else yield ok(what, text)
    for (const { code, message } of await checkServer(client)) {
      const serious = code === 'too_old' || !config.redis.allow_unsafe
      yield serious
        ? fail(what, message, 'The service refuses to start on it.')
        : warn(what, message, 'You allowed it.')
    }
  } catch (error) {
    yield fail(what, `it cannot be written (${reason(error)})`, 'Look at its log: full, read-only, or a replica?')
  } finally {
    client.disconnect()
  }
}
