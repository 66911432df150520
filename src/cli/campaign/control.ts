/** `apel campaign start|pause|resume|stop|drain NAME`. */
import type { Client } from '../client.ts'
import { seg } from '../client.ts'
import { clientOf, print, type Register, remote, withJson } from '../command.ts'

const actions = {
  start: 'begin to dial',
  pause: 'no new call; those that are on go to their end',
  resume: 'go on after a pause',
  drain: 'no new call; stopped when the last one has ended',
}

export const act = async (client: Client, name: string, action: string, body?: unknown) =>
  (await client.send('POST', `/v1/campaigns/${seg(name)}/${action}`, body)).body

export const control: Register = (group, io) => {
  for (const [action, description] of Object.entries(actions))
    withJson(remote(group.command(`${action} <name>`).description(description))).action(async (name, options) => {
      const campaign = await act(clientOf(options, io), name, action)
      await print(io, options.json, campaign, () => `${name} is ${campaign.state}.`)
    })

  withJson(remote(group.command('stop <name>').description('no new call, and an end to those that ring')))
    .option('--now', 'also end those that talk')
    .action(async (name, options) => {
      const campaign = await act(clientOf(options, io), name, 'stop', { now: options.now ?? false })
      await print(io, options.json, campaign, () => `${name} is ${campaign.state}.`)
    })
}
