/** Redis holds the ledger: is it there, new enough, writable, and does it forget nothing? */
import { existsSync, readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import type { Config } from '../../config.ts'
import { missingParts } from '../../embedded/tools.ts'
import { checkServer } from '../../store/connect.ts'
import { Db } from '../../store/db.ts'
import { openLedger as openGeneration } from '../../store/generation.ts'
import { ledgerFile } from './accept.ts'
import { type Examination, type Finding, fail, ok, reason, warn } from './finding.ts'
import { openLedger } from './ledger.ts'

const SLOW = 20

/** Is it the ledger that the data folder knows? */
async function* generation(config: Config, client: Redis): AsyncIterable<Finding> {
  const file = ledgerFile(config)
  if (!existsSync(file)) return
  const { state } = await openGeneration(new Db(client, Date.now), readFileSync(file, 'utf8').trim())
  if (state !== 'foreign') return
  yield fail(
    'ledger',
    `Redis does not hold the ledger that ${config.data_dir} knows: it is empty or another one`,
    'Bring the right Redis back, or accept this one with `apel doctor --accept-empty-ledger`.',
  )
}

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
    yield* generation(config, client)
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
