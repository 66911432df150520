/** The campaign files of the folder, put into the ledger at start and at a reload. A file with a fault is left out. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Known, loadCampaign } from '../dialer/campaign.ts'
import type { Dialer } from '../dialer/dialer.ts'
import type { Problem } from '../errors.ts'

/** Gives how many were put in place, and every fault. */
export async function loadCampaignFiles(
  folder: string,
  dialer: Dialer,
  known: Known,
): Promise<{ campaigns: number; problems: Problem[] }> {
  const names = await readdir(join(folder, 'campaigns')).catch(() => [] as string[])
  const problems: Problem[] = []
  let campaigns = 0
  for (const name of names.filter((each) => /\.ya?ml$/.test(each)).sort()) {
    const path = join(folder, 'campaigns', name)
    const loaded = loadCampaign(path, await readFile(path, 'utf8'), known)
    problems.push(...loaded.problems)
    if (loaded.campaign === null) continue
    await dialer.campaigns.put(loaded.campaign.name, loaded.definition)
    campaigns += 1
  }
  return { campaigns, problems }
}
