/** `apel campaign results NAME`: one record an attempt, as they ended, to the standard output or a file. */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { resolve } from 'node:path'
import { Option } from 'commander'
import { seg } from '../client.ts'
import { clientOf, type Register, remote } from '../command.ts'

export const results: Register = (group, io) => {
  remote(group.command('results <name>').description('one record an attempt that has ended'))
    .addOption(new Option('--format <format>', 'ndjson or csv').choices(['ndjson', 'csv']).default('ndjson'))
    .option('--json', 'the same as --format ndjson')
    .option('--after <id>', 'only what ended after this attempt')
    .option('-o, --output <file>', 'write into a file')
    .action(async (name, options) => {
      const after = options.after === undefined ? '' : `&after=${seg(options.after)}`
      const path = `/v1/campaigns/${seg(name)}/results?format=${options.format}${after}`
      const pieces = clientOf(options, io).stream(path)
      if (options.output === undefined) {
        for await (const piece of pieces) await io.out(piece)
        return
      }
      const file = createWriteStream(resolve(io.cwd, options.output))
      for await (const piece of pieces) if (!file.write(piece)) await once(file, 'drain')
      file.end()
      await once(file, 'finish')
    })
}
