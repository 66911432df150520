/** `apel dnc add|remove|import|list`: the numbers that are never dialled. */
import { createReadStream, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { seg } from './client.ts'
import { clientOf, print, type Register, remote, wholeNumber, withJson } from './command.ts'
import { Exit } from './io.ts'
import { table, when } from './show-text.ts'

export const dnc: Register = (program, io) => {
  const group = program.command('dnc').description('the do-not-call list, of the service or of one campaign')
  const query = (options: { campaign?: string }): string =>
    options.campaign === undefined ? '' : `?campaign=${seg(options.campaign)}`

  withJson(remote(group.command('add <number>').description('a number, or a prefix such as +4072*')))
    .option('--campaign <name>', 'for this campaign alone')
    .option('--reason <text>', 'why')
    .action(async (number, options) => {
      const { campaign = null, reason = null } = options
      const { body, status } = await clientOf(options, io).send('POST', '/v1/dnc', { number, campaign, reason })
      await print(
        io,
        options.json,
        body,
        (entry) => `${entry.number} is ${status === 201 ? 'now' : 'already'} on the list.`,
      )
    })

  remote(group.command('remove <number>').description('take a number off the list'))
    .option('--campaign <name>', 'of this campaign')
    .action(async (number, options) => {
      await clientOf(options, io).send('DELETE', `/v1/dnc/${seg(number)}${query(options)}`)
      await io.out(`${number} is off the list.\n`)
    })

  withJson(remote(group.command('import <file>').description('CSV with a column number, perhaps campaign and reason')))
    .option('--campaign <name>', 'for this campaign alone')
    .action(async (name, options) => {
      const file = resolve(io.cwd, name)
      if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new Exit(2, `${file} is not a file.`)
      const client = clientOf(options, io)
      const { body } = await client.upload(`/v1/dnc${query(options)}`, 'text/csv', createReadStream(file))
      await print(io, options.json, body, (report) =>
        [
          `${report.accepted} added, ${report.duplicate + report.updated} known, ${report.rejected} rejected.`,
          ...report.rejects.map((reject: { row: number; reason: string }) => `  row ${reject.row}: ${reject.reason}`),
        ].join('\n'),
      )
    })

  withJson(remote(group.command('list').description('who is on it')))
    .option('--campaign <name>', 'of this campaign')
    .option('--limit <count>', 'at most so many', wholeNumber, 1000)
    .action(async (options) => {
      const entries = await clientOf(options, io).all(`/v1/dnc${query(options)}`, options.limit)
      await print(io, options.json, entries, (items) =>
        table(items, {
          number: (entry) => entry.number,
          campaign: (entry) => entry.campaign,
          reason: (entry) => entry.reason,
          since: (entry) => when(entry.at),
        }),
      )
    })
}
