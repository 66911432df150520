/** `apel graph FLOW`: the flow as a picture; with `--counts`, how many conversations of a campaign went where. */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Option } from 'commander'
import { seg } from './client.ts'
import { clientOf, type Register, remote } from './command.ts'

export const graph: Register = (program, io) => {
  remote(program.command('graph <flow>').description('a flow as a picture; FLOW is a name or a file'))
    .addOption(new Option('--format <format>', 'how').choices(['mermaid', 'dot', 'svg']).default('mermaid'))
    .option('--counts <campaign>', 'with how many conversations of this campaign went where')
    .option('-o, --output <file>', 'write into a file')
    .option('-c, --config <file>', 'configuration that names the folder of flows')
    .action(async (name: string, options) => {
      const { drawn } = await import('./graph/picture.ts')
      const { loadOne } = await import('./one-flow.ts')
      const flow = await loadOne(name, options.config, io, 'drawn')
      const counts =
        options.counts === undefined
          ? undefined
          : (await clientOf(options, io).get(`/v1/campaigns/${seg(options.counts)}/steps`)).body
      const picture = await drawn(flow, options.format, counts)
      if (options.output === undefined) await io.out(picture)
      else writeFileSync(resolve(io.cwd, options.output), picture)
    })
}
