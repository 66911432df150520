/**
 * The journals of calls, and the texts of the flows that they were held by. A text is kept once, under its digest, and a
 * shelf of texts is the list of its paths and digests, so that reading an unchanged folder again costs nothing. All of it
 * expires by itself; the texts that are in use are kept anew from time to time and so outlive every journal that names them.
 */
import { createHash } from 'node:crypto'
import type { StepTrace } from '../call/record.ts'
import { type Db, script } from './db.ts'
import { keys } from './keys.ts'

export interface KeptText {
  /** Relative to the folder of flows. */
  path: string
  text: string
}

/**
 * ARGV: the call's key, its journal's, who writes, the entry, how long to keep the journal, the key of its steps, the steps that
 * were entered. 0: the call is another's. A call that is not there at all (another ledger, one that came back empty) is
 * nobody's, and its journal of no use.
 */
const addScript = script(
  'journal',
  `local owner = redis.call('HGET', ARGV[1], '_owner')
if not owner then return 1 end
if owner ~= ARGV[3] then return 0 end
-- Its answer was lost, so it comes again.
if redis.call('LINDEX', ARGV[2], -1) == ARGV[4] then return 1 end
redis.call('RPUSH', ARGV[2], ARGV[4])
if ARGV[5] ~= '' then redis.call('PEXPIRE', ARGV[2], ARGV[5]) end
if #ARGV > 6 then redis.call('RPUSH', ARGV[6], unpack(ARGV, 7)) end
return 1`,
)

/** ms that texts outlive the journals that name them. */
const SPARE = 86_400_000

export class Journals {
  private readonly db: Db
  constructor(db: Db) {
    this.db = db
  }

  /**
   * Adds an entry if `owner` still holds the call; false when it does not. `keep`: with a call's first entry, how long
   * the journal is kept, ms. `steps` are those of the call's record that its input has led through.
   */
  async add(id: string, owner: string, entry: unknown, keep: number | null, steps: StepTrace[] = []): Promise<boolean> {
    const args = [keys.attempt(id), keys.journal(id), owner, JSON.stringify(entry), keep ?? '', keys.steps(id)]
    for (const step of steps) args.push(JSON.stringify(step))
    return (await this.db.eval(addScript, args)) === 1
  }

  /** The entries in their order; none when there is no such journal, or none any more. */
  async read(id: string): Promise<unknown[]> {
    return (await this.db.call((redis) => redis.lrange(keys.journal(id), 0, -1))).map((text) => JSON.parse(text))
  }

  /** Keeps these texts for `keep` ms and longer than any journal that is begun until then. */
  async keepTexts(texts: readonly KeptText[], keep: number): Promise<void> {
    const ttl = keep + SPARE
    const list = texts.map(({ path, text }) => [path, digest(text)] as const)
    await this.db.batch((pipeline) => {
      for (const { text } of texts) pipeline.set(keys.text(digest(text)), text, 'PX', ttl)
      pipeline.set(keys.texts(nameOf(texts)), JSON.stringify(list), 'PX', ttl)
    })
  }

  /** The texts of that name, or null when they are gone. */
  async texts(name: string): Promise<KeptText[] | null> {
    const list = await this.db.call((redis) => redis.get(keys.texts(name)))
    if (list === null) return null
    const named = JSON.parse(list) as [string, string][]
    if (named.length === 0) return []
    const found = await this.db.call((redis) => redis.mget(named.map(([, sum]) => keys.text(sum))))
    if (found.some((text) => text === null)) return null
    return named.map(([path], index) => ({ path, text: found[index] ?? '' }))
  }
}

/** The name of a shelf of texts: the same texts have the same one anywhere. */
export function nameOf(texts: readonly KeptText[]): string {
  return digest(JSON.stringify(texts.map(({ path, text }) => [path, text])))
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
