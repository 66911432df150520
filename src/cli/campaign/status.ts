/** `apel campaign status [NAME]`: where a campaign stands; without a name, all of them. */
import { seg } from '../client.ts'
import { clientOf, print, type Register, remote, withJson } from '../command.ts'
import { facts, table, tally, when } from '../show-text.ts'

type Campaign = Record<string, unknown> & { counts: Record<string, number> }

export const status: Register = (group, io) => {
  withJson(remote(group.command('status [name]').description('where a campaign stands; without a name, all')))
    .option('--watch', 'again every second until it is finished or stopped')
    .action(async (name: string | undefined, options) => {
      const client = clientOf(options, io)
      if (name === undefined) {
        const all = (await client.all('/v1/campaigns')) as Campaign[]
        await print(io, options.json, all, (campaigns) =>
          table(campaigns, {
            name: (campaign) => campaign.name,
            state: (campaign) => campaign.state,
            contacts: (campaign) => (campaign as Campaign).counts.contacts,
            done: (campaign) => (campaign as Campaign).counts.done,
            attempts: (campaign) => campaign.attempts,
          }),
        )
        return
      }
      for (;;) {
        const { body } = await client.get(`/v1/campaigns/${seg(name)}`)
        if (options.watch && io.terminal) await io.out('\x1b[2J\x1b[H')
        await print(io, options.json, body as Campaign, screen)
        if (!options.watch || body.state === 'finished' || body.state === 'stopped') return
        await new Promise((resolve) => setTimeout(resolve, 1000))
      }
    })
}

function screen(campaign: Campaign): string {
  const { contacts, ...counts } = campaign.counts
  const schedule = campaign.schedule as Record<string, string | null> | null
  return facts({
    campaign: campaign.name,
    state: campaign.state,
    contacts,
    'of them': tally(counts),
    attempts: campaign.attempts,
    dispositions: tally(campaign.dispositions),
    outcomes: tally(campaign.outcomes),
    started: when(campaign.started_at),
    finished: when(campaign.finished_at),
    'next start': schedule && when(schedule.next_at),
    'last start': schedule?.last_at && `${when(schedule.last_at)} (${schedule.last_result})`,
  })
}
