/**
 * Answers kept under an `Idempotency-Key` for 24 hours, so that a request that is sent again does nothing again.
 *
 * A first request that never got its answer (its process died, or it was told "again") is performed again, and is then given
 * the same id for what it makes: whatever it had made before is found under that id, and not made a second time.
 */
import { type Db, script } from './db.ts'
import { keys } from './keys.ts'

/** `answer` null: the first request is still under way. */
export interface KeptAnswer {
  fingerprint: string
  answer: { status: number; body: string; type: string } | null
}

/** The key is ours, and so is the `id`; or what is kept under it. */
export type Claim = { id: string } | { kept: KeptAnswer }

const DAY = 86_400_000

/**
 * { key, fingerprint, id, patience, day } → { id } or { kept: as it stands there }. By Redis' clock. `day` is how long all is
 * kept, `patience` how long the first request may be under way, both in ms.
 */
const claimScript = script(
  'claim-key',
  /* lua */ `local a = cjson.decode(ARGV[1])
local text = redis.call('GET', a.key)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local id = a.id
if text then
  local kept = cjson.decode(text)
  local dead = kept.answer == cjson.null and kept.fingerprint == a.fingerprint and kept.id and now >= kept.until_at
  if not dead then return cjson.encode({ kept = text }) end
  id = kept.id
end
local ours = { fingerprint = a.fingerprint, answer = cjson.null, id = id, until_at = now + a.patience }
redis.call('SET', a.key, cjson.encode(ours), 'PX', string.format('%.0f', a.day))
return cjson.encode({ id = id })`,
)

export class Idempotency {
  private readonly db: Db
  constructor(db: Db) {
    this.db = db
  }

  /** Takes the key, at once and only once, for `patience` ms; after that another request with this fingerprint has it, and the first one's `id`. */
  async claim(key: string, fingerprint: string, id: string, patience: number): Promise<Claim> {
    const input = { key: keys.idempotency(key), fingerprint, id, patience, day: DAY }
    const found = await this.db.run<{ id: string } | { kept: string }>(claimScript, input)
    return 'id' in found ? found : { kept: JSON.parse(found.kept) as KeptAnswer }
  }

  async keep(key: string, kept: KeptAnswer): Promise<void> {
    await this.set(key, kept)
  }

  /** Nothing came of it yet: the next one may try at once. */
  async release(key: string, fingerprint: string, id: string): Promise<void> {
    await this.set(key, { fingerprint, answer: null, id, until_at: 0 })
  }

  private async set(key: string, value: KeptAnswer & { id?: string; until_at?: number }): Promise<void> {
    await this.db.call((redis) => redis.set(keys.idempotency(key), JSON.stringify(value), 'PX', DAY))
  }
}
