/** `apel campaign forecast NAME`: when it ends, how many calls an hour, and who is never reached and why. */
import { InvalidArgumentError } from 'commander'
import { seg } from '../client.ts'
import { clientOf, laterTime, milliseconds, print, type Register, remote, wholeNumber, withJson } from '../command.ts'
import { count, facts, table, tally, when } from '../show-text.ts'

type Hour = { at: string; calls: number; answered: number }

interface Forecast extends Record<string, unknown> {
  assumed: { rates: Record<string, number>; talk_seconds: number; ring_seconds: number; learned_from: number }
  contacts: Record<string, number>
  never: { rule: string; reason: string; contacts: number; keys: string[] }[]
  hours: Hour[]
}

const BAR = 40
/** Rows of the picture; a longer campaign is shown by days. */
const MOST = 48

export const forecast: Register = (group, io) => {
  withJson(
    remote(
      group.command('forecast <name>').description('when it ends, calls an hour, and who is never reached and why'),
    ),
  )
    .option('--answer <share>', 'share of attempts that are answered, such as 0.4', share)
    .option('--busy <share>', 'share that are busy', share)
    .option('--unanswered <share>', 'share that nobody answers', share)
    .option('--talk <duration>', 'mean length of a talk, such as 45s', (text) => milliseconds(text) && text)
    .option('--from <time>', 'when it is started: RFC 3339, or a duration from now', laterTime)
    .option('--seed <number>', 'another draw of chance', wholeNumber)
    .action(async (name: string, { answer, busy, unanswered, talk, from, seed, ...options }) => {
      const asked = Object.entries({ answer, busy, no_answer: unanswered, talk, from, seed })
        .filter(([, value]) => value !== undefined)
        .map(([key, value]) => `${key}=${seg(String(value))}`)
      const query = asked.length === 0 ? '' : `?${asked.join('&')}`
      const { body } = await clientOf(options, io).get(`/v1/campaigns/${seg(name)}/forecast${query}`)
      await print(io, options.json, body as Forecast, screen)
    })
}

function share(text: string): number {
  const value = Number(text)
  if (!/^\d*\.?\d+$/.test(text) || value > 1) throw new InvalidArgumentError('write a share between 0 and 1.')
  return value
}

function screen(found: Forecast): string {
  const { rates, talk_seconds, ring_seconds, learned_from } = found.assumed
  const percent = Object.fromEntries(Object.entries(rates).map(([name, part]) => [name, Math.round(part * 1000) / 10]))
  const { total, ...contacts } = found.contacts
  return [
    facts({
      campaign: found.campaign,
      starts: when(found.from),
      ends:
        found.ends_at === null
          ? found.hours.length === 0
            ? 'nothing to call'
            : 'not within a year'
          : when(found.ends_at),
      calls: found.attempts,
      contacts: total,
      'of them': tally(contacts),
      dispositions: tally(found.dispositions),
      'assumed, %': `${tally(percent)} (${learned_from > 0 ? `learned from ${learned_from} attempts` : 'defaults'})`,
      'assumed, s': `${talk_seconds} of talk, ${ring_seconds} until an answer`,
    }),
    picture(found.hours),
    `Never called\n${table(found.never as unknown as Record<string, unknown>[], {
      rule: ({ rule }) => rule,
      contacts: ({ contacts }) => contacts,
      reason: ({ reason }) => reason,
      such: ({ keys }) => (keys as string[]).slice(0, 3).join(' '),
    })}`,
  ].join('\n\n')
}

/** A bar for each hour, or each day of a long campaign: `█` answered, `░` not. */
function picture(hours: Hour[]): string {
  if (hours.length === 0) return 'No call.'
  const daily = hours.length > MOST
  const rows = new Map<string, { calls: number; answered: number }>()
  for (const { at, calls, answered } of hours) {
    const label = when(at).slice(0, daily ? 10 : 16)
    const row = rows.get(label) ?? { calls: 0, answered: 0 }
    rows.set(label, { calls: row.calls + calls, answered: row.answered + answered })
  }
  const most = Math.max(...[...rows.values()].map(({ calls }) => calls))
  const lines = [...rows].map(([label, { calls, answered }]) => {
    const long = Math.max(1, Math.round((calls / most) * BAR))
    const full = Math.round((answered / calls) * long)
    return `${label}  ${'█'.repeat(full)}${'░'.repeat(long - full)}  ${calls}`
  })
  return `Calls ${daily ? 'a day' : 'an hour'} (${'█'} answered), the most ${count(most, 'call')}\n${lines.join('\n')}`
}
