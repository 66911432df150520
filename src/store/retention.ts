/** What is forgotten, and how: old records step by step, and everything that is kept of one number. */
import type { Db } from './db.ts'
import { keys } from './keys.ts'
import { forgetCallbacksScript, forgetOldScript, forgetScript, forgetVarsScript } from './scripts/forget.ts'

/** Records that one step takes: a script holds everybody else up while it runs. */
export const A_STEP = 100

export class Retention {
  private readonly db: Db
  constructor(db: Db) {
    this.db = db
  }

  /** At most a step of the attempts that ended before `before` (ms); how many went. Fewer than a step: there are no more. */
  async records(before: number): Promise<number> {
    return await this.db.run<number>(forgetOldScript, { before: before + this.db.skew, most: A_STEP })
  }

  /** The same for the variables of records that stay. */
  async vars(before: number): Promise<number> {
    return await this.db.run<number>(forgetVarsScript, { before: before + this.db.skew, most: A_STEP })
  }

  /** At most a step of the callbacks made before `before`, past `skip` that are still open. */
  async callbacks(before: number, skip: number): Promise<{ seen: number; gone: number }> {
    return await this.db.run(forgetCallbacksScript, { before, skip, most: A_STEP })
  }

  /** These attempts and callbacks, whatever their age; how many are on, and stay. */
  async forget({ attempts = [], callbacks = [] }: { attempts?: string[]; callbacks?: string[] }): Promise<number> {
    return await this.db.run<number>(forgetScript, { attempts, callbacks })
  }

  /** A number in the runs that the breakers of these trunks count. */
  async forgetRuns(number: string, trunks: readonly string[]): Promise<void> {
    await this.db.batch((pipeline) => {
      for (const trunk of trunks) pipeline.hdel(keys.trunk(trunk, 'run'), number)
    })
  }
}
