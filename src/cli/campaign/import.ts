/** `apel campaign import NAME [FILE]`: sends the contacts, shows how far it is, and keeps what was refused as CSV. */
import { createReadStream, createWriteStream, statSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { csvLine } from '../../api/csv.ts'
import { type Client, seg } from '../client.ts'
import { clientOf, print, type Register, remote, withJson } from '../command.ts'
import { Exit, type Io } from '../io.ts'
import { watched } from '../progress.ts'
import { campaignFile, readText } from '../project.ts'
import { count } from '../show-text.ts'

export interface Report {
  accepted: number
  updated: number
  duplicate: number
  rejected: number
  rejects: { row: number; column: string | null; reason: string }[]
  rejects_url: string | null
}

export interface ImportOptions {
  dryRun?: boolean
  /** Where the rejects go; default `NAME.rejects.csv` here. */
  rejects?: string
  config?: string
}

/** The file that the campaign names, when the user names none. */
export async function contactsFile(
  name: string,
  file: string | undefined,
  config: string | undefined,
  io: Io,
): Promise<string> {
  if (file !== undefined) return resolve(io.cwd, file)
  const path = campaignFile(name, config, io)
  const { loadCampaign } = await import('../../dialer/campaign.ts')
  const named = loadCampaign(path, readText(path)).campaign?.contacts.file
  if (!named) throw new Exit(2, `${path} names no file of contacts; write \`apel campaign import ${name} FILE\`.`)
  return resolve(dirname(path), named)
}

/** Uploads `file`; prints the sums for people and writes the rejects beside. */
export async function sendContacts(
  client: Client,
  name: string,
  file: string,
  options: ImportOptions,
  io: Io,
): Promise<Report> {
  const stat = statSync(file, { throwIfNoEntry: false })
  if (!stat?.isFile()) throw new Exit(2, `${file} is not a file.`)
  const type = /\.(ndjson|jsonl)$/i.test(file) ? 'application/x-ndjson' : 'text/csv'
  const path = `/v1/campaigns/${seg(name)}/contacts${options.dryRun ? '?dry_run=true' : ''}`
  const progress = watched(stat.size, type === 'text/csv', io)
  let report: Report
  try {
    report = (await client.upload(path, type, createReadStream(file).pipe(progress.stream))).body
  } finally {
    progress.stop()
  }
  if (report.rejected > 0) {
    const target = resolve(io.cwd, options.rejects ?? `${name}.rejects.csv`)
    if (report.rejects_url !== null) await pipeline(client.stream(report.rejects_url), createWriteStream(target))
    else {
      const lines = report.rejects.map(({ row, column, reason }) => csvLine([row, column, reason]))
      writeFileSync(target, [csvLine(['row', 'column', 'reason']), ...lines].join(''))
    }
    io.err(`${count(report.rejected, 'row')} rejected; ${target} says which and why.\n`)
  }
  return report
}

export const importContacts: Register = (group, io) => {
  withJson(remote(group.command('import <name> [file]').description('import contacts from CSV or NDJSON')))
    .option('--dry-run', 'only say what would be accepted')
    .option('--rejects <file>', 'where the rejected rows are written (default NAME.rejects.csv)')
    .option('-c, --config <file>', 'configuration that names the folder of campaigns')
    .action(async (name: string, given: string | undefined, options) => {
      const file = await contactsFile(name, given, options.config, io)
      const campaign = name.replace(/^.*\/|\.ya?ml$/g, '')
      const report = await sendContacts(clientOf(options, io), campaign, file, options, io)
      await print(io, options.json, report, ({ accepted, updated, duplicate, rejected }) => {
        const sums = `${accepted} accepted, ${updated} updated, ${duplicate} duplicate, ${rejected} rejected`
        return options.dryRun ? `${sums} (dry run: nothing was kept)` : sums
      })
    })
}
