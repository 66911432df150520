/** The campaign files of the folder, put into the ledger at start and at a reload. A file with a fault is left out. */
import { join } from 'node:path'
import { type Known, loadCampaign } from '../dialer/campaign.ts'
import type { Dialer } from '../dialer/dialer.ts'
import type { Problem } from '../errors.ts'
import { yamlTexts } from './yaml-files.ts'

/** Gives how many were put in place, and every fault. */
export async function loadCampaignFiles(
  folder: string,
  dialer: Dialer,
  known: Known,
): Promise<{ campaigns: number; problems: Problem[] }> {
  const problems: Problem[] = []
  let campaigns = 0
  for (const { path, text } of await yamlTexts(join(folder, 'campaigns'), problems)) {
    const loaded = loadCampaign(path, text, known)
    problems.push(...loaded.problems)
    if (loaded.campaign === null) continue
    await dialer.campaigns.put(loaded.campaign.name, loaded.definition)
    campaigns += 1
  }
  return { campaigns, problems }
}
