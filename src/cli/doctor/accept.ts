/**
 * `--accept-empty-ledger`: an operator's word that Redis came back empty, or is another one, and is to be used from now on.
 * The data folder forgets the ledger that it knew; the next start takes the one that it finds. What was called already is
 * then forgotten, too, which is why nobody but a person may say it.
 */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../config.ts'
import type { Io } from '../io.ts'

export const ledgerFile = (config: Config): string => join(config.data_dir, 'ledger-id')

export async function acceptLedger(config: Config, io: Io): Promise<void> {
  const file = ledgerFile(config)
  if (!existsSync(file)) {
    await io.out(`${config.data_dir} knows no ledger; the next start takes the one that it finds.\n`)
    return
  }
  rmSync(file)
  await io.out(
    'The ledger that Redis holds at the next start is accepted. If the service is running, start it again.\n',
  )
}
