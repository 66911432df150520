/** `apel campaign apply NAME`: gives the service the campaign of this name, as it stands in the project's files. */
import { type Client, seg } from '../client.ts'
import { clientOf, print, type Register, remote, withJson } from '../command.ts'
import { Exit, type Io } from '../io.ts'
import { problemLine } from '../problems.ts'
import { campaignFile, readText } from '../project.ts'

export interface LocalCampaign {
  name: string
  file: string
  definition: Record<string, unknown>
}

/** Reads and checks the file; faults are printed with their places and end the command. */
export async function readCampaign(name: string, config: string | undefined, io: Io): Promise<LocalCampaign> {
  const { loadCampaign } = await import('../../dialer/campaign.ts')
  const file = campaignFile(name, config, io)
  const { campaign, definition, problems } = loadCampaign(file, readText(file))
  for (const problem of problems) io.err(`${problemLine(problem, io.cwd)}\n`)
  if (campaign === null) throw new Exit(1, 'The campaign has errors; it was not applied.')
  return { name: campaign.name, file, definition }
}

export const put = async (client: Client, { name, definition }: LocalCampaign) =>
  client.send('PUT', `/v1/campaigns/${seg(name)}`, definition)

export const apply: Register = (group, io) => {
  withJson(remote(group.command('apply <name>').description('make or change a campaign from its file')))
    .option('-c, --config <file>', 'configuration that names the folder of campaigns')
    .action(async (name, options) => {
      const local = await readCampaign(name, options.config, io)
      const { status, body } = await put(clientOf(options, io), local)
      await print(io, options.json, body, (campaign) =>
        status === 201 ? `${local.name} is made; it is ${campaign.state}.` : `${local.name} is as its file says.`,
      )
    })
}
