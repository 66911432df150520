/** `apel explain NUMBER`: why it is not being dialled, when it will be, and what has been tried. */
import { seg } from './client.ts'
import { clientOf, print, type Register, remote, withJson } from './command.ts'
import { facts, table, when } from './show-text.ts'

type Rows = Record<string, unknown>[]

export const explain: Register = (program, io) => {
  withJson(
    remote(
      program.command('explain <number>').description('why a number is not being dialled, and when it is next due'),
    ),
  )
    .option('--campaign <name>', 'only as a contact of this campaign')
    .action(async (number: string, options) => {
      const narrowed = options.campaign === undefined ? '' : `?campaign=${seg(options.campaign)}`
      const { body } = await clientOf(options, io).get(`/v1/explain/${seg(number)}${narrowed}`)
      await print(io, options.json, body, screen)
    })
}

function screen(found: Record<string, unknown> & { contacts: Rows; rules: Rows; attempts: Rows }): string {
  const holds = found.rules.filter(({ verdict }) => verdict !== 'pass')
  const first = holds.find(({ rule }) => rule === found.held_by)
  return [
    facts({
      number: found.number,
      'dialled now': found.now ? 'yes' : 'no',
      'held by': first === undefined ? null : `${first.rule}: ${first.reason}`,
      'next at': when(found.next_at),
    }),
    table(found.rules, {
      rule: ({ rule }) => rule,
      verdict: ({ verdict }) => verdict,
      until: ({ until }) => when(until),
      reason: ({ reason }) => reason,
    }),
    section('Contacts', found.contacts, {
      campaign: ({ campaign }) => campaign,
      key: ({ key }) => key,
      state: ({ state }) => state,
      'held by': ({ held_by }) => held_by,
      'next at': ({ next_at }) => when(next_at),
    }),
    section('Attempts', found.attempts, {
      id: ({ id }) => id,
      campaign: ({ campaign }) => campaign,
      kind: ({ kind }) => kind,
      at: (one) => when(one.dialed_at ?? one.queued_at),
      trunk: ({ trunk }) => trunk,
      disposition: ({ disposition }) => disposition,
    }),
  ].join('\n\n')
}

function section(title: string, rows: Rows, columns: Parameters<typeof table>[1]): string {
  return `${title}\n${table(rows, columns)}`
}
