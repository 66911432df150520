/** `apel calls`: those that are on, once or as a live table; with `--all` also those that were. */
import { Option } from 'commander'
import { type Client, seg } from './client.ts'
import { clientOf, print, type Register, remote, wholeNumber, withJson } from './command.ts'
import type { Io } from './io.ts'
import { table, when } from './show-text.ts'

const kinds = ['first', 'retry', 'callback', 'manual', 'inbound']

export const calls: Register = (program, io) => {
  withJson(remote(program.command('calls').description('the calls that are on')))
    .option('--watch', 'a live table; with --json or into a file, one line an event')
    .option('--all', 'also those that have ended, the latest first')
    .option('--campaign <name>', 'only of this campaign')
    .addOption(new Option('--kind <kind>', 'only of this kind').choices(kinds))
    .option('--limit <count>', 'at most so many', wholeNumber, 100)
    .action(async (options) => {
      const client = clientOf(options, io)
      const filters = [
        options.all ? '' : 'state=live',
        options.campaign ? `campaign=${seg(options.campaign)}` : '',
        options.kind ? `kind=${options.kind}` : '',
      ].filter((filter) => filter !== '')
      const list = () => client.all(`/v1/calls${filters.length > 0 ? `?${filters.join('&')}` : ''}`, options.limit)
      if (!options.watch) return print(io, options.json, await list(), screen)
      if (options.json || !io.terminal) return follow(client, options.campaign, options.json, io)
      for (;;) {
        const shown = screen(await list())
        await io.out(`\x1b[2J\x1b[H${shown}\n`)
        await new Promise((resolve) => setTimeout(resolve, 1000))
      }
    })
}

async function follow(client: Client, campaign: string | undefined, json: boolean, io: Io): Promise<void> {
  const only = campaign === undefined ? '' : `&campaign=${seg(campaign)}`
  const path = `/v1/events?types=call.started,call.step,call.ended${only}`
  for await (const { event, data } of client.events(path, () => io.err('Watching; Ctrl-C ends.\n'))) {
    const { id, step, event: what, number, disposition } = data as Record<string, string | null>
    const line = [event, id, number, step, what, disposition].filter((part) => part).join(' ')
    await io.out(json ? `${JSON.stringify({ event, data })}\n` : `${line}\n`)
  }
}

function screen(records: Record<string, unknown>[]): string {
  return table(records, {
    id: (call) => call.id,
    kind: (call) => call.kind,
    number: (call) => call.number,
    campaign: (call) => call.campaign,
    flow: (call) => call.flow,
    state: (call) => (call.state === 'ended' ? call.disposition : call.state),
    step: (call) => call.last_step ?? (call.steps as { step: string }[]).at(-1)?.step,
    since: (call) => when(call.answered_at ?? call.dialed_at ?? call.queued_at),
  })
}
