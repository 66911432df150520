/** The campaigns as they are now, read once from the ledger and again when the bell says that one has changed. */
import type { Log } from '../log.ts'
import type { Store } from '../store/store.ts'
import { type Campaign, callbacksCampaign, parseCampaign } from './campaign.ts'

/** Callbacks of calls without a campaign of their own belong to this one. */
export const CALLBACKS = 'callbacks'

export class Definitions {
  private readonly store: Store
  private readonly log: Log
  /** Promises, so that a read which was under way when its answer was forgotten does not come back. */
  private readonly known = new Map<string, Promise<Campaign | null>>()

  constructor(store: Store, log: Log) {
    this.store = store
    this.log = log
  }

  /** Null when there is none of that name, or none that this version understands. */
  async get(name: string): Promise<Campaign | null> {
    const found = this.known.get(name)
    if (found !== undefined) return await found
    const reading = name === CALLBACKS ? Promise.resolve(callbacksCampaign()) : this.read(name)
    this.known.set(name, reading)
    try {
      return await reading
    } catch (error) {
      if (this.known.get(name) === reading) this.known.delete(name)
      throw error
    }
  }

  /** To be called by whoever writes one, so that it reads its own words; other instances hear the bell. */
  forget(name: string): void {
    this.known.delete(name)
  }

  private async read(name: string): Promise<Campaign | null> {
    const kept = await this.store.campaigns.definition(name)
    if (kept === null) return null
    const parsed = parseCampaign(name, kept.definition)
    if ('campaign' in parsed) return { ...parsed.campaign, revision: kept.revision }
    this.log.error(
      { campaign: name, faults: parsed.faults },
      'the campaign in the ledger cannot be read; it does not dial',
    )
    return null
  }
}
