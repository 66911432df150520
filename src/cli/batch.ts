/**
 * `apel batch NAME --run-id ID`, for the system's cron: applies the campaign, imports its contacts, starts it, and waits. The id
 * is kept by the service: the same id again starts nothing, waits for the same end and gives the same exit code, so that a
 * cron that fires twice, or a wrapper that tries again, dials nobody twice.
 */
import { Option } from 'commander'
import { put, readCampaign } from './campaign/apply.ts'
import { act } from './campaign/control.ts'
import { contactsFile, sendContacts } from './campaign/import.ts'
import { type Client, seg } from './client.ts'
import { clientOf, milliseconds, type Register, remote, withJson } from './command.ts'
import { Exit, type Io, json } from './io.ts'
import { tally } from './show-text.ts'

const PAUSE = 1000

type Until = 'first-pass' | 'finished'

interface Campaign {
  state: string
  counts: Record<string, number>
  /** Contacts that have had no attempt and are not done. */
  untried: number
  attempts: number
  dispositions: Record<string, number>
}

export const batch: Register = (program, io) => {
  withJson(remote(program.command('batch <name>').description('for cron: apply, import, start, wait')))
    .requiredOption('--run-id <id>', 'names this run; the same id again starts nothing new')
    .addOption(
      new Option('--until <when>', 'first-pass: every contact is done, has a callback or has had an attempt')
        .choices(['first-pass', 'finished'])
        .default('first-pass'),
    )
    .option('--timeout <duration>', 'how long to wait, from the first start of this run', milliseconds, 4 * 3_600_000)
    .option('-c, --config <file>', 'configuration that names the folder of campaigns')
    .action(async (given: string, options) => {
      const client = clientOf(options, io)
      const name = given.replace(/^.*\/|\.ya?ml$/g, '')
      if (!/^[\x21-\x7e]{1,200}$/.test(options.runId)) throw new Exit(2, 'A run id is printable characters, no blanks.')
      const path = `/v1/campaigns/${seg(name)}/runs/${seg(options.runId)}`
      const { body: run } = await client.send('PUT', path)
      if (run.exit !== null) {
        io.err(`The run ${options.runId} has ended before, with ${run.exit}.\n`)
        throw new Exit(run.exit)
      }
      if (run.started_at === null) {
        await begin(client, given, name, options, io)
        await client.send('PATCH', path, { started: true })
      } else io.err(`The run ${options.runId} is on already; waiting for it.\n`)
      const { exit, campaign } = await wait(client, name, options.until, Date.parse(run.at) + options.timeout)
      await client.send('PATCH', path, { exit })
      await io.out(options.json ? json(campaign) : `${summary(name, campaign)}\n`)
      if (exit !== 0) throw new Exit(1, `${name} is not there yet (${options.until}).`)
    })
}

async function begin(client: Client, given: string, name: string, options: { config?: string }, io: Io): Promise<void> {
  const local = await readCampaign(given, options.config, io)
  await put(client, local)
  const columns = local.definition.contacts as { file?: unknown } | undefined
  if (columns?.file) await sendContacts(client, name, await contactsFile(given, undefined, options.config, io), {}, io)
  await act(client, name, 'start')
}

/** Polls rather than listens: a service that restarts in between costs one answer, not the run. */
async function wait(
  client: Client,
  name: string,
  until: Until,
  deadline: number,
): Promise<{ exit: 0 | 1; campaign: Campaign }> {
  for (;;) {
    let campaign: Campaign | null = null
    try {
      campaign = (await client.get(`/v1/campaigns/${seg(name)}`)).body as Campaign
      const reached = campaign.state === 'finished' || (until === 'first-pass' && firstPass(campaign))
      if (reached) return { exit: 0, campaign }
      if (campaign.state === 'stopped') return { exit: 1, campaign }
    } catch (error) {
      const passing = error instanceof Exit && error.again
      if (!passing || Date.now() >= deadline) throw error
    }
    if (campaign && Date.now() >= deadline) return { exit: 1, campaign }
    await new Promise((resolve) => setTimeout(resolve, Math.min(PAUSE, Math.max(1, deadline - Date.now()))))
  }
}

/** Those that are held have had no attempt, and are waited for. */
function firstPass({ counts, untried }: Campaign): boolean {
  return untried === 0 && (counts.dialing ?? 0) === 0
}

function summary(name: string, { state, counts, attempts, dispositions }: Campaign): string {
  const { contacts, ...states } = counts
  return `${name} is ${state}: ${contacts} contacts (${tally(states)}), ${attempts} attempts (${tally(dispositions)}).`
}
